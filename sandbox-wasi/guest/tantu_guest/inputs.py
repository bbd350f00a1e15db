"""Makes values from type hints: the edge cases of a type first, then random ones.

A value is made from a `Recipe`, as often as somebody needs an untouched one, and for the old and the
new version of a module from that version's own classes.
"""

import annotationlib
import collections
import collections.abc
import dataclasses
import datetime
import decimal
import enum
import fractions
import inspect
import itertools
import pathlib
import types
import typing
import uuid

from . import hints

MAX_DEPTH = 3
MAX_LENGTH = 4  # of random collections
SHOWN = 200  # characters of a value in a message


class CannotGenerate(Exception):
    """Says which annotation it is about."""


class Recipe:
    """How to make a value. `size` orders values from the simplest to the most complicated."""

    __slots__ = ("build", "size", "text")

    def __init__(self, build, size, text=None):
        self.build = build  # the version of the module → the value
        self.size = size
        self.text = text  # the version of the module → how to write the value, if not by its `repr`

    def show(self, version):
        return self.text(version) if self.text else shown(self.build(version))


class Strategy:
    """The edge cases of a type, and how to draw another value."""

    def __init__(self, edges, draw):
        self.edges = edges
        self.draw_other = draw

    def draw(self, rng):
        if self.edges and rng.random() < 0.25:
            return rng.choice(self.edges)
        return self.draw_other(rng)


def shown(value):
    """`repr`, but short and without exceptions."""
    try:
        text = repr(value)
    except Exception as error:
        text = f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def constant(value):
    return Recipe(lambda _: value, len(shown(value)))


def constants(values, draw=None):
    recipes = [constant(value) for value in values]
    if draw is None:
        return Strategy(recipes, lambda rng: rng.choice(recipes))
    return Strategy(recipes, lambda rng: constant(draw(rng)))


LETTERS = "abcxyz ABC019_-.,:/é日🙂\n\t'\""


def _text(rng):
    return "".join(rng.choices(LETTERS, k=rng.randint(1, 12)))


def _day(rng):
    return datetime.date(2000, 1, 1) + datetime.timedelta(days=rng.randint(-20_000, 20_000))


def _moment(rng):
    return datetime.datetime.combine(_day(rng), datetime.time(rng.randrange(24), rng.randrange(60)))


def _number(rng):
    return rng.choice([rng.randint(-10, 10), rng.randint(-1000, 1000), rng.randint(0, 100)])


SCALARS = {
    type(None): constants([None]),
    bool: constants([False, True]),
    int: constants([0, 1, -1, 2, 3, 10, -10, 100, 255, 256, 1000, 65536], _number),
    float: constants(
        [0.0, 1.0, -1.0, 0.5, -0.0, 1e-9, 1e9, float("nan"), float("inf"), float("-inf"), 5e-324],
        lambda rng: round(rng.uniform(-1000, 1000), rng.randint(0, 4)),
    ),
    complex: constants([0j, 1j, 1 + 0j], lambda rng: complex(_number(rng), _number(rng))),
    str: constants(
        ["", "a", " ", "0", "-1", "abc", "A B", "é", "日本", "🙂", "\n", "a\tb", "'", "x" * 100, "\0"],
        _text,
    ),
    bytes: constants([b"", b"a", b"\0", b"\xff\xfe", b"abc"], lambda rng: _text(rng).encode()),
    decimal.Decimal: constants(
        [decimal.Decimal(text) for text in ("0", "1", "-1.5", "NaN")],
        lambda rng: decimal.Decimal(_number(rng)) / 100,
    ),
    fractions.Fraction: constants(
        [fractions.Fraction(0), fractions.Fraction(1, 3)],
        lambda rng: fractions.Fraction(_number(rng), rng.randint(1, 9)),
    ),
    datetime.date: constants(
        [datetime.date(2000, 1, 1), datetime.date(2024, 2, 29), datetime.date.min], _day
    ),
    datetime.datetime: constants(
        [datetime.datetime(2000, 1, 1), datetime.datetime(2024, 2, 29, 23, 59, 59)], _moment
    ),
    datetime.time: constants([datetime.time(), datetime.time(23, 59, 59)]),
    datetime.timedelta: constants(
        [datetime.timedelta(), datetime.timedelta(1), datetime.timedelta(seconds=-1)],
        lambda rng: datetime.timedelta(seconds=_number(rng)),
    ),
    uuid.UUID: constants([uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)]),
    pathlib.PurePath: constants([pathlib.PurePosixPath(text) for text in (".", "a", "a/b.txt", "/")]),
    pathlib.Path: constants([pathlib.Path(text) for text in (".", "a", "a/b.txt", "/tmp/none")]),
}
SCALARS[bytearray] = Strategy(
    [Recipe(lambda _, value=value: bytearray(value), len(value)) for value in (b"", b"abc")],
    lambda rng: (lambda value: Recipe(lambda _: bytearray(value), len(value)))(_text(rng).encode()),
)

SEQUENCES = {
    list: list, collections.abc.Sequence: list, collections.abc.MutableSequence: list,
    collections.abc.Collection: list, collections.abc.Iterable: list, collections.abc.Container: list,
    collections.abc.Reversible: list, set: set, collections.abc.Set: set, frozenset: frozenset,
    collections.abc.MutableSet: set, collections.deque: collections.deque,
}  # fmt: skip
MAPPINGS = {
    dict: dict, collections.abc.Mapping: dict, collections.abc.MutableMapping: dict,
    collections.OrderedDict: collections.OrderedDict,
}  # fmt: skip
ITERATORS = {collections.abc.Iterator, collections.abc.Generator}
ANYTHING = [int, str, type(None), list[int], float, dict[str, int], bool, bytes]


def for_hint(hint, depth=0):
    """The strategy for a type hint that is no string any more."""
    if hint in (inspect.Parameter.empty, typing.Any, object):
        return _union(ANYTHING, depth)
    if hint is None:
        return SCALARS[type(None)]
    try:
        if hint in SCALARS:
            return SCALARS[hint]
    except TypeError:  # not hashable
        raise CannotGenerate(hint) from None
    if isinstance(hint, typing.NewType):
        return for_hint(hint.__supertype__, depth)
    if isinstance(hint, typing.TypeAliasType):
        return for_hint(hint.__value__, depth)
    if isinstance(hint, typing.TypeVar):
        return _union(hint.__constraints__ or [hint.__bound__ or int], depth)
    if hint in (typing.LiteralString, typing.AnyStr):
        return SCALARS[str]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Annotated, typing.Final, typing.ClassVar, typing.Required, typing.NotRequired):
        return for_hint(arguments[0], depth)
    if origin in (typing.Union, types.UnionType):
        return _union(arguments, depth)
    if origin is typing.Literal:
        return constants(arguments)
    kind = origin or hint
    if kind in SEQUENCES:
        return _sequence(SEQUENCES[kind], arguments[0] if arguments else int, depth)
    if kind in ITERATORS:
        return _iterator(arguments[0] if arguments else int, depth)
    if kind in MAPPINGS:
        return _mapping(MAPPINGS[kind], arguments or (str, int), depth)
    if kind is tuple:
        return _tuple(arguments, depth)
    if isinstance(kind, type) and kind is not collections.abc.Callable:
        return _class(kind, depth)
    raise CannotGenerate(hint)


def _union(kinds, depth):
    """Alternatives that cannot be generated are left out."""
    strategies, reason = [], None
    for hint in kinds:
        try:
            strategies.append(for_hint(hint, depth))
        except CannotGenerate as error:
            reason = error
    if not strategies:
        raise reason or CannotGenerate(typing.Union[tuple(kinds)])
    rows = itertools.zip_longest(*(strategy.edges for strategy in strategies))
    edges = [recipe for row in rows for recipe in row if recipe]
    return Strategy(edges, lambda rng: rng.choice(strategies).draw(rng))


def _made(make, children):
    """A collection of what the children make."""
    size = 2 + sum(child.size + 2 for child in children)
    return Recipe(lambda version: make(child.build(version) for child in children), size)


def _sequence(make, hint, depth):
    empty = _made(make, [])
    if depth >= MAX_DEPTH:
        return Strategy([empty], lambda rng: empty)
    element = for_hint(hint, depth + 1)
    first = element.edges[:3]
    edges = [empty, *(_made(make, [one]) for one in first), _made(make, first), _made(make, first[:1] * 2)]
    return Strategy(
        edges, lambda rng: _made(make, [element.draw(rng) for _ in range(rng.randint(1, MAX_LENGTH))])
    )


def _iterator(hint, depth):
    inner = _sequence(list, hint, depth)

    def wrap(recipe):
        return Recipe(
            lambda version: iter(recipe.build(version)),
            recipe.size + 6,
            lambda version: f"iter({recipe.show(version)})",
        )

    return Strategy([wrap(edge) for edge in inner.edges], lambda rng: wrap(inner.draw(rng)))


def _mapping(make, kinds, depth):
    def pairs(children):
        return _made(lambda values: make(zip(*[iter(values)] * 2)), children)

    empty = pairs([])
    if depth >= MAX_DEPTH:
        return Strategy([empty], lambda rng: empty)
    key, value = (for_hint(hint, depth + 1) for hint in kinds)
    edges = [empty, *(pairs([key.edges[n], value.edges[n]]) for n in range(min(3, len(key.edges), len(value.edges))))]

    def draw(rng):
        return pairs([it.draw(rng) for _ in range(rng.randint(1, MAX_LENGTH)) for it in (key, value)])

    return Strategy(edges, draw)


def _tuple(kinds, depth):
    if not kinds or (len(kinds) == 2 and kinds[1] is Ellipsis):
        return _sequence(tuple, kinds[0] if kinds else int, depth)
    return _product(tuple, [for_hint(hint, depth + 1) for hint in kinds if hint != ()])


def _product(make, strategies):
    edges = [_made(make, list(row)) for row in zip(*(strategy.edges for strategy in strategies))]
    edges = edges[:8] or [_made(make, [])]
    return Strategy(edges, lambda rng: _made(make, [strategy.draw(rng) for strategy in strategies]))


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


def _class(kind, depth):
    if issubclass(kind, enum.Enum):
        members = [
            Recipe(lambda version, name=name: own(version, kind)[name], len(name))
            for name in kind.__members__
        ]
        if members:
            return Strategy(members, lambda rng: rng.choice(members))
    if depth >= MAX_DEPTH or inspect.isabstract(kind) or getattr(kind, "_is_protocol", False):
        raise CannotGenerate(kind)
    if typing.is_typeddict(kind):
        found = hints.of(kind, kind.__module__)
        names = list(found)
        fields = [for_hint(hint, depth + 1) for hint in found.values()]
        return _product(lambda values: dict(zip(names, values)), fields)
    if kind.__module__ in ("builtins", "typing", "collections.abc", "types") or issubclass(kind, BaseException):
        raise CannotGenerate(kind)
    try:
        parameters = [
            parameter
            for parameter in inspect.signature(kind).parameters.values()
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        ]
        # The fields of these have the hints, for others `__init__` has.
        has_fields = dataclasses.is_dataclass(kind) or hasattr(kind, "_fields")
        found = hints.of(kind if has_fields else kind.__init__, kind.__module__)
    except Exception:
        raise CannotGenerate(kind) from None
    unset = _unset_attributes(kind)
    if kind.__init__ is object.__init__ and unset:
        raise CannotGenerate(kind)  # somebody else sets them
    required = [it for it in parameters if it.default is it.empty]
    chosen = parameters if has_fields else required
    names = [it.name for it in chosen]
    try:
        # Without a hint nobody knows what a class wants.
        fields = [for_hint(found[name], depth + 1) for name in names]
    except (CannotGenerate, KeyError):
        raise CannotGenerate(kind) from None
    positional = {it.name for it in chosen if it.kind is it.POSITIONAL_ONLY}

    def build(version, values):
        pairs = list(zip(names, values))
        first = [value for name, value in pairs if name in positional]
        return own(version, kind)(*first, **{name: value for name, value in pairs if name not in positional})

    def instance(children):
        def text(version):
            pairs = zip(names, children)
            return f"{kind.__name__}({', '.join(f'{name}={it.show(version)}' for name, it in pairs)})"

        def make(version):
            value = build(version, [child.build(version) for child in children])
            if not all(hasattr(value, name) for name in unset):
                raise CannotGenerate(kind)
            return value

        return Recipe(make, 4 + sum(child.size + 2 for child in children), text)

    edges = [instance(list(row)) for row in zip(*(field.edges for field in fields))][:8] or [instance([])]
    return Strategy(edges, lambda rng: instance([field.draw(rng) for field in fields]))

