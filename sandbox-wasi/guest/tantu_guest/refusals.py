"""What the code has asked for in vain since the test began.

Code under test often turns a refusal into something else: an exit status, a message, a retry. So a test
that fails after it was refused something says nothing about the code, whatever exception that became.
"""

import errno
import os
import sys

from . import workspace

_PRIVATE = ("/tmp", "/dev", "/home")
# Audit events, and what they ask for.
_EVENTS = {
    "_thread.start_new_thread": "threads", "_thread.start_joinable_thread": "threads",
    "socket.bind": "network", "socket.connect": "network", "socket.getaddrinfo": "network",
    "socket.gethostbyname": "network", "subprocess.Popen": "processes",
}
# Audit events of what changes files; their first argument is a path.
_CHANGES = {
    "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate",
    "os.utime", "shutil.rmtree",
}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_met = set()
_asked = {}  # reason → whether it is a matter of what is not there, and not of what is not allowed


def forget():
    _asked.clear()


def reason():
    """Whether the first of them is one of what is not there, and the words for it; or None."""
    return next(((is_absence, reason) for reason, is_absence in _asked.items()), None)


def has_met(what):
    """Whether `what` was asked for in vain, by whatever test."""
    return what in _met


def note(what):
    """The code has asked for `what`, which is not allowed; it may get on without it."""
    _met.add(what)
    _asked.setdefault(f"not allowed in the sandbox: {what}", False)


def note_absence(what):
    """The code uses `what`, which is not here."""
    _asked.setdefault(f"needs {what} (not in the sandbox)", True)


def refuse(what):
    note_absence(what.partition(".")[0])
    raise Refused(errno.ENOSYS, f"{what} is not in the sandbox")


class Refused(OSError):
    """What stands in for a module raises it when it is used."""


def _audit(event, arguments):
    if what := _EVENTS.get(event):
        note(what)
    elif event == "open":
        path, mode, flags = arguments
        if isinstance(path, int):
            return
        writes = flags & _WRITES if mode is None else any(it in mode for it in "wax+")
        if writes:
            _note_change(path)
    elif event in _CHANGES:
        _note_change(arguments[0])
    elif event in ("os.chmod", "os.chown"):
        note("permissions of files")


def _note_change(path):
    try:
        path = os.path.normpath(os.path.join(os.getcwd(), os.fsdecode(path)))
    except (TypeError, ValueError, OSError):
        return
    if not any(path == it or path.startswith(it + "/") for it in _PRIVATE):
        note(f"writing {workspace.relative(path) or path}")


def watch():
    """Done once in a run of tests: an audit hook stays, and sees every file that is opened."""
    sys.addaudithook(_audit)
