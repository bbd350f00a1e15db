"""Evaluates type hints, those too whose names are imported for type checkers only."""

import ast
import importlib
import sys
import typing

_names = {}  # module name → names that type checkers see in it


def of(holder, module):
    """Name → hint. `holder` is a function or a class of the module with this name. Raises whatever
    a hint does that cannot be evaluated."""
    return typing.get_type_hints(holder, localns=names(module), include_extras=True)


def evaluate(text, module):
    return eval(text, {**names(module), **vars(sys.modules[module])})


def names(module):
    """What the module imports under `if TYPE_CHECKING`."""
    if module not in _names:
        _names[module] = found = {}
        try:
            with open(sys.modules[module].__file__, "rb") as source:
                tree = ast.parse(source.read())
        except (AttributeError, KeyError, OSError, SyntaxError, TypeError):
            return found
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and _is_type_checking(node.test):
                for statement in ast.walk(ast.Module(node.body, [])):
                    _import(statement, module, found)
    return _names[module]


def _is_type_checking(test):
    return "TYPE_CHECKING" in (getattr(test, "id", None), getattr(test, "attr", None))


def _import(statement, module, found):
    package = sys.modules[module].__package__
    try:
        if isinstance(statement, ast.ImportFrom):
            name = "." * statement.level + (statement.module or "")
            source = importlib.import_module(name, package)
            for alias in statement.names:
                if not hasattr(source, alias.name):  # a submodule
                    importlib.import_module(f"{source.__name__}.{alias.name}")
                found[alias.asname or alias.name] = getattr(source, alias.name)
        elif isinstance(statement, ast.Import):
            for alias in statement.names:
                source = importlib.import_module(alias.name)
                top = sys.modules[alias.name.partition(".")[0]]
                found[alias.asname or top.__name__] = source if alias.asname else top
    except Exception:
        pass  # what needs it is named as what cannot be generated
