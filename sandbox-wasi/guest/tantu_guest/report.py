"""Judges what a run raises, and tells the host."""

import errno
import hashlib  # noqa: F401
import importlib.metadata
import linecache
import os
import re
import select  # noqa: F401
import signal  # noqa: F401
import socket
import sys
import time  # noqa: F401
import traceback
from urllib.error import URLError

import wit_world
from wit_world import Outcome

from . import frozen, linux, packages, refusals, workspace

# A run is worth the first of these that happened in it.
PRECEDENCE = [
    Outcome.MEMORY, Outcome.FAILED, Outcome.ERROR, Outcome.REFUSED, Outcome.NOT_RUNNABLE,
]
# The tests that ended with one of these are counted as failed.
COUNTED = {Outcome.MEMORY, Outcome.FAILED}
MESSAGE_LENGTH = 4000
OUTPUT_LENGTH = 16_000
LINE_LENGTH = 400
MAX_FRAMES = 30

DENIED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTSUP, errno.ENOSYS, errno.ENOTCAPABLE}
VISIBLE = (workspace.ROOT, workspace.SITE, "/tmp", "/dev", "/home")
# What these modules lack here and have on Linux.
MISSING = {sys.modules[name]: {*names.split()} for name, names in linux.MISSING.items() if name in sys.modules}
_MOCKED = re.compile(r"<module '([\w.]+)'.*> does not have the attribute '(\w+)'")
# Code that fails in these has asked for processes.
PROCESSES = ("/python/multiprocessing/", "/python/concurrent/futures/process.py")
REFUSALS = {"can't start new thread", "Could not determine home directory."}


class Report:
    """Collects the outcomes of one run. `default` is where a problem without a place belongs."""

    def __init__(self, path, line=1):
        self.default = (path, line)
        self.outcomes = set()
        self.message = None  # of the last problem
        wit_world.begin(path, line)

    def begin(self, path, line):
        wit_world.begin(path, line)

    def passed(self):
        wit_world.passed()

    def failed(self):
        wit_world.failed()

    def problem(self, outcome, message, place=None, *, error=None, output=""):
        self.outcomes.add(outcome)
        self.message = message.strip()[:MESSAGE_LENGTH]
        path, line = place or self.default
        related = frames(error) if error else []
        # What was written last is nearest to the failure.
        output = output[-OUTPUT_LENGTH:]
        wit_world.finding(
            wit_world.Problem(path, max(line, 1), self.message, related, output)
        )

    def raised(self, error, place=None, *, otherwise=Outcome.FAILED, message=None, output=""):
        """Records an exception and returns its outcome: `otherwise`, with `message`, unless the
        sandbox is the cause."""
        outcome, reason = judge(error)
        message = reason or message or describe(error)
        self.problem(outcome or otherwise, message, place, error=error, output=output)
        return outcome or otherwise

    @property
    def outcome(self):
        return next((it for it in PRECEDENCE if it in self.outcomes), Outcome.PASSED)


def judge(error):
    """Whether the sandbox is the cause of an exception: an outcome and a reason, or two Nones.
    Tells the host which package is missing."""
    for cause in _causes(error):
        if isinstance(cause, MemoryError):
            return Outcome.MEMORY, "MemoryError: the sandbox's memory limit is reached"
        if isinstance(cause, packages.Unimportable):
            return Outcome.NOT_RUNNABLE, f"needs {cause}"
        if isinstance(cause, ImportError) and (need := _need(cause)):
            return Outcome.NOT_RUNNABLE, f"needs {need}"
        if isinstance(cause, RecursionError) and str(cause).startswith("Stack overflow"):
            # Of C's stack, which is larger elsewhere; Python's own limit has other words.
            return Outcome.NOT_RUNNABLE, f"needs a larger stack than the sandbox has: {cause}"
        if isinstance(cause, refusals.Refused):
            return Outcome.NOT_RUNNABLE, f"needs {str(cause.strerror).partition(' ')[0].partition('.')[0]} (not in the sandbox)"
        if _is_refusal(cause):
            return Outcome.REFUSED, f"not allowed in the sandbox: {describe(cause)}"
    return None, None


def _causes(error):
    """The exception and those it was raised from. What was merely being handled counts only for
    failed imports and for errors of input and output, whose libraries often say it in no other
    way."""
    seen = []
    while isinstance(error, BaseException) and not any(error is one for one in seen):
        yield error
        seen.append(error)
        following = error.__cause__
        if following is None and isinstance(error, URLError):
            following = error.reason
        elif following is None and isinstance(error, ImportError | OSError):
            following = error.__context__
        error = following


def _need(error):
    """What a failed import needs; empty when it is the code's own mistake."""
    name = error.name or ""
    if isinstance(error, importlib.metadata.PackageNotFoundError):
        wit_world.missing(name)
        return f"{name} as an installed distribution"
    if not isinstance(error, ModuleNotFoundError):  # from package import extension
        name = f"{name}.{error.name_from}" if name and error.name_from else ""
    top = name.partition(".")[0]
    if not top:
        return ""
    is_compiled = workspace.is_compiled(name) or (error.name and workspace.is_compiled(error.name))
    compiled = ", which must be compiled" if is_compiled else ""
    if workspace.contains(top):
        return name + compiled if compiled else ""
    if name in sys.stdlib_module_names:
        return name.lstrip("_")
    if workspace.has_installed(top):
        is_incomplete = compiled or isinstance(error, ModuleNotFoundError)
        return top + compiled if is_incomplete else ""
    if top in sys.modules and top not in frozen.WHEELS:
        return ""
    wit_world.missing(top)
    return top


def _is_refusal(error):
    frames = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    if frames and frames[-1].startswith(PROCESSES):
        return True
    if isinstance(error, OSError):
        return (
            error.errno in DENIED
            or isinstance(error, socket.gaierror)
            or (isinstance(error, FileNotFoundError) and _is_outside(error.filename))
        )
    if isinstance(error, ImportError):  # from os import kill
        return error.name_from in MISSING.get(sys.modules.get(error.name), ())
    if isinstance(error, AttributeError):
        # `unittest.mock` says it in its own words.
        if said := _MOCKED.search(str(error)):
            return said[2] in MISSING.get(sys.modules.get(said[1]), ())
        return any(error.obj is module and error.name in names for module, names in MISSING.items())
    return isinstance(error, RuntimeError) and any(error.args == (text,) for text in REFUSALS)


def _is_outside(filename):
    if not isinstance(filename, str | os.PathLike):
        return False
    path = os.path.normpath(os.path.join(os.getcwd(), filename))
    return not any(path == root or path.startswith(root + "/") for root in VISIBLE)


def describe(error):
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    text = "".join(traceback.format_exception_only(error)).strip()
    # pytest's explanation of a failed assertion speaks for itself.
    return text.removeprefix("AssertionError: ") if "AssertionError: assert " in text else text


def frames(error):
    """The lines of the workspace in the exception's traceback, the innermost last."""
    found = []
    for frame, line in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if path := workspace.relative(file):
            text = linecache.getline(file, line or 1).strip()[:LINE_LENGTH]
            found.append(wit_world.Place(path, line or 1, text))
    return found[-MAX_FRAMES:]


def locate(error, inside=None):
    """The innermost line of the workspace (of the file `inside`, if it took part)."""
    if isinstance(error.__cause__, SyntaxError):
        error = error.__cause__
    if isinstance(error, SyntaxError) and (path := workspace.relative(error.filename)):
        return path, error.lineno or 1
    places = [
        (path, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if (path := workspace.relative(frame.f_code.co_filename))
    ]
    preferred = [place for place in places if place[0] == inside]
    return next(reversed(preferred or places), None)
