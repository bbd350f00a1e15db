"""Whether two values, or two calls, are the same as far as anybody can tell."""

import enum
import math
import re
import types

from .inputs import shown
from .observe import TooLong

MAX_DEPTH = 20
ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def same(left, right, depth=0):
    """Equal; or alike in structure, where `==` says nothing: not-a-numbers, and instances of a class
    that two versions of a module define."""
    if left is right:
        return True
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    try:
        if left == right:
            return True
    except Exception:
        pass  # compared in other ways
    if _type(left) != _type(right) or depth > MAX_DEPTH:
        return False
    if isinstance(left, type | types.FunctionType):
        return (left.__module__, left.__qualname__) == (right.__module__, right.__qualname__)
    if isinstance(left, enum.Enum):
        return left.name == right.name
    if isinstance(left, list | tuple):
        pairs = zip(left, right)
        return len(left) == len(right) and all(same(a, b, depth + 1) for a, b in pairs)
    if isinstance(left, dict):
        # In the same order, which is part of what a function does.
        return same([*left], [*right], depth + 1) and same(
            [*left.values()], [*right.values()], depth + 1
        )
    if isinstance(left, set | frozenset):
        others = list(right)
        return len(left) == len(right) and all(
            any(same(one, other, depth + 1) for other in others) for one in left
        )
    if isinstance(left, BaseException):
        return same(left.args, right.args, depth + 1)
    # A class of one version never equals that of the other; one with `==` of its own has decided.
    if type(left) is not type(right) or type(left).__eq__ is object.__eq__:
        state = _state(left)
        if state:
            return same(state, _state(right), depth + 1)
    return _shown(left) == _shown(right) and not isinstance(left, int | float | str | bytes)


def _state(value):
    """The attributes of an instance."""
    state = dict(getattr(value, "__dict__", {}))
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name):
                state[name] = getattr(value, name)
    return state


def _shown(value):
    """Without the address, by which no two instances are alike."""
    return ADDRESS.sub("", shown(value)).replace(str(id(value)), "")


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
            before = shown(old.arguments[name])
            found.append(f"leaves `{name}` as {shown(value)}, formerly as {before}")
    return found


def _error(error):
    try:
        text = str(error)
    except Exception:
        text = ""
    name = "TimeoutError" if isinstance(error, TooLong) else type(error).__name__
    return f"{name}: {text}"[:200] if text else name
