"""Calls a function and notes all that it does: its value, what it raises, prints and changes."""

import asyncio
import collections.abc
import contextlib
import inspect
import io
import itertools
import random
import sys
import time

SECONDS = 0.5  # of one call
ITEMS = 200  # of an iterator that is returned
PRINTED = 20_000  # characters
_EVENTS = 50  # between two looks at the clock


class TooLong(BaseException):
    """The call does not end; raised in the midst of it. No `except Exception` holds it up."""


class Seen:
    """`arguments` are as the call has left them, by name."""

    __slots__ = ("arguments", "error", "printed", "value")

    def __init__(self):
        self.value = self.error = None
        self.printed = ""
        self.arguments = {}


class _Clock:
    """Interrupts Python code that runs for too long. There are no signals and no threads here, but
    the interpreter tells of every jump and every call."""

    TOOL = sys.monitoring.PROFILER_ID

    def __init__(self):
        self.events = 0
        self.until = 0.0

    def __enter__(self):
        self.events, self.until = 0, time.monotonic() + SECONDS
        monitoring = sys.monitoring
        if monitoring.get_tool(self.TOOL) is None:
            monitoring.use_tool_id(self.TOOL, "tantu")
            for event in (monitoring.events.JUMP, monitoring.events.PY_START):
                monitoring.register_callback(self.TOOL, event, self.look)
        monitoring.set_events(self.TOOL, monitoring.events.JUMP | monitoring.events.PY_START)

    def __exit__(self, *_):
        sys.monitoring.set_events(self.TOOL, 0)

    def look(self, *_):
        self.events += 1
        if self.events % _EVENTS == 0 and _now() > self.until:
            raise TooLong(f"runs for more than {SECONDS} s")


_clock = _Clock()
_now = time.monotonic  # whatever the code does to `time`


class _Printed(io.StringIO):
    """Keeps the beginning."""

    def write(self, text):
        if self.tell() < PRINTED:
            super().write(text[:PRINTED])
        return len(text)


def observe(subject, arguments, seed=None):
    """One call with untouched arguments, in the version of the module that `subject` belongs to.
    With a seed, random numbers are the same."""
    seen, printed = Seen(), _Printed()
    state = random.getstate()
    current = sys.modules.get(subject.module.__name__)
    sys.modules[subject.module.__name__] = subject.module
    try:
        positional, named, seen.arguments = arguments.build(subject.module)
        if seed is not None:
            random.seed(seed)
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), _clock:
            seen.value = _settled(subject.call(seen.arguments, positional, named))
    except BaseException as error:
        seen.error = error
    finally:
        sys.modules[subject.module.__name__] = current
        if seed is not None:
            random.setstate(state)
    seen.printed = printed.getvalue()
    return seen


def _settled(value):
    """The value, or what there is to it in time: the items of an iterator, the result of a coroutine."""
    if inspect.iscoroutine(value):
        return asyncio.run(value)
    if isinstance(value, collections.abc.Iterator):
        return list(itertools.islice(value, ITEMS))
    return value
