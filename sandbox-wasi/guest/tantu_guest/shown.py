"""Writes values for people, and looks into objects."""

import itertools
import re

ADDRESS = re.compile(r" at 0x[0-9a-f]+")
LENGTH = 200  # characters of a value in a message
MAX_DEPTH = 3  # of objects within objects


def shown(value, depth=0):
    """`repr`, but short, the same every time, and without exceptions; of an object that has none of its
    own, its attributes."""
    try:
        text = _looked_into(value, depth) or repr(value)
    except Exception as error:
        text = f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
    text = ADDRESS.sub("", text)
    return text if len(text) <= LENGTH else text[: LENGTH - 1] + "…"


def _looked_into(value, depth):
    kind = type(value)
    if depth >= MAX_DEPTH or kind.__repr__ not in (object.__repr__, list.__repr__, dict.__repr__):
        return None
    if isinstance(value, list):
        return f"[{', '.join(shown(it, depth + 1) for it in value[:LENGTH])}]"
    if isinstance(value, dict):
        pairs = itertools.islice(value.items(), LENGTH)
        return f"{{{', '.join(f'{shown(key, depth + 1)}: {shown(it, depth + 1)}' for key, it in pairs)}}}"
    attributes = ", ".join(f"{name}={shown(it, depth + 1)}" for name, it in state(value).items())
    return f"<{kind.__name__} with {attributes}>" if attributes else None


def state(value):
    """The attributes of an instance."""
    found = dict(getattr(value, "__dict__", {}))
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name):
                found[name] = getattr(value, name)
    return found
