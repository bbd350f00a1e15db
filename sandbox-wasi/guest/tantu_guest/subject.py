"""The function that inputs are generated for."""

import ast
import doctest
import inspect
import itertools
import linecache
import random
import re
import traceback
import typing

from . import hints, shapes, workspace
from .arguments import RECEIVER, Arguments
from .inputs import CannotGenerate, for_hint, literal, mostly
from .observe import TooLong, built

ENDLESS = 3  # inputs that cannot be made in time, after which no more are tried
# `Raises:` and `Raises\n------` and `:raises X:`, each up to the next paragraph.
SECTION = re.compile(r"^\s*Raises\s*:?\s*\n(?:\s*-+\s*\n)?(.*?)(?:\n\s*\n|\Z)", re.M | re.S)
FIELD = re.compile(r":raises?\s+([\w.]+(?:\s*,\s*[\w.]+)*)\s*:")
NAME = re.compile(r"^\s*`*~?([A-Za-z_][\w.]*)", re.M)


class NoSubject(Exception):
    """There is no such function."""


class Subject:
    """A function or a method in a version of its module. `text` is a text of it that says what its
    parameters are used for, if not the module's own."""

    def __init__(self, module, qualname, text=None):
        self.module, self.qualname = module, qualname
        holder, found = None, module
        for name in qualname.split("."):
            holder = found
            try:
                found = inspect.getattr_static(holder, name)
            except AttributeError:
                raise NoSubject(f"there is no {qualname} in {module.__name__}") from None
            if isinstance(found, property):
                found = found.fget
        self.name = qualname.rpartition(".")[2]
        is_bound = isinstance(found, staticmethod | classmethod)
        self.owner = holder if isinstance(holder, type) else None
        # Of what is decorated, the innermost has the line and the docstring.
        self.function = inspect.unwrap(found.__func__ if is_bound else found)
        if not inspect.isfunction(self.function):
            raise NoSubject(f"{qualname} in {module.__name__} is no function written in Python")
        self.is_method = self.owner is not None and not is_bound
        self.is_property = isinstance(inspect.getattr_static(holder, self.name), property)
        self.line = self.function.__code__.co_firstlineno
        self.signature = self._signature(found)
        self.fitting = {}  # what it was found to be callable with
        self.text = text

    def _signature(self, found):
        if isinstance(found, staticmethod):
            return inspect.signature(found.__func__)
        signature = inspect.signature(found.__func__ if isinstance(found, classmethod) else found)
        if self.owner is None:
            return signature
        return signature.replace(parameters=[*signature.parameters.values()][1:])

    def call(self, arguments, positional, named):
        if self.is_property:
            return getattr(arguments[RECEIVER], self.name)
        holder = arguments[RECEIVER] if self.is_method else self.owner or self.module
        return getattr(holder, self.name)(*positional, **named)

    def inputs(self, count, seed):
        """At most so many different inputs: those of the docstring's examples, edge cases, and
        random ones. Raises `CannotGenerate`, naming the parameter.
        """
        rng = random.Random(seed)
        examples = self._examples()
        strategies = self._strategies(examples)
        seen, endless = set(), 0
        rounds = itertools.chain(
            examples if not self.is_method else (),
            _edge_cases(strategies, count),
            ({name: it.draw(rng) for name, it in strategies.items()} for _ in range(4 * count)),
        )
        for recipes in rounds:
            arguments = Arguments(self.signature, recipes)
            try:
                if arguments.has_objects:
                    built(self, arguments)
                text = arguments.call(self)
            except TooLong:
                endless += 1
                if endless == ENDLESS:
                    break
                continue
            except BaseException:
                continue  # a class does not want to be made so
            if text not in seen:
                seen.add(text)
                yield arguments
            if len(seen) >= count:
                return
        if not seen:
            raise CannotGenerate("the parameters: their classes reject whatever is tried")

    def _strategies(self, examples):
        strategies = {}
        used = shapes.of(self._source(), self.qualname)
        if self.is_method:
            strategies[RECEIVER] = self._strategy(RECEIVER, self.owner)
        for name, parameter in self.signature.parameters.items():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue  # none
            hint = self._hint(parameter)
            if hint is parameter.empty:
                hint = _hint_of_values([it[name].build(None) for it in examples if name in it])
            if hint is parameter.empty and parameter.default not in (parameter.empty, None):
                hint = _hint_of_values([parameter.default])
            try:
                strategies[name] = self._strategy(name, hint)
            except CannotGenerate:
                if parameter.default is parameter.empty:
                    raise
            else:
                if hint is parameter.empty and name in used:
                    strategies[name] = mostly(used[name], strategies[name])
        return strategies

    def _source(self):
        if self.text is not None:
            return self.text
        return "".join(linecache.getlines(getattr(self.module, "__file__", None) or ""))

    def _hint(self, parameter):
        hint = parameter.annotation
        try:
            return hints.of(self.function, self.module.__name__).get(parameter.name, hint)
        except Exception:
            pass  # one of them cannot be evaluated: perhaps another
        try:
            return hints.evaluate(hint, self.module.__name__) if isinstance(hint, str) else hint
        except Exception:
            raise CannotGenerate(f"parameter `{parameter.name}`: {hint}") from None

    def _strategy(self, name, hint):
        try:
            return for_hint(hint)
        except CannotGenerate as error:
            inner = error.args[0]
            text = _written(hint)
            because = "" if inner is hint or _written(inner) == text else f", because of {_written(inner)}"
            raise CannotGenerate(f"parameter `{name}`: {text}{because}") from None

    def _examples(self):
        """The inputs in the docstring whose arguments are literals."""
        found = []
        for example in _doctest_examples(self.function.__doc__):
            for node in ast.walk(example):
                if isinstance(node, ast.Call) and _called(node.func) == self.name:
                    try:
                        positional = [ast.literal_eval(it) for it in node.args]
                        named = {it.arg: ast.literal_eval(it.value) for it in node.keywords}
                        bound = self.signature.bind(*positional, **named).arguments
                    except (ValueError, TypeError, SyntaxError):
                        continue
                    names = self.signature.parameters.values()
                    variable = {it.name for it in names if it.kind in (it.VAR_POSITIONAL, it.VAR_KEYWORD)}
                    if not variable & set(bound):
                        found.append({name: literal(value) for name, value in bound.items()})
        return found


def _edge_cases(strategies, count):
    """All combinations if they are few; else each parameter's, while the others have their first."""
    edges = {name: it.edges for name, it in strategies.items()}
    total = 1
    for recipes in edges.values():
        total *= max(len(recipes), 1)
    if total <= count // 2 or len(edges) < 2:
        for row in itertools.product(*edges.values()):
            yield dict(zip(edges, row))
        return
    for number in range(max(len(recipes) for recipes in edges.values())):
        yield {name: recipes[number % len(recipes)] for name, recipes in edges.items()}
    for name, recipes in edges.items():
        for recipe in recipes:
            yield {other: recipe if other == name else its[0] for other, its in edges.items()}


def _hint_of_values(values):
    """The types that values have, as a hint."""
    kinds = list(dict.fromkeys(_hint_of_value(value) for value in values))
    return typing.Union[tuple(kinds)] if kinds else inspect.Parameter.empty


def _hint_of_value(value):
    kind = type(value)
    if kind in (list, set, frozenset) and value:
        return kind[_hint_of_values(value)]
    if kind is dict and value:
        return dict[_hint_of_values(value), _hint_of_values(value.values())]
    if kind is tuple and value:
        return tuple[tuple(_hint_of_value(item) for item in value)]
    return kind


def _doctest_examples(docstring):
    try:
        examples = doctest.DocTestParser().get_examples(docstring or "")
    except ValueError:
        return
    for example in examples:
        try:
            yield ast.parse(example.source)
        except SyntaxError:
            continue


def _called(node):
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", None)


def _written(hint):
    if isinstance(hint, str):
        return hint
    return inspect.formatannotation(hint)


def is_rejection(subject, error):
    """Whether an exception is no failure: the docstring names it, a `raise` in the workspace says it,
    or nobody has said of what type the parameters are."""
    kinds = [it.__name__ for it in type(error).__mro__ if it not in (Exception, BaseException, object)]
    if _documented(subject.function.__doc__) & {*kinds, type(error).__qualname__}:
        return True
    parameters = subject.signature.parameters.values()
    # `Any` says no more than nothing.
    vague = any(re.search(r"\b(Any|object|_empty)\b", _written(it.annotation)) for it in parameters)
    if vague and isinstance(error, ValueError | TypeError | AttributeError | KeyError):
        return True
    return isinstance(error, Exception) and not isinstance(error, AssertionError) and _is_raised(error)


def _documented(docstring):
    docstring = inspect.cleandoc(docstring or "")
    names = set()
    for section in SECTION.findall(docstring):
        names |= set(NAME.findall(section))
    for field in FIELD.findall(docstring):
        names |= {name.strip() for name in field.split(",")}
    return {name.rpartition(".")[2] for name in names}


def _is_raised(error):
    """Whether the innermost frame is the workspace's, and at a `raise`."""
    frames = list(traceback.walk_tb(error.__traceback__))
    if not frames:
        return False
    frame, line = frames[-1]
    file = frame.f_code.co_filename
    if not workspace.relative(file):
        return False
    text = linecache.getline(file, line).strip()
    return text == "raise" or text.startswith("raise ")
