"""Brings objects into states in which they hold something: by what their own methods do, and where
these do not, by what the annotations of their attributes say."""

import ast
import collections
import functools
import inspect
import pickle
import random
import sys
import time

from . import hints, inputs, workspace
from .arguments import Arguments
from .observe import TooLong, limited

MAX_STEPS = 6  # of one object
MAX_METHODS = 24  # of one class that are tried
ROUNDS = 4  # in which each method is tried
SECONDS = 0.1  # of one method that is tried
TRYING = 0.25  # seconds for all methods of a class, from the second round on
SPECIAL = {"__setitem__", "__delitem__", "__iadd__"}
_now = time.monotonic  # whatever the code does to `time`
CONTAINERS = (list, dict, set, collections.deque)


class Method:
    """A method of a class whose parameters can be generated."""

    def __init__(self, name, signature, required, optional):
        self.name, self.signature = name, signature
        self.required, self.optional = required, optional  # strategies by parameter

    def draw(self, rng):
        chosen = self.required | {name: it for name, it in self.optional.items() if rng.random() < 0.5}
        return Step(self, {name: it.draw(rng) for name, it in chosen.items()})

    def edges(self, count):
        """So many steps with different edge cases, if there are as many."""
        longest = max((len(it.edges) for it in self.required.values()), default=1)
        for number in range(min(count, longest)):
            recipes = {name: it.edges[number % len(it.edges)] for name, it in self.required.items() if it.edges}
            if len(recipes) == len(self.required):
                yield Step(self, recipes)


class Step:
    """A call of a method. What it raises is the method's right."""

    def __init__(self, method, recipes):
        self.name = method.name
        self.arguments = Arguments(method.signature, recipes)
        self.size = 4 + self.arguments.size

    def apply(self, value, version):
        positional, named = self.arguments.passed(self.arguments.build(version))
        try:
            getattr(value, self.name)(*positional, **named)
        except TooLong:
            raise
        except BaseException:
            pass

    def text(self, version):
        return f"{self.name}({self.arguments.written(self.arguments.texts(version))})"


class Filling:
    """What an attribute that nothing fills is given; it may be nothing that could be."""

    def __init__(self, name, recipe):
        self.name, self.recipe = name, recipe
        self.size = 4 + recipe.size

    def apply(self, value, version):
        target, content = getattr(value, self.name, None), self.recipe.build(version)
        if target is getattr(type(value), self.name, None):
            return  # it is of all objects of the class
        if isinstance(target, dict | set) and isinstance(content, dict | set):
            target.update(content)
        elif isinstance(target, list | collections.deque) and isinstance(content, list | collections.deque):
            target.extend(content)

    def text(self, version):
        return f"{self.name}={self.recipe.show(version)}"


class States:
    """How to fill the objects of a class. `bare` are recipes of objects as their class makes them."""

    def __init__(self, kind, depth, bare):
        self.methods, self.fields = [], {}
        if not _is_own(kind):
            return
        fields = {name: strategy for name, strategy in _attributes(kind, depth)}
        methods = list(_methods(kind, depth))[:MAX_METHODS]
        version = sys.modules.get(kind.__module__)
        for recipe in bare:
            try:
                with limited(SECONDS):
                    value = recipe.build(version)
            except (Exception, TooLong):
                continue
            self.methods = _changing(value, methods, fields, version)
            self.fields = {name: it for name, it in fields.items() if _is_empty(value, name)}
            return

    def __bool__(self):
        return bool(self.methods or self.fields)

    def edges(self):
        """Histories: fillings and steps."""
        for method in self.methods:
            steps = list(method.edges(3))
            yield from ([step] for step in steps[:2])
            yield steps
            yield steps[::-1]
        for name, field in self.fields.items():
            yield from ([Filling(name, edge)] for edge in field.edges[1:3])

    def draw(self, rng):
        history = [Filling(name, it.draw(rng)) for name, it in self.fields.items() if rng.random() < 0.75]
        if self.methods:
            least = 0 if history else 1
            history += [rng.choice(self.methods).draw(rng) for _ in range(rng.randint(least, MAX_STEPS))]
        return history


def _changing(value, methods, fields, version):
    """The methods that change an object. What they leave empty at all times stays in `fields`."""
    rng, changing, endless = random.Random(0), {}, set()
    before, until = _frozen(value), _now() + TRYING
    for number, method in enumerate(methods * ROUNDS):
        if method.name in endless:
            continue
        if number >= len(methods) and _now() > until:
            break
        try:
            with limited(SECONDS):
                method.draw(rng).apply(value, version)
        except TooLong:
            endless.add(method.name)
            changing.pop(method.name, None)
            continue
        except Exception:
            continue  # an argument cannot be made so
        after = _frozen(value)
        if after is None or after != before:
            changing[method.name] = method
        before = after
        for name in [name for name in fields if not _is_empty(value, name)]:
            del fields[name]
    return list(changing.values())


def _frozen(value):
    try:
        return pickle.dumps(value)
    except Exception:
        return None


def _is_empty(value, name):
    content = getattr(value, name, None)
    return isinstance(content, CONTAINERS) and not content


def _is_own(kind):
    module = sys.modules.get(kind.__module__)
    return module is not None and workspace.relative(getattr(module, "__file__", None)) is not None


def _methods(kind, depth):
    """What others may call on an object, and can be called here."""
    names = dict.fromkeys(name for one in reversed(kind.__mro__) if _is_own(one) for name in vars(one))
    for name in names:
        function = inspect.getattr_static(kind, name, None)
        if name.startswith("_") and name not in SPECIAL or not inspect.isfunction(function):
            continue
        inner = inspect.unwrap(function)
        if not inspect.isfunction(inner) or inspect.iscoroutinefunction(inner):
            continue
        try:
            parameters = [*inspect.signature(function).parameters.values()][1:]
            found = hints.of(inner, inner.__module__)
            signature = inspect.Signature(parameters)
            required, optional = inputs.for_parameters(parameters, found, depth)
        except Exception:
            continue  # nobody knows what it wants
        yield Method(name, signature, required, optional)


def _attributes(kind, depth):
    """The attributes whose annotations say that they are containers, with strategies."""
    for one in reversed(kind.__mro__):
        if not _is_own(one):
            continue
        for name, text in _annotations(sys.modules[one.__module__].__file__).get(one.__qualname__, {}).items():
            try:
                strategy = inputs.for_hint(hints.evaluate(text, one.__module__), depth + 1)
            except Exception:
                continue
            yield name, strategy


@functools.cache
def _annotations(file):
    """Qualified name of a class → attribute → annotation, of a file: those in the class, and those of
    `self` in its methods."""
    found = {}
    try:
        with open(file, "rb") as source:
            tree = ast.parse(source.read())
    except (OSError, SyntaxError, ValueError):
        return found

    def visit(node, prefix):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                names = found.setdefault(prefix + child.name, {})
                for statement in ast.walk(child):
                    is_direct = statement in child.body
                    if isinstance(statement, ast.AnnAssign) and (name := _attribute(statement.target, is_direct)):
                        names[name] = ast.unparse(statement.annotation)
                visit(child, f"{prefix}{child.name}.")

    visit(tree, "")
    return found


def _attribute(target, is_direct):
    if is_direct and isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self":
        return target.attr
    return None
