"""Makes values from type hints: the edge cases of a type first, then random ones.

A value is made from a `Recipe`, as often as somebody needs an untouched one, and for the old and the
new version of a module from that version's own classes.
"""

import ast
import collections
import collections.abc
import datetime
import decimal
import fractions
import inspect
import itertools
import pathlib
import types
import typing
import uuid

from . import objects
from .shown import shown

MAX_DEPTH = 3
MAX_LENGTH = 4  # of random collections


class CannotGenerate(Exception):
    """Says which annotation it is about."""


class Recipe:
    """How to make a value. `size` orders values from the simplest to the most complicated."""

    __slots__ = ("build", "is_made_up", "size", "text", "words")

    def __init__(self, build, size, text=None, is_made_up=False):
        self.build = build  # the version of the module → the value
        self.size = size
        self.text = text  # the version of the module → how to write the value, if not by its `repr`
        self.words = None  # how to write the value, where that is always the same
        self.is_made_up = is_made_up  # whether it holds what its class may never let it hold

    def show(self, version):
        if self.words is None:
            return self.text(version) if self.text else shown(self.build(version))
        return self.words


class Strategy:
    """The edge cases of a type, and how to draw another value."""

    def __init__(self, edges, draw):
        self.edges = edges
        self.draw_other = draw

    def draw(self, rng):
        if self.edges and rng.random() < 0.25:
            return rng.choice(self.edges)
        return self.draw_other(rng)


def constant(value):
    words = shown(value)
    recipe = Recipe(lambda _: value, len(words))
    recipe.words = words
    return recipe


def literal(value):
    """A value that somebody has written out, made anew each time where it can be changed."""
    if isinstance(value, list | dict | set):
        text = repr(value)
        return Recipe(lambda _: ast.literal_eval(text) if value else type(value)(), len(text))
    return constant(value)


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
        return union(ANYTHING, depth)
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
        return union(hint.__constraints__ or [hint.__bound__ or int], depth)
    if hint in (typing.LiteralString, typing.AnyStr):
        return SCALARS[str]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Annotated, typing.Final, typing.ClassVar, typing.Required, typing.NotRequired):
        return for_hint(arguments[0], depth)
    if origin in (typing.Union, types.UnionType):
        return union(arguments, depth)
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
        return objects.of_class(kind, depth)
    raise CannotGenerate(hint)


def union(kinds, depth):
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


def mostly(likely, other):
    """Values of the first strategy, and now and then one of the other."""
    return Strategy([*likely.edges, *other.edges[:3]], lambda rng: (likely if rng.random() < 0.9 else other).draw(rng))


def for_parameters(parameters, found, depth):
    """Strategies by name, for the parameters that need a value and for those that do not. Raises
    `CannotGenerate` or `KeyError` where one that needs a value has no hint of use."""
    required, optional = {}, {}
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue  # none
        if parameter.default is parameter.empty:
            required[parameter.name] = for_hint(found[parameter.name], depth + 1)
            continue
        try:
            optional[parameter.name] = for_hint(found[parameter.name], depth + 1)
        except (CannotGenerate, KeyError):
            pass
    return required, optional


def _made(make, children, written=None):
    """A collection of what the children make. `written` says how it is written, by how they are."""
    size = 2 + sum(child.size + 2 for child in children)
    text = None
    if written and any(child.text for child in children):

        def text(version):
            return written([child.show(version) for child in children])

    is_made_up = any(child.is_made_up for child in children)
    return Recipe(lambda version: make(child.build(version) for child in children), size, text, is_made_up)


def _sequence(make, hint, depth):
    return sequence(make, for_hint(hint, depth + 1) if depth < MAX_DEPTH else None, depth)


def sequence(make, element, depth):
    """Collections of what a strategy makes."""

    def made(children):
        return _made(make, children, written)

    def written(texts):
        text = f"[{', '.join(texts)}]"
        return text if make is list else f"{make.__name__}({text})"

    empty = made([])
    if depth >= MAX_DEPTH:
        return Strategy([empty], lambda rng: empty)
    first = element.edges[:3]
    edges = [empty, *(made([one]) for one in first), made(first), made(first[:1] * 2)]
    return Strategy(edges, lambda rng: made([element.draw(rng) for _ in range(rng.randint(1, MAX_LENGTH))]))


def _iterator(hint, depth):
    inner = _sequence(list, hint, depth)

    def wrap(recipe):
        return Recipe(
            lambda version: iter(recipe.build(version)),
            recipe.size + 6,
            lambda version: f"iter({recipe.show(version)})",
            recipe.is_made_up,
        )

    return Strategy([wrap(edge) for edge in inner.edges], lambda rng: wrap(inner.draw(rng)))


def _mapping(make, kinds, depth):
    key, value = (for_hint(hint, depth + 1) if depth < MAX_DEPTH else None for hint in kinds)
    return mapping(make, key, value, depth)


def mapping(make, key, value, depth):
    """Mappings of what two strategies make."""

    def pairs(children):
        return _made(lambda values: make(zip(*[iter(values)] * 2)), children, written)

    def written(texts):
        text = ", ".join(f"{key}: {value}" for key, value in zip(texts[::2], texts[1::2]))
        return f"{{{text}}}"

    empty = pairs([])
    if depth >= MAX_DEPTH:
        return Strategy([empty], lambda rng: empty)
    edges = [empty, *(pairs([key.edges[n], value.edges[n]]) for n in range(min(3, len(key.edges), len(value.edges))))]

    def draw(rng):
        return pairs([it.draw(rng) for _ in range(rng.randint(1, MAX_LENGTH)) for it in (key, value)])

    return Strategy(edges, draw)


def _tuple(kinds, depth):
    if not kinds or (len(kinds) == 2 and kinds[1] is Ellipsis):
        return _sequence(tuple, kinds[0] if kinds else int, depth)
    return product(tuple, [for_hint(hint, depth + 1) for hint in kinds if hint != ()])


def product(make, strategies, written=lambda texts: f"({', '.join(texts)},)"):
    def made(children):
        return _made(make, children, written)

    edges = [made(list(row)) for row in zip(*(strategy.edges for strategy in strategies))]
    edges = edges[:8] or [made([])]
    return Strategy(edges, lambda rng: made([strategy.draw(rng) for strategy in strategies]))
