"""Calls a function and notes all that it does: its value, what it raises, prints and changes."""

import asyncio
import collections.abc
import contextlib
import inspect
import io
import itertools
import math
import os
import pickle
import random
import sys
import time

import _pytest
import pluggy

SECONDS = 0.5  # of one call
ITEMS = 200  # of an iterator that is returned
PRINTED = 20_000  # characters
_EVENTS = 50  # between two looks at the clock


class TooLong(BaseException):
    """The call does not end; raised in the midst of it. No `except Exception` holds it up."""


class Seen:
    """`arguments` are as the call has left them, by name."""

    __slots__ = ("arguments", "error", "printed", "value")

    def __init__(self, error=None):
        self.value, self.error = None, error
        self.printed = ""
        self.arguments = {}


class _Clock:
    """Interrupts Python code that runs for too long. There are no signals and no threads here, but
    the interpreter tells of every jump and every call. Telling and not telling in turn takes most of
    the time, so it is entered once around all that is `limited`."""

    TOOL = sys.monitoring.PROFILER_ID
    # They end, and would be told of more often than all else.
    UNTOLD = tuple(os.path.dirname(it.__file__) + "/" for it in (_pytest, pluggy)) + (contextlib.__file__, random.__file__)

    def __init__(self):
        self.events = self.users = 0
        self.until = math.inf
        self.seconds = SECONDS
        self.untold = (*self.UNTOLD, os.path.dirname(self.look.__code__.co_filename) + "/")

    def __enter__(self):
        self.users += 1
        monitoring = sys.monitoring
        if monitoring.get_tool(self.TOOL) is None:
            monitoring.use_tool_id(self.TOOL, "tantu")
            for event in (monitoring.events.JUMP, monitoring.events.PY_START):
                monitoring.register_callback(self.TOOL, event, self.look)
        if self.users == 1:
            monitoring.set_events(self.TOOL, monitoring.events.JUMP | monitoring.events.PY_START)

    def __exit__(self, *_):
        self.users -= 1
        if not self.users:
            sys.monitoring.set_events(self.TOOL, 0)

    def start(self, seconds):
        self.events, self.seconds, self.until = 0, seconds, _now() + seconds

    def stop(self):
        self.until = math.inf

    def look(self, code, *_):
        self.events += 1
        if self.events % _EVENTS == 0 and _now() > self.until:
            self.until += self.seconds  # for what cleans up
            raise TooLong(f"runs for more than {self.seconds} s")
        return sys.monitoring.DISABLE if code.co_filename.startswith(self.untold) else None


clock = _Clock()
_now = time.monotonic  # whatever the code does to `time`


class _Printed(io.StringIO):
    """Keeps the beginning."""

    def write(self, text):
        if self.tell() < PRINTED:
            super().write(text[:PRINTED])
        return len(text)


@contextlib.contextmanager
def limited(seconds=SECONDS):
    """Raises `TooLong` in what takes longer, and keeps what it prints from being seen. Not to be nested.
    Yields what is printed."""
    printed = _Printed()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), clock:
        clock.start(seconds)
        try:
            yield printed
        finally:
            clock.stop()


@contextlib.contextmanager
def _within(module, seed):
    """Makes the version of a module the current one, and with a seed random numbers the same."""
    current = sys.modules.get(module.__name__)
    sys.modules[module.__name__] = module
    if seed is not None:
        random.seed(seed)
    try:
        yield
    finally:
        sys.modules[module.__name__] = current


def built(subject, arguments, seed=None):
    """Values by parameter, in the version of the module that `subject` belongs to. Raises what their
    classes do."""
    if not arguments.has_objects:
        return arguments.build(subject.module)  # nobody's code takes part
    with _within(subject.module, seed), limited():
        return arguments.build(subject.module)


def pickled(subject, values):
    """Of the version that `subject` belongs to. Raises what cannot be pickled."""
    with _within(subject.module, None):
        return pickle.dumps(values)


def observe(subject, arguments, values, seed=None):
    """One call with these values, which are the call's to change."""
    seen = Seen()
    seen.arguments = values
    positional, named = arguments.passed(values)
    with _within(subject.module, seed):
        try:
            with limited() as printed:
                seen.value = _settled(subject.call(values, positional, named))
        except BaseException as error:
            seen.error = error
    seen.printed = printed.getvalue()
    return seen


def _settled(value):
    """The value, or what there is to it in time: the items of an iterator, the result of a coroutine."""
    if inspect.iscoroutine(value):
        return asyncio.run(value)
    if isinstance(value, collections.abc.Iterator):
        return list(itertools.islice(value, ITEMS))
    return value
