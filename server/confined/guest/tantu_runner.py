"""Runs tests with the project's own pytest, or a script, and tells what comes of them."""

import errno
import importlib.util
import linecache
import os
import runpy
import socket
import sys
import traceback

MESSAGE = 4000  # characters
OUTPUT = 16_000
SHORT = 2000
LINE = 400
MAX_FRAMES = 30

# What a process meets that asks for what is not granted here.
DENIED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSYS}
NETWORK = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EAFNOSUPPORT, errno.ENETDOWN}
# The same, in the words of programs that tests have started.
DENIED_WORDS = (
    "Operation not permitted", "Permission denied", "PermissionError", "Read-only file system",
    "Function not implemented", "Network is unreachable", "Temporary failure in name resolution",
    "Name or service not known",
)


class Where:
    """The workspace's copy, and what was left out of it."""

    def __init__(self, told):
        self.root = told["root"]
        self.left_out = tuple(told["left_out"])
        self.private = told["private"]

    def relative(self, path):
        if not isinstance(path, (str, os.PathLike)):
            return None
        path = os.fspath(path)
        if not isinstance(path, str):
            return None
        path = os.path.normpath(os.path.join(self.root, path))
        return path[len(self.root) + 1 :] if path.startswith(self.root + "/") else None

    def is_left_out(self, path):
        inside = self.relative(path)
        if inside is None:
            return False
        return any(inside == it or inside.startswith(it + "/") for it in self.left_out)


class Refusals:
    """What the code has asked for in vain since the test began. Code under test often turns a refusal
    into something else: an exit status, a message, a retry."""

    CHANGES = {"os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate"}
    MODES = {"os.chmod", "os.chown", "os.utime", "os.setxattr", "os.removexattr"}
    WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

    def __init__(self, where, writable):
        self.where = where
        self.writable = writable
        self.has_namespaces = _has_sockets()
        self.asked = []
        sys.addaudithook(self._audit)

    def forget(self):
        self.asked.clear()

    def reason(self):
        return f"not allowed where it is confined: {self.asked[0]}" if self.asked else None

    def _audit(self, event, arguments):
        if event == "open":
            path, mode, flags = arguments
            writes = flags & self.WRITES if mode is None else any(it in mode for it in "wax+")
            if writes and not isinstance(path, int):
                self._note_change(path)
        elif event in self.CHANGES:
            self._note_change(arguments[0])
        elif event in self.MODES and not self.has_namespaces:
            self._note("modes and times of files")
        elif event in ("socket.connect", "socket.sendto", "socket.bind"):
            self._note_address(arguments[1])
        elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
            self._note_host(arguments[0])

    def _note(self, what):
        if len(self.asked) < 8:
            self.asked.append(what)

    def _note_change(self, path):
        inside = self.where.relative(path)
        if inside is not None and not self.writable:
            self._note(f"writing {inside}")

    def _note_address(self, address):
        if isinstance(address, tuple) and address:
            self._note_host(address[0])
        elif isinstance(address, (str, bytes)):
            self._note("a socket with a path")

    def _note_host(self, host):
        host = host.decode(errors="replace") if isinstance(host, bytes) else host
        if not self.has_namespaces:
            self._note("network")
        elif isinstance(host, str) and host not in LOCAL and not host.startswith("127."):
            self._note(f"network: {host[:100]}")


def _has_sockets():
    """Whether there is a network of its own, which comes with the other namespaces."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    except OSError:
        return False
    return True


def _prefer_loopback():
    """Managers and queues of `multiprocessing` connect by sockets with a path, which are refused; by
    loopback they can."""
    if _has_sockets():
        import multiprocessing.connection

        multiprocessing.connection.default_family = "AF_INET"


LOCAL = {"", "0.0.0.0", "::", "::1", "localhost"}


def run(channel, told):
    where = Where(told)
    os.chdir(where.root)
    # As `python -m` has it; after it what an editable installation would add.
    sys.path.insert(0, where.root)
    _prefer_loopback()
    action = told["action"]
    if action == "pytest":
        return _pytest(channel, told, where)
    return _script(channel, told, where)


def _script(channel, told, where):
    path = told["path"]
    sys.path[0] = os.path.dirname(os.path.join(where.root, path))
    sys.argv = [path]
    status = 0
    try:
        runpy.run_path(os.path.join(where.root, path), run_name="__main__")
    except SystemExit as exit:
        status = exit.code if isinstance(exit.code, int) else int(exit.code is not None)
        if isinstance(exit.code, str):
            print(exit.code, file=sys.stderr)
    except BaseException as error:
        status = 1
        traceback.print_exc()
        kind, reason = judge(error, where)
        failure = finding(where, error, (path, 1), reason or describe(error), "")
        channel.tell("finding", kind=kind or "failed", finding=failure)
    channel.tell("end", status=status & 0xFF)
    return status & 0xFF


def _pytest(channel, told, where):
    if importlib.util.find_spec("pytest") is None:
        message = "needs pytest, which the project's environment does not have"
        channel.tell("finding", kind="not-runnable", finding=plain(told["targets"][0].partition("::")[0], 1, message))
        channel.tell("end", status=5)
        return 5
    import pytest

    own = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, own)
    import django_tests
    import tantu_coverage

    sys.path.remove(own)
    recorder = Recorder(channel, where, Refusals(where, told["writable"]))
    plugins = [recorder]
    coverage = tantu_coverage.start(channel, where, told["watched"], told["whole"])
    if coverage:
        plugins.append(coverage)
        recorder.coverage = coverage
    django = django_tests.prepare(where.root)
    if django:
        plugins.append(django)
    cache = os.path.join(where.private, "pytest-cache")
    options = ["-q", "--tb=short", "--color=no", "-o", f"cache_dir={cache}", "--continue-on-collection-errors"]
    # Their processes and files are not this one's.
    if importlib.util.find_spec("xdist"):
        options += ["-n0"]
    if importlib.util.find_spec("pytest_cov"):
        options += ["--no-cov"]
    if importlib.util.find_spec("pytest_benchmark"):
        options += ["--benchmark-disable"]
    status = int(pytest.main([*options, *told["targets"]], plugins=plugins))
    recorder.conclude(status)
    if coverage:
        coverage.tell_lines()
    channel.tell("end", status=status, collected=recorder.collected)
    return status


def pytest_hook(**options):
    """pytest's mark, without pytest, which is imported when it is known to be there."""

    def mark(function):
        function.pytest_impl = {
            "wrapper": False, "hookwrapper": False, "optionalhook": False, "trylast": False, "tryfirst": False,
            "specname": None, **options,
        }
        return function

    return mark


class Recorder:
    """A plugin that tells of each test as it ends."""

    def __init__(self, channel, where, refusals):
        self.tell = channel.tell
        self.where = where
        self.refusals = refusals
        self.coverage = None
        self.collected = None
        self.rootpath = where.root
        self.skipped = None
        self.ended = 0
        self.problems = 0
        self._begin()

    def _begin(self):
        self.seconds = 0.0
        self.outcomes = set()
        self.message = None
        self.unexplained = None

    @pytest_hook(tryfirst=True)
    def pytest_configure(self, config):
        # A report of the project's own would be written into the workspace.
        config.option.xmlpath = None
        self.rootpath = str(getattr(config, "rootpath", None) or config.rootdir)

    def _id(self, nodeid):
        """As the workspace's root sees it, which may be above pytest's own."""
        path, separator, rest = nodeid.partition("::")
        inside = self.where.relative(os.path.join(self.rootpath, path))
        return (inside if inside is not None else path) + separator + rest

    def _place(self, nodeid, location):
        path = self.where.relative(os.path.join(self.rootpath, location[0])) or self._id(nodeid).partition("::")[0]
        return path, (location[1] or 0) + 1

    def pytest_collection_finish(self, session):
        self.collected = len(session.items)
        self.tell("collected", count=self.collected)

    def pytest_runtest_logstart(self, nodeid, location):
        self.refusals.forget()
        self._begin()

    def pytest_internalerror(self, excrepr, excinfo):
        self.problems += 1
        kind, reason = judge(excinfo.value, self.where)
        message = reason or f"pytest itself failed: {describe(excinfo.value)}"
        self.tell("finding", kind=kind or "error", finding=finding(self.where, excinfo.value, ("", 1), message, ""))

    def pytest_collectreport(self, report):
        if report.skipped and self.skipped is None:
            self.skipped = report
        if report.failed and not getattr(report, "tantu_told", False):
            self.problems += 1
            path = self._id(report.nodeid).partition("::")[0]
            text = getattr(report, "longreprtext", "") or str(report.longrepr)
            kind, reason = judge_text(text)
            last = text.strip().splitlines()[-1:] or ["cannot be collected"]
            message = reason or last[0].lstrip("E ")
            self.tell("finding", kind=kind or "error", finding=plain(path, 1, message, text))

    def pytest_runtest_logreport(self, report):
        self.seconds += getattr(report, "duration", 0.0)
        if report.failed:
            self.outcomes.add("failed")
            self.unexplained = report
        elif report.skipped and not hasattr(report, "wasxfail"):
            self.outcomes.add("skipped")
            if isinstance(report.longrepr, tuple):
                self.message = report.longrepr[2].replace("Skipped: ", "", 1)
            if self.skipped is None:
                self.skipped = report
        elif report.skipped:
            self.message = f"expected to fail: {report.wasxfail}".rstrip(": ")
            self.outcomes.add("passed")
        elif report.when == "call":
            self.outcomes.add("passed")

    def pytest_exception_interact(self, node, call, report):
        """Comes after the report of a failure."""
        error = call.excinfo.value
        is_test = report.when != "collect" if hasattr(report, "when") else hasattr(node, "runtest")
        is_test = is_test and hasattr(node, "runtest")
        if not is_test:
            return
        self.unexplained = None
        self.outcomes.discard("failed")
        place = self._place(node.nodeid, node.location)
        output = (getattr(report, "capstdout", "") + getattr(report, "capstderr", ""))[-OUTPUT:]
        kind, reason = judge(error, self.where)
        if kind is None:
            kind, reason = judge_text(getattr(report, "longreprtext", "") + output)
        if kind is None and (refused := self.refusals.reason()):
            kind, reason = "refused", f"{refused}, which became {describe(error)}"
        self._problem(kind or "failed", finding(self.where, error, place, reason or describe(error), output))

    def _problem(self, kind, found):
        self.problems += 1
        self.outcomes.add(kind)
        self.message = self.message or found["message"]
        self.tell("finding", kind=kind, finding=found)

    def pytest_runtest_logfinish(self, nodeid, location):
        place = self._place(nodeid, location)
        if self.unexplained is not None:  # a failure without an exception: a strict xfail that passed
            self.outcomes.discard("failed")
            report = self.unexplained
            text = getattr(report, "longreprtext", "")
            kind, reason = judge_text(text)
            if kind is None and (reason := self.refusals.reason()):
                kind = "refused"
            self._problem(kind or "failed", plain(*place, reason or text.strip()[:MESSAGE] or "failed"))
        if "failed" in self.outcomes or "error" in self.outcomes:
            verdict = "failed"
        elif self.outcomes & {"not-runnable", "refused"}:
            verdict = "not-runnable"
        elif "passed" in self.outcomes and "skipped" not in self.outcomes:
            verdict = "passed"
        elif "skipped" in self.outcomes:
            verdict = "skipped"
        else:  # nothing was reported of it
            verdict = "not-runnable"
            self.message = self.message or "pytest has not said what came of it"
        returned, executed = (False, None)
        if self.coverage:
            returned, executed = self.coverage.of_test(self._id(nodeid))
        self.ended += 1
        result = {
            "id": self._id(nodeid)[:SHORT], "path": place[0], "line": place[1], "verdict": verdict,
            "returned": returned, "millis": round(max(self.seconds, 0) * 1000),
            "message": self.message and self.message[:SHORT],
        }
        self.tell("test", result=result, executed=executed)

    def conclude(self, status):
        """Finds words for a run that ended without testing anything."""
        if self.ended or self.problems:
            return
        if self.skipped is not None:
            path = self._id(self.skipped.nodeid).partition("::")[0]
            longrepr = self.skipped.longrepr
            reason = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
            self.tell("finding", kind="not-runnable", finding=plain(path, 1, f"every test was skipped: {reason}"))
        elif status == 5:
            self.tell("finding", kind="error", finding=plain("", 1, "there is no test here"))
        elif status:
            self.tell("finding", kind="error", finding=plain("", 1, f"pytest stopped with status {status}"))


def _causes(error):
    seen = []
    while isinstance(error, BaseException) and not any(error is one for one in seen):
        yield error
        seen.append(error)
        error = error.__cause__ or error.__context__


def judge(error, where):
    """Whether the confinement is the cause: a kind of outcome and the reason, or two Nones."""
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror) or (isinstance(cause, OSError) and cause.errno in NETWORK):
            return "refused", f"not runnable here, without a network: {describe(cause)}"
        if isinstance(cause, PermissionError) and where.is_left_out(cause.filename):
            return "not-runnable", f"needs {where.relative(cause.filename)}, which the copy of the workspace hides"
        if isinstance(cause, OSError) and cause.errno in DENIED:
            return "refused", f"not allowed where it is confined: {describe(cause)}"
        if isinstance(cause, FileNotFoundError) and where.is_left_out(cause.filename):
            return "not-runnable", f"needs {where.relative(cause.filename)}, which the copy of the workspace leaves out"
        if isinstance(cause, MemoryError):
            return "memory", "MemoryError: the limit of memory is reached"
        if isinstance(cause, ModuleNotFoundError) and cause.name:
            top = cause.name.partition(".")[0]
            if not any(os.path.exists(os.path.join(it, top + end)) for it in (where.root, where.root + "/src") for end in ("", ".py")):
                return "not-runnable", f"needs {cause.name}, which the environment does not have"
    return None, None


def judge_text(text):
    """The same by what was written, where no exception is at hand."""
    for line in text.splitlines():
        for words in DENIED_WORDS:
            if words in line:
                return "refused", f"not allowed where it is confined: {line.strip()[:LINE]}"
    return None, None


def describe(error):
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    try:
        text = "".join(traceback.format_exception_only(type(error), error)).strip()
    except Exception:
        text = type(error).__name__
    text = text[len("AssertionError: ") :] if text.startswith("AssertionError: assert ") else text
    return text[:MESSAGE]


def plain(path, line, message, output=""):
    return {"path": path, "line": max(line, 1), "message": message[:MESSAGE], "output": output[-OUTPUT:]}


def finding(where, error, place, message, output):
    """At the innermost line of the file that `place` names, if that took part, else of the workspace."""
    related = []
    try:
        for frame, line in traceback.walk_tb(error.__traceback__):
            if path := where.relative(frame.f_code.co_filename):
                text = linecache.getline(frame.f_code.co_filename, line or 1).strip()[:LINE]
                related.append({"path": path, "line": line or 1, "text": text})
    except Exception:
        related = []
    preferred = [it for it in related if it["path"] == place[0]] or related
    path, line = (preferred[-1]["path"], preferred[-1]["line"]) if preferred else place
    if isinstance(error, SyntaxError) and (inside := where.relative(error.filename)):
        path, line = inside, error.lineno or 1
    return {**plain(path, line, message, output), "related": related[-MAX_FRAMES:]}
