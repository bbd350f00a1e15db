"""Makes objects of the workspace's classes: as their constructors do, and then such that hold something."""

import annotationlib
import ast
import dataclasses
import enum
import functools
import inspect
import typing

from . import hints, inputs, states

MAX_DEPTH = 5  # of objects within objects; collections end sooner
STATE_DEPTH = 2  # within which objects are filled
EDGES = 8
FILLED = 0.85  # the share of random objects that are filled, where they can be


def _unset_attributes(kind):
    """What the class says its instances have, and gives no value itself."""
    names = set()
    for one in kind.__mro__:
        names |= set(annotationlib.get_annotations(one, format=annotationlib.Format.FORWARDREF))
    return {name for name in names if not hasattr(kind, name)}


def own(version, kind):
    """The class of the same name in this version of the module it comes from."""
    if kind.__module__ != version.__name__:
        return kind
    found = version
    for name in kind.__qualname__.split("."):
        found = getattr(found, name, None)
    return found if isinstance(found, type) else kind


@functools.cache
def of_class(kind, depth):
    if issubclass(kind, enum.Enum):
        members = [
            inputs.Recipe(lambda version, name=name: own(version, kind)[name], len(name))
            for name in kind.__members__
        ]
        if members:
            return inputs.Strategy(members, lambda rng: rng.choice(members))
    if depth >= MAX_DEPTH or getattr(kind, "_is_protocol", False):
        raise inputs.CannotGenerate(kind)
    if inspect.isabstract(kind):
        # Those of other modules are the same for both versions of this one.
        concrete = [it for it in kind.__subclasses__() if it.__module__ == kind.__module__]
        if not concrete:
            raise inputs.CannotGenerate(kind)
        return inputs.union(concrete, depth)
    if typing.is_typeddict(kind):
        found = hints.of(kind, kind.__module__)
        names = list(found)
        fields = [inputs.for_hint(hint, depth + 1) for hint in found.values()]

        def written(texts):
            return f"{{{', '.join(f'{name!r}: {text}' for name, text in zip(names, texts))}}}"

        return inputs.product(lambda values: dict(zip(names, values)), fields, written)
    if kind.__module__ in ("builtins", "typing", "collections.abc", "types") or issubclass(kind, BaseException):
        raise inputs.CannotGenerate(kind)
    bare, draw = _constructed(kind, depth)
    if depth >= STATE_DEPTH:
        return inputs.Strategy(bare, draw)
    filling = states.States(kind, depth, bare)
    if not filling:
        return inputs.Strategy(bare, draw)
    filled = [_filled(bare[0], history) for history in filling.edges()]

    def draw_filled(rng):
        one = draw(rng)
        return _filled(one, filling.draw(rng)) if rng.random() < FILLED else one

    return inputs.Strategy([*bare[: EDGES // 2], *filled[:EDGES]], draw_filled)


def _constructed(kind, depth):
    """Edge cases, and how to draw another object, as the class makes them."""
    try:
        parameters = [*inspect.signature(kind).parameters.values()]
        # The fields of these have the hints, for others `__init__` has.
        has_fields = dataclasses.is_dataclass(kind) or hasattr(kind, "_fields")
        found = hints.of(kind if has_fields else kind.__init__, kind.__module__)
    except Exception:
        raise inputs.CannotGenerate(kind) from None
    found = _with_defaults(parameters, found)
    unset = _unset_attributes(kind)
    if kind.__init__ is object.__init__ and unset:
        raise inputs.CannotGenerate(kind)  # somebody else sets them
    try:
        # Without a hint nobody knows what a class wants.
        required, optional = inputs.for_parameters(parameters, found, depth)
    except (inputs.CannotGenerate, KeyError):
        if not _known.get(kind):
            raise inputs.CannotGenerate(kind) from None
        required, optional = None, {}
    if has_fields and required is not None:
        required |= optional
    by_position = {it.name for it in parameters if it.kind is it.POSITIONAL_ONLY}

    def instance(recipes):
        def text(version):
            return f"{kind.__name__}({', '.join(f'{name}={it.show(version)}' for name, it in recipes.items())})"

        def make(version):
            values = {name: it.build(version) for name, it in recipes.items()}
            first = [values.pop(name) for name in recipes if name in by_position]
            value = own(version, kind)(*first, **values)
            if not all(hasattr(value, name) for name in unset):
                raise inputs.CannotGenerate(kind)
            return value

        size = 4 + sum(it.size + 2 for it in recipes.values())
        return inputs.Recipe(make, size, text, any(it.is_made_up for it in recipes.values()))

    def draw(rng):
        chosen = required | {name: it for name, it in optional.items() if not has_fields and rng.random() < 0.3}
        return instance({name: it.draw(rng) for name, it in chosen.items()})

    written = [instance(row) for row in _known.get(kind, ())]
    if required is None:
        return written, lambda rng: rng.choice(written)
    rows = zip(*(it.edges for it in required.values()))
    return [*written, *[instance(dict(zip(required, row))) for row in rows][:EDGES]] or [instance({})], draw


_known = {}  # class → rows of recipes by parameter, as the workspace calls it


def learn(kind, calls):
    """Takes what the workspace calls a class with, as far as that is literals: `(maxsize=2)`."""
    try:
        signature = inspect.signature(kind)
    except (TypeError, ValueError):
        return
    for text in calls:
        try:
            call = ast.parse(f"f{text}", mode="eval").body
            positional = [ast.literal_eval(it) for it in call.args]
            named = {it.arg: ast.literal_eval(it.value) for it in call.keywords}
            bound = signature.bind(*positional, **named)
        except (SyntaxError, ValueError, TypeError, AttributeError):
            continue
        variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        if not any(signature.parameters[name].kind in variable for name in bound.arguments):
            row = {name: inputs.literal(value) for name, value in bound.arguments.items()}
            _known.setdefault(kind, []).append(row)


def _with_defaults(parameters, found):
    """Where there is no hint, a default says of what type a parameter is."""
    plain = {it.name: type(it.default) for it in parameters if type(it.default) in (bool, int, float, str, bytes)}
    return {**plain, **found}


def _filled(recipe, history):
    """An object with a history: what it was given, and what it was told to do."""

    def text(version):
        made_up = [it.text(version) for it in history if isinstance(it, states.Filling)]
        steps = [it.text(version) for it in history if isinstance(it, states.Step)]
        words = recipe.show(version)
        words += f" with {', '.join(made_up)}" if made_up else ""
        words += f" after {', '.join(steps)}" if steps else ""
        return f"({words})"

    def make(version):
        value = recipe.build(version)
        for event in history:
            event.apply(value, version)
        return value

    is_made_up = recipe.is_made_up or any(isinstance(it, states.Filling) for it in history)
    return inputs.Recipe(make, recipe.size + sum(it.size for it in history), text, is_made_up)
