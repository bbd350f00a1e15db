"""Fills the gaps that WASI leaves and that ordinary tests fall into."""

import asyncio
import functools
import inspect
import io
import os
import pathlib
import random
import selectors
import subprocess
import sys
import tempfile
import time
import zoneinfo

import tzdata

from . import absent, own_builtins, refusals


class Sleeper(selectors._BaseSelectorImpl):
    """There is nothing to select on without sockets: only timers wake an event loop."""

    def select(self, timeout=None):
        if timeout is None:
            raise RuntimeError("the event loop waits for nothing: no timer, no task, no network")
        if timeout > 0:
            time.sleep(timeout)
        return []


class EventLoop(asyncio.SelectorEventLoop):
    """An event loop without the socket pair by which threads would wake it."""

    def __init__(self, selector=None):
        super().__init__(Sleeper())

    def _make_self_pipe(self):
        self._ssock = self._csock = None
        self._internal_fds = 0

    def _close_self_pipe(self):
        pass

    def _write_to_self(self):
        pass


def _read_time_zones():
    """Name → file, from the `tzdata` package; there is no directory of them at run time."""
    root = pathlib.Path(tzdata.__file__).with_name("zoneinfo")
    zones = {
        file.relative_to(root).as_posix(): file.read_bytes()
        for file in root.rglob("*")
        if file.is_file() and file.suffix != ".py"
    }
    # No zone has this name; it is the list of them.
    return {**zones, "../zones": root.with_name("zones").read_bytes()}


def _note_processes():
    """`subprocess` refuses before the interpreter could be asked."""
    start = subprocess.Popen.__init__

    @functools.wraps(start)
    def start_noted(self, *arguments, **named):
        refusals.note("processes")
        start(self, *arguments, **named)

    subprocess.Popen.__init__ = start_noted


def patch():
    """Done once, before the snapshot is taken."""
    _note_processes()
    zones = _read_time_zones()

    def load_tzdata(key):
        if key not in zones:
            raise zoneinfo.ZoneInfoNotFoundError(f"No time zone found with key {key}")
        return io.BytesIO(zones[key])

    zoneinfo._common.load_tzdata = load_tzdata
    names = zones["../zones"].decode().split()
    zoneinfo.available_timezones = zoneinfo._tzpath.available_timezones = lambda: {*names}
    # Its files are gone at run time; an environment may have one of its own.
    for name in [it for it in sys.modules if it.partition(".")[0] == "tzdata"]:
        del sys.modules[name]
    asyncio.unix_events._UnixDefaultEventLoopPolicy._loop_factory = EventLoop
    # Fills the cache in which it looks for a traceback's modules, at one `stat` for each.
    inspect.getmodule(compile("", "", "exec"))
    sys.dont_write_bytecode = True


_thawed = False


def thaw():
    """Done at the start of a run: undoes what the snapshot froze, and closes what it needed."""
    global _thawed
    if _thawed:  # the next cell of a session
        return
    _thawed = True
    own_builtins.hide()
    random.seed()
    tempfile._name_sequence = None
    for stream in (sys.stdout, sys.stderr):
        # A run that is stopped loses what it has not flushed.
        stream.reconfigure(line_buffering=True, errors="backslashreplace")
    os.environ["HOME"] = absent.HOME
    os.chdir("/ws")
