"""What mappings, sets and sequences have promised by the abstract class that they derive from: the
contracts of `collections.abc`, in the words of the language's manual."""

import collections.abc
import operator

from .compare import same
from .observe import TooLong
from .shown import shown

KEYS = ("a", 1, "b", (2, 3))
VALUES = (1, 0, "", "x")
MOST = 20  # items that are taken out of one container
NONE = object()
ABSENT = "there is no such key"


class Broken(Exception):
    """Says in which way."""


def attempt(function, *arguments):
    """What a call returns, and what it raises."""
    try:
        return function(*arguments), None
    except TooLong:
        raise
    except Exception as error:
        return None, error


def told(error):
    return f"raises {type(error).__name__}" if error else "returns"


def laws(owner):
    """The contracts of a class, each as a function of what makes an object. A contract returns whether
    it said anything of this object, or raises `Broken`."""
    found = []
    if issubclass(owner, collections.abc.Mapping):
        found += [_counts, _looks_up, _gets]
    if issubclass(owner, collections.abc.MutableMapping):
        found += [_sets, _deletes, _pops, _pops_items, _sets_defaults, _clears]
    if issubclass(owner, collections.abc.Set):
        found += [_counts]
    if issubclass(owner, collections.abc.MutableSet):
        found += [_adds, _discards]
    if issubclass(owner, collections.abc.Sequence) and not issubclass(owner, str | bytes):
        found += [_indexes]
    if issubclass(owner, collections.abc.MutableSequence):
        found += [_inserts]
    return found


def _filled(mapping):
    for key, value in zip(KEYS, VALUES):
        attempt(operator.setitem, mapping, key, value)
    return mapping


def _counts(make):
    """Length, membership and iteration agree"""
    for container in (make(), _filled(make()) if hasattr(type(make()), "__setitem__") else make()):
        items = list(container)
        if len(container) != len(items):
            raise Broken(f"has the length {len(container)}, and its iterator gives {len(items)}")
        for item in items[:MOST]:
            if item not in container:
                raise Broken(f"iterates over {shown(item)}, and says that it is not in")
    return True


def _looks_up(make):
    """What is in can be looked up, what is not raises `KeyError`"""
    mapping = _filled(make()) if isinstance(make(), collections.abc.MutableMapping) else make()
    for key in list(mapping)[:MOST]:
        if key in mapping:
            _, error = attempt(operator.getitem, mapping, key)
            if isinstance(error, LookupError):
                raise Broken(f"[{shown(key)}] {told(error)}, though it is in")
    if hasattr(type(mapping), "__missing__") or attempt(operator.contains, mapping, ABSENT)[0] is not False:
        return True
    _, error = attempt(operator.getitem, mapping, ABSENT)
    if error is not None and not isinstance(error, LookupError | TypeError | ValueError):
        raise Broken(f"of a key that is not in {told(error)}, not KeyError")
    return True


def _gets(make):
    """`get` gives what is in, and the default otherwise"""
    mapping = _filled(make()) if isinstance(make(), collections.abc.MutableMapping) else make()
    for key in list(mapping)[:MOST]:
        value, error = attempt(operator.getitem, mapping, key)
        found, other = attempt(mapping.get, key, NONE)
        if error is None and other is None and key in mapping and not same(value, found):
            what = "the default" if found is NONE else shown(found)
            raise Broken(f"get({shown(key)}) gives {what}, though [{shown(key)}] is {shown(value)}")
    if attempt(operator.contains, mapping, ABSENT)[0] is not False:
        return True
    found, error = attempt(mapping.get, ABSENT, NONE)
    if error is None and found is not NONE and not hasattr(type(mapping), "__missing__"):
        raise Broken(f"get of a key that is not in gives {shown(found)}, not the default")
    if isinstance(error, LookupError):
        raise Broken(f"get of a key that is not in {told(error)}")
    return True


def _sets(make):
    """What has been set can be set again"""
    mapping = _filled(make())
    for key in list(mapping)[:MOST]:
        value, error = attempt(operator.getitem, mapping, key)
        if error is not None:
            continue
        _, error = attempt(operator.setitem, mapping, key, value)
        if isinstance(error, LookupError | StopIteration | RecursionError | UnboundLocalError):
            raise Broken(f"[{shown(key)}] = {shown(value)} {told(error)}, though it was set before")
        again, error = attempt(operator.getitem, mapping, key)
        if error is None and not same(again, value):
            raise Broken(f"[{shown(key)}] is {shown(again)} after it was set to {shown(value)}")
    return bool(mapping)


def _left(mapping, key, before, what):
    if attempt(operator.contains, mapping, key)[0]:
        raise Broken(f"{what} leaves {shown(key)} in")
    if len(mapping) != before - 1:
        raise Broken(f"{what} makes the length {len(mapping)}, formerly {before}")


def _deletes(make):
    """`del` takes out what is in, and nothing else"""
    mapping = _filled(make())
    keys = list(mapping)[:4]
    for key in keys[::2]:
        before = len(mapping)
        if key not in mapping:
            return False  # it forgets by itself
        _, error = attempt(operator.delitem, mapping, key)
        if error is not None:
            raise Broken(f"del [{shown(key)}] {told(error)}, though it is in")
        _left(mapping, key, before, f"del [{shown(key)}]")
    _, error = attempt(operator.delitem, mapping, ABSENT)
    if error is not None and not isinstance(error, LookupError | TypeError | ValueError):
        raise Broken(f"del of a key that is not in {told(error)}, not KeyError")
    _filled(mapping)
    _emptied(mapping)
    return bool(keys)


def _pops(make):
    """`pop` takes out what is in and gives it back"""
    mapping = _filled(make())
    keys = list(mapping)[:4]
    for key in keys:
        before = len(mapping)
        value, error = attempt(operator.getitem, mapping, key)
        if error is not None or key not in mapping:
            return False
        found, error = attempt(mapping.pop, key)
        if error is not None:
            raise Broken(f"pop({shown(key)}) {told(error)}, though it is in")
        if not same(found, value):
            raise Broken(f"pop({shown(key)}) gives {shown(found)}, though it was {shown(value)}")
        _left(mapping, key, before, f"pop({shown(key)})")
    if attempt(operator.contains, mapping, ABSENT)[0] is False:
        found, error = attempt(mapping.pop, ABSENT, NONE)
        if isinstance(error, LookupError) or error is None and found is not NONE:
            raise Broken(f"pop with a default, of a key that is not in, {told(error)}, not the default")
        _, error = attempt(mapping.pop, ABSENT)
        if not hasattr(type(mapping), "__missing__") and not isinstance(error, LookupError | TypeError | ValueError):
            raise Broken(f"pop of a key that is not in {told(error)}, not KeyError")
    return bool(keys)


def _pops_items(make):
    """`popitem` takes out a pair that was in, or raises `KeyError`"""
    return _emptied(_filled(make()))


def _emptied(mapping):
    """Takes out all of it, pair by pair."""
    for _ in range(MOST):
        keys = list(mapping)
        if not keys:
            break
        before = {key: attempt(operator.getitem, mapping, key) for key in keys}
        pair, error = attempt(mapping.popitem)
        if error is not None:
            raise Broken(f"popitem() {told(error)}, though there is {shown(keys)} in it")
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise Broken(f"popitem() gives {shown(pair)}, no pair of a key and its value")
        key, value = pair
        if key not in before:
            raise Broken(f"popitem() gives {shown(pair)}, whose key was not in")
        was, error = before[key]
        if error is None and not same(was, value):
            raise Broken(f"popitem() gives {shown(pair)}, though [{shown(key)}] was {shown(was)}")
        _left(mapping, key, len(keys), "popitem()")
    else:
        return False
    _, error = attempt(mapping.popitem)
    if not isinstance(error, KeyError):
        raise Broken(f"popitem() of an empty one {told(error)}, not KeyError")
    return True


def _sets_defaults(make):
    """`setdefault` gives what is in, and else puts it in"""
    mapping = _filled(make())
    for key in list(mapping)[:4]:
        value, error = attempt(operator.getitem, mapping, key)
        found, other = attempt(mapping.setdefault, key, NONE)
        if error is None and other is None and not same(found, value):
            raise Broken(f"setdefault({shown(key)}, …) gives {shown(found)}, though it is {shown(value)}")
    return bool(mapping)


def _clears(make):
    """After `clear` there is nothing in"""
    mapping = _filled(make())
    _, error = attempt(mapping.clear)
    if error is None and (len(mapping) or list(mapping)):
        raise Broken(f"clear() leaves {shown(list(mapping))} in")
    return error is None


def _members(container):
    added = [it for it in KEYS if attempt(container.add, it)[1] is None]
    return [it for it in added if it in container]


def _adds(make):
    """What is added is in, once"""
    container = make()
    for item in _members(container):
        before = len(container)
        container.add(item)
        if len(container) != before:
            raise Broken(f"add({shown(item)}) a second time makes the length {len(container)}, formerly {before}")
    return bool(container)


def _discards(make):
    """What is discarded is out"""
    container = make()
    items = _members(container)
    for item in items[::2]:
        before = len(container)
        _, error = attempt(container.discard, item)
        if error is not None:
            raise Broken(f"discard({shown(item)}) {told(error)}")
        _left(container, item, before, f"discard({shown(item)})")
        _, error = attempt(container.discard, item)
        if isinstance(error, LookupError):
            raise Broken(f"discard of what is not in {told(error)}")
        _, error = attempt(container.remove, item)
        if not isinstance(error, KeyError):
            raise Broken(f"remove of what is not in {told(error)}, not KeyError")
    return bool(items)


def _indexes(make):
    """Items by index are those of the iterator"""
    sequence = make()
    items = list(sequence)
    if len(sequence) != len(items):
        raise Broken(f"has the length {len(sequence)}, and its iterator gives {len(items)}")
    for index in {0, len(items) - 1, -1, -len(items)} if items else ():
        found, error = attempt(operator.getitem, sequence, index)
        if error is not None or not same(found, items[index]):
            what = told(error) if error else f"is {shown(found)}"
            raise Broken(f"[{index}] {what}, though the iterator gives {shown(items[index])}")
    _, error = attempt(operator.getitem, sequence, len(items))
    if not isinstance(error, IndexError):
        raise Broken(f"[{len(items)}] {told(error)}, not IndexError")
    return bool(items)


def _inserts(make):
    """What is inserted is there, and what is deleted is not"""
    sequence = make()
    before = list(sequence)
    if not before:
        return False
    sequence.insert(0, before[-1])
    if not same(list(sequence), [before[-1], *before]):
        raise Broken(f"insert(0, {shown(before[-1])}) makes {shown(list(sequence))} of {shown(before)}")
    del sequence[0]
    if not same(list(sequence), before):
        raise Broken(f"insert and del make {shown(list(sequence))} of {shown(before)}")
    return True
