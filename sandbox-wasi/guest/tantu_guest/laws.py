"""What has to hold of a function whatever it is for, because its class, its name or the language says so.

These are properties in the sense of QuickCheck (Claessen and Hughes, 2000): each is tried on generated
inputs, and says something only of those on which the function was executed.
"""

import collections.abc
import copy
import inspect
import re
import sys
import types
import typing

import wit_world

from . import containers, hints
from .arguments import RECEIVER
from .compare import same
from .containers import Broken, attempt, told
from .observe import SECONDS, TooLong, _settled, _within, limited
from .shown import shown

_TOOL = 3  # free while nothing is recorded
_START = sys.monitoring.events.PY_START
SURE, LIKELY, EXTRA = wit_world.Weight.SURE, wit_world.Weight.LIKELY, wit_world.Weight.EXTRA
ENDLESS = 3

# What goes one way, and what goes back; of names that begin or end so, what is left has to be the same.
INVERSES = [
    ("as_", "from_"), ("to_", "from_"), ("to", "from"), ("encode", "decode"), ("dumps", "loads"), ("pack", "unpack"),
    ("serialize", "deserialize"), ("escape", "unescape"), ("quote", "unquote"), ("compress", "decompress"),
    ("encrypt", "decrypt"), ("format", "parse"), ("marshal", "unmarshal"), ("isoformat", "fromisoformat"),
]  # fmt: skip
EXACT = [("__str__", "parse"), ("__str__", "from_string"), ("__str__", "from_str"), ("__bytes__", "from_bytes")]
CONVERSION = re.compile(r"([a-z]+\w*?)(_to_|2)([a-z]\w*)")
# What has been made so stays as it is.
IDEMPOTENT = re.compile(r"_*(normali[sz]ed?|canonicali[sz]ed?|dedup\w*|unique|uniq|slugify|sorted)(_\w+)?")
PLAIN = (str, bytes, bool, list, dict, set, frozenset, tuple)


class Law:
    """`holds` is told how to make a value of each parameter, and returns whether it said anything."""

    def __init__(self, sentence, weight, holds):
        self.sentence, self.weight, self.holds = sentence, weight, holds
        self.held = self.broken = self.endless = 0
        self.example = None  # (size, call, message)


class Laws:
    """Those that a function has to keep."""

    def __init__(self, subject):
        self.subject, self.was_called = subject, False
        self.laws = [*_of_class(subject), *_of_function(subject)]
        if self.laws:
            sys.monitoring.use_tool_id(_TOOL, "tantu laws")
            sys.monitoring.register_callback(_TOOL, _START, self._called)
            sys.monitoring.set_local_events(_TOOL, subject.function.__code__, _START)

    def _called(self, code, offset):
        self.was_called = True

    def try_(self, arguments, seed):
        for law in self.laws:
            if law.endless < ENDLESS:
                self._try(law, arguments, seed)

    def _try(self, law, arguments, seed):
        self.was_called = False
        try:
            with _within(self.subject.module, seed), limited(SECONDS):
                is_told = law.holds(lambda: arguments.build(self.subject.module), self.subject)
        except TooLong:
            law.endless += 1
        except Broken as broken:
            if self.was_called:
                law.broken += 1
                if not law.example or arguments.size < law.example[0]:
                    law.example = arguments.size, _written(arguments, self.subject), str(broken)
        except BaseException:
            pass  # what raises elsewhere says nothing of the law
        else:
            law.held += bool(is_told and self.was_called)

    def crashed(self, error, call, size):
        """Notes an exception that nobody raises on purpose."""
        if not _is_crash(error, self.subject):
            return
        law = next((it for it in self.laws if it.sentence == "does not crash"), None)
        if law is None:
            law = Law("does not crash", SURE, lambda *_: False)
            self.laws.append(law)
        law.broken += 1
        if not law.example or size < law.example[0]:
            law.example = size, call, f"raises {type(error).__name__}: {error}"[:200]

    def tell(self):
        """Tells the host, and returns those that are broken and have to hold."""
        if self.laws and sys.monitoring.get_tool(_TOOL) == "tantu laws":
            sys.monitoring.free_tool_id(_TOOL)
        for law in self.laws:
            if law.held or law.broken:
                example = f"{law.example[1]}: {law.example[2]}" if law.example else None
                wit_world.keeps(wit_world.Law(law.sentence, law.weight, law.held, law.broken, example))
        return [law for law in self.laws if law.broken and law.weight is SURE]


def _written(arguments, subject):
    texts = arguments.texts(subject.module)
    return texts[RECEIVER] if RECEIVER in texts and subject.is_method else arguments.call(subject)


def _is_crash(error, subject):
    frames = []
    trace = error.__traceback__
    while trace:
        frames.append(trace.tb_frame.f_code)
        trace = trace.tb_next
    code = subject.function.__code__
    if isinstance(error, RecursionError):
        return frames.count(code) > 50
    if not frames or frames[-1] is not code:
        return False
    return isinstance(error, NameError) or "exceptions must derive from BaseException" in str(error)


def _of_class(subject):
    owner = subject.owner
    if owner is None:
        return
    if subject.is_method:
        for contract in containers.laws(owner):
            yield Law(contract.__doc__, SURE, _of_receiver(contract))
        yield from _of_operators(subject, owner)
        if subject.name in ("copy", "__copy__", "__deepcopy__"):
            yield Law("A copy equals what it is made of", LIKELY, _of_receiver(_copies))
        if subject.name in ("__getitem__", "__iter__", "__len__", "as_list", "to_list", "tolist"):
            for name in ("as_list", "to_list", "tolist"):
                if callable(getattr(owner, name, None)):
                    yield Law(f"Its items are those of `{name}`", LIKELY, _of_receiver(_lists(name)))
    for there, back in _pairs(subject.name, vars(owner)):
        forth = inspect.getattr_static(owner, there)
        if inspect.isfunction(forth) and isinstance(inspect.getattr_static(owner, back), classmethod | staticmethod):
            yield from _round_trips(subject, there, back, lambda it, there=there: getattr(it, there)(),
                                    lambda it, back=back, owner=owner: getattr(owner, back)(it))  # fmt: skip


def _of_receiver(contract):
    return lambda make, _: contract(lambda: make()[RECEIVER])


def _of_operators(subject, owner):
    has_equality = owner.__eq__ is not object.__eq__
    if subject.name in ("__eq__", "__hash__", "__ne__") and has_equality:
        yield Law("Equals an equal object, and has its hash", SURE, _of_receiver(_equals))
    if subject.name in ("__lt__", "__le__", "__gt__", "__ge__"):
        yield Law("Is not before itself, nor before what is before it", SURE, _of_receiver(_Orders()))
    if not has_equality:
        return
    if subject.name in ("__and__", "__or__"):
        yield Law("`x & x` and `x | x` are `x`", EXTRA, _of_receiver(_combined(subject.name)))
    if subject.name in ("__invert__", "__neg__"):
        yield Law("Twice is not at all", EXTRA, _of_receiver(_twice(subject.name)))


def _has_nan(value):
    return "nan" in shown(value).lower()


def _equals(make):
    one, other = make(), make()
    if _has_nan(one) or not same(vars(one) if hasattr(one, "__dict__") else 0, vars(other) if hasattr(other, "__dict__") else 0):
        return False
    if not one == one or not one == other:
        raise Broken("does not equal its like")
    if one != other:
        raise Broken("is told to be unequal to its like")
    if type(one).__hash__ is not None and hash(one) != hash(other):
        raise Broken("has another hash than its like")
    found, error = attempt(lambda: one == object())
    if error is not None:
        raise Broken(f"compared with an object of another class {told(error)}")
    if found is True:
        raise Broken("equals any object")
    return True


class _Orders:
    """Of each object and the last ones before it."""

    def __init__(self):
        self.others = []

    def __call__(self, make):
        one = make()
        if _has_nan(one):
            return False
        for other in [one, *self.others]:
            for less in ("__lt__", "__gt__"):
                there, _ = attempt(getattr(type(one), less), one, other)
                back, _ = attempt(getattr(type(one), less), other, one)
                if there is True and back is True:
                    raise Broken(f"and {shown(other)} are each {'less' if less == '__lt__' else 'greater'} than the other")
            if other is one and attempt(lambda: one <= one)[0] is False and attempt(lambda: one == one)[0] is True:
                raise Broken("equals itself, and is not less than or equal to itself")
        self.others = [one, *self.others][:6]
        return True


def _copies(make):
    one = make()
    other = one.copy() if hasattr(one, "copy") else copy.copy(one)
    if other is one:
        raise Broken("its copy is itself")
    if type(other) is not type(one):
        raise Broken(f"its copy is of {type(other).__name__}")
    if not same(one, other):
        raise Broken(f"its copy is {shown(other)}")
    return True


def _lists(name):
    def holds(make):
        items, error = attempt(lambda: list(make()))
        listed, other = attempt(getattr(make(), name))
        if error is not None or other is not None:
            return False
        if not isinstance(listed, list) or len(items) != len(listed):
            raise Broken(f"{name}() is {shown(listed)}, and its items are {shown(items)}")
        for item, other in zip(items, listed):
            if type(item) is not type(other) or not same(item, other):
                raise Broken(f"{name}() is {shown(listed)}, and its items are {shown(items)}")
        return bool(items)

    return holds


def _combined(name):
    def holds(make):
        if not getattr(make(), name)(make()) == make():
            raise Broken("is other with itself")
        return True

    return holds


def _twice(name):
    def holds(make):
        if not getattr(getattr(make(), name)(), name)() == make():
            raise Broken("is other when that is done twice")
        return True

    return holds


def _of_function(subject):
    yield from _returned(subject)
    if subject.owner is not None:
        return
    if IDEMPOTENT.fullmatch(subject.name) and len(_required(subject.function)) == 1:
        yield Law("Done twice, it is as done once", LIKELY, _is_idempotent)
    functions = {name: it for name, it in vars(subject.module).items() if inspect.isfunction(it)}
    for there, back in _pairs(subject.name, functions):
        if len(_required(functions[there])) == len(_required(functions[back])) == 1:
            yield from _round_trips(subject, there, back, functions[there], functions[back])


def _required(function):
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [it for it in parameters if it.default is it.empty and it.kind not in (it.VAR_POSITIONAL, it.VAR_KEYWORD)]


def _pairs(name, names):
    """The names of what goes there and what comes back, of which one is `name`."""
    for there, back in [*EXACT, *_named_alike(name)]:
        if name in (there, back) and there in names and back in names and there != back:
            yield there, back


def _named_alike(name):
    for there, back in INVERSES:
        for known, other in ((there, back), (back, there)):
            for found in (name.replace(known, other, 1),) if known in name else ():
                is_there = known == there
                if name.startswith(known) or name.endswith(known):
                    yield (name, found) if is_there else (found, name)
                    # `as_hex` and `from_hex`, and `to_hex` as well.
                    if known == "from_":
                        yield f"as_{name.removeprefix('from_')}", name
    if conversion := CONVERSION.fullmatch(name):
        one, to, other = conversion.groups()
        yield name, f"{other}{to}{one}"
        yield f"{other}{to}{one}", name


def _round_trips(subject, there, back, forth, return_):
    """There, back and there again is as there; whether there and back is nothing at all, depends."""
    is_receiver = subject.is_method

    def start(make):
        """What goes there: of what comes back, what it makes."""
        values = make()
        if is_receiver:
            return values[RECEIVER]
        value = next(iter(values.values()))
        return value if subject.name == there and subject.owner is None else return_(value)

    def is_stable(make, _):
        one = start(make)
        if subject.name == back and attempt(forth, one)[1] is not None:
            return False
        written = _settled(forth(one))
        read, error = attempt(return_, written)
        if error is not None:
            raise Broken(f"`{back}` {told(error)} for {shown(written)}, which `{there}` has made")
        again, error = attempt(forth, read)
        if error is not None or not same(_settled(again), written):
            what = told(error) if error else f"is {shown(again)}"
            raise Broken(f"`{there}` is {shown(written)}, and {what} after `{back}` has read that")
        return True

    def is_exact(make, _):
        one = start(make)
        read, error = attempt(return_, _settled(forth(one)))
        if error is not None or not same(read, one) or type(read) is not type(one):
            raise Broken("is other")
        return True

    yield Law(f"`{back}` reads what `{there}` makes", LIKELY, is_stable)
    yield Law(f"`{back}` undoes `{there}`", EXTRA, is_exact)


def _is_idempotent(make, subject):
    (name, value), *others = make().items()
    rest = dict(others)
    once = _settled(subject.call({name: value, **rest}, [value], rest))
    if type(once) is not type(value):
        return False
    kept = copy.deepcopy(once)
    twice = _settled(subject.call({name: once, **rest}, [once], rest))
    if not same(kept, twice):
        raise Broken(f"makes {shown(kept)}, and of that {shown(twice)}")
    return True


def _returned(subject):
    """The annotation of what is returned, where it can be looked at."""
    try:
        hint = hints.of(subject.function, subject.module.__name__).get("return", inspect.Parameter.empty)
    except Exception:
        return
    if inspect.iscoroutinefunction(subject.function) or inspect.isgeneratorfunction(subject.function):
        return
    kinds = _kinds(hint)
    if not kinds:
        return

    def holds(make, subject):
        values = make()
        receiver = {RECEIVER: values.pop(RECEIVER)} if subject.is_method else {}
        found, error = attempt(subject.call, {**values, **receiver}, [], values)
        if error is not None:
            return False
        if not isinstance(found, kinds):
            raise Broken(f"returns {shown(found)}")
        return True

    yield Law(f"Returns what is annotated, {inspect.formatannotation(hint)}", LIKELY, holds)


def _kinds(hint):
    """The classes of which a value with this annotation is; none where that is not all there is to it."""
    origin = typing.get_origin(hint) or hint
    if origin in (typing.Union, types.UnionType):
        inner = [_kinds(it) for it in typing.get_args(hint)]
        return tuple(kind for kinds in inner for kind in kinds) if all(inner) else ()
    if hint is None or hint is type(None):
        return (type(None),)
    if origin is int:
        return (int,)
    if origin is float:
        return int, float
    if origin in PLAIN or origin in (collections.abc.Mapping, collections.abc.Sequence, collections.abc.Set):
        return (origin,)
    return ()
