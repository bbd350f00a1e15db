"""Whether two values, or two calls, are the same as far as anybody can tell."""

import collections
import enum
import math
import types

from .observe import TooLong
from .shown import shown, state

MAX_DEPTH = 50
MAX_PATH = 5  # attributes within attributes that are named
CONTAINERS = (list, tuple, dict, collections.deque)


def same(left, right):
    """Equal; or alike in structure, where `==` says nothing: not-a-numbers, instances of a class that
    two versions of a module define, and the order of what a dictionary holds."""
    return _same(left, right, set(), 0)


def _same(left, right, met, depth):
    """`met` are the pairs that were compared, or are being: none of them is another difference."""
    if left is right:
        return True
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    if (id(left), id(right)) in met or depth > MAX_DEPTH:
        return True
    if isinstance(left, CONTAINERS) or hasattr(left, "__dict__"):
        met.add((id(left), id(right)))

    def inside(one, other):
        return _same(one, other, met, depth + 1)

    for kind in CONTAINERS:
        if isinstance(left, kind) and isinstance(right, kind):
            if len(left) != len(right) or not all(map(inside, left, right)):
                return False
            if kind is dict and not all(map(inside, left.values(), right.values())):
                return False  # in the same order, which is part of what a function does
            return type(left) is kind or _type(left) != _type(right) or _same_state(left, right, inside)
    try:
        if left == right:
            return True
    except Exception:
        pass  # compared in other ways
    if _type(left) != _type(right):
        return False
    if isinstance(left, type | types.FunctionType):
        return (left.__module__, left.__qualname__) == (right.__module__, right.__qualname__)
    if isinstance(left, enum.Enum):
        return left.name == right.name
    if isinstance(left, set | frozenset):
        # What is unlike one may well be like another.
        pairs = ((_same(one, other, met.copy(), depth + 1) for other in right) for one in left)
        return len(left) == len(right) and all(map(any, pairs))
    if isinstance(left, BaseException):
        return inside(left.args, right.args)
    # A class of one version never equals that of the other; one with `==` of its own has decided.
    if type(left) is not type(right) or type(left).__eq__ is object.__eq__:
        if state(left):
            return _same_state(left, right, inside)
    return _shown(left) == _shown(right) and not isinstance(left, int | float | str | bytes)


def _same_state(left, right, inside):
    """Alike in their attributes, whose order says nothing."""
    left, right = state(left), state(right)
    return left.keys() == right.keys() and all(inside(it, right[name]) for name, it in left.items())


def _shown(value):
    """Without its number, by which no two instances are alike."""
    return shown(value).replace(str(id(value)), "")


def _type(value):
    return type(value).__module__, type(value).__qualname__


def differences(old, new):
    """What the second of two calls did otherwise, in words."""
    found = []
    if old.error is None and new.error is None:
        if not same(old.value, new.value):
            found.append(f"returns {shown(new.value)}, formerly {shown(old.value)}")
    elif old.error is None:
        found.append(f"raises {_error(new.error)}, formerly returned {shown(old.value)}")
    elif new.error is None:
        found.append(f"returns {shown(new.value)}, formerly raised {_error(old.error)}")
    elif _type(old.error) != _type(new.error):
        found.append(f"raises {_error(new.error)}, formerly {_error(old.error)}")
    if old.printed != new.printed:
        found.append(f"prints {shown(new.printed)}, formerly {shown(old.printed)}")
    for name, value in new.arguments.items():
        if name in old.arguments and not same(old.arguments[name], value):
            path, before, after = _apart(name, old.arguments[name], value)
            found.append(f"leaves `{path}` as {shown(after)}, formerly as {shown(before)}")
    return found


def _apart(path, old, new):
    """The innermost attribute, or element, in which two values are apart."""
    for _ in range(MAX_PATH):
        if isinstance(old, list | tuple) and isinstance(new, list | tuple):
            if len(old) != len(new) or shown(old) != shown(new):
                break
            parts = [(f"{path}[{index}]", *pair) for index, pair in enumerate(zip(old, new))]
        elif _type(old) == _type(new) and type(new).__eq__ is object.__eq__ or type(old) is not type(new):
            left, right = state(old), state(new)
            parts = [(f"{path}.{name}", left[name], right[name]) for name in left if name in right]
        else:
            break
        found = next((part for part in parts if not same(*part[1:])), None)
        if found is None:
            break
        path, old, new = found
    return path, old, new


def _error(error):
    try:
        text = str(error)
    except Exception:
        text = ""
    name = "TimeoutError" if isinstance(error, TooLong) else type(error).__name__
    return f"{name}: {text}"[:200] if text else name
