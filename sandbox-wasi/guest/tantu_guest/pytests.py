"""Runs pytest, and unittest's test cases through it."""

import contextlib
import doctest
import importlib
import os
import re
import shlex
import sys

import pytest
import wit_world
from _pytest.config import default_plugins
from _pytest.fixtures import FixtureFunctionDefinition
from wit_world import Outcome, TestVerdict

from . import django_tests, own_builtins, plugins, refusals, targets as selection, workspace
from .coverage import Coverage
from .report import COUNTED, Report, describe, locate
from .targets import Targets

# What writes into the workspace, what needs signals, and what only takes time to start.
UNUSED_PLUGINS = ("cacheprovider", "faulthandler", "junitxml", "pastebin", "setuponly", "setupplan")

OPTIONS = [
    "-q", "--tb=short", "--no-header", "--color=no", "--capture=sys", f"--rootdir={workspace.ROOT}",
    # A file that cannot be imported here says nothing about the others.
    "--continue-on-collection-errors", *(f"-pno:{plugin}" for plugin in UNUSED_PLUGINS),
]
# The project's own options may belong to plugins that are not here. So many times it is tried without some of them.
ATTEMPTS = 4

# Whose fixtures a test may ask for in vain.
PLUGIN_OF_FIXTURE = {
    "aiohttp_client": "pytest-aiohttp", "anyio_backend": "anyio", "benchmark": "pytest-benchmark",
    "db": "pytest-django", "event_loop": "pytest-asyncio", "faker": "Faker",
    "django_db_setup": "pytest-django", "freezer": "pytest-freezer",
    "httpserver": "pytest-httpserver", "httpx_mock": "pytest-httpx", "mocker": "pytest-mock",
    "qtbot": "pytest-qt", "requests_mock": "requests-mock", "snapshot": "syrupy",
}


def shorten_start():
    """Done once, before the snapshot is taken. pytest looks twice through all that its own plugins
    contain for hooks and fixtures, which is a tenth of the time in which it runs a few tests; so
    they list nothing else."""
    for name in default_plugins:
        plugin = sys.modules[f"_pytest.{name}"]
        names = [
            name
            for name, value in vars(plugin).items()
            if name.startswith("pytest_") or isinstance(value, FixtureFunctionDefinition)
        ]
        plugin.__dir__ = lambda names=names: names


class Names:
    """What the pytest that runs calls its own. Bound anew when it is the environment's."""

    def bind(self):
        def named(module, name):
            with contextlib.suppress(ImportError, AttributeError):
                return getattr(importlib.import_module(module), name)
            return ()  # of which nothing is an instance

        self.ConftestImportFailure = named("_pytest.config", "ConftestImportFailure")
        self.MultipleDoctestFailures = named("_pytest.doctest", "MultipleDoctestFailures")
        self.FixtureLookupError = named("_pytest.fixtures", "FixtureLookupError")
        self.SubtestReport = named("_pytest.subtests", "SubtestReport")


names = Names()
names.bind()


def use_own_pytest():
    """That of the environment, where it has another one."""
    global pytest
    if plugins.own_pytest():
        pytest = sys.modules["pytest"]
        names.bind()
        selection.bind()
        let_go_of_capture()


def let_go_of_capture():
    """Done once. A fixture that cannot capture here, as `capfd` cannot, must not stay in charge of
    capturing: pytest would have it try again in each test that follows, which would all fail."""
    CaptureFixture = importlib.import_module("_pytest.capture").CaptureFixture
    start = CaptureFixture._start

    def start_or_let_go(self):
        try:
            start(self)
        except OSError:
            self.request.config.pluginmanager.getplugin("capturemanager").unset_fixture()
            raise

    CaptureFixture._start = start_or_let_go


# The plugins that are absent register these in their own environment; under strict settings pytest
# would refuse every file that has one.
MARKERS_OF_PLUGINS = (
    "anyio", "asyncio", "benchmark", "django_db", "flaky", "freeze_time", "order", "timeout", "trio",
    "xdist_group",
)


NO_EFFECT = "has no effect here"
# WASI numbers errors otherwise, and tests compare messages.
ERROR_NUMBER = re.compile(r"\[Errno \d+\]")


class UnknownOptions(Exception):
    """pytest does not understand its command line or configuration."""


def run(targets):
    path = targets[0].partition("::")[0]
    report = Report(path)
    workspace.enter()
    use_own_pytest()
    refusals.watch()
    arguments = [workspace.absolute(target) for target in targets]
    sys.argv = ["pytest", *targets]
    coverage = Coverage()
    recorder = Recorder(report, coverage)
    own = [selection.Targets(targets), coverage, recorder]
    if django := django_tests.prepare(workspace.ROOT):
        own.append(django)
    try:
        status = _main(arguments, own, recorder)
        while recorder.rest:
            arguments, recorder.rest = recorder.rest, []
            status = _main(arguments, own, recorder)
    except UnknownOptions as error:
        report.raised(error, otherwise=Outcome.ERROR, message=str(error))
        return report, int(pytest.ExitCode.USAGE_ERROR)
    recorder.conclude(status)
    return report, status


def _main(arguments, own, recorder):
    """Runs pytest, without those of the project's options that belong to plugins which are not here."""
    blocked = [f"-pno:{name}" for name in plugins.unsuited()]
    recorder.unavailable.update({name: NO_EFFECT for name in plugins.unsuited()})
    without = []
    before = {*sys.modules}
    for _ in range(ATTEMPTS):
        # What an attempt has imported could not be rewritten by the next one.
        workspace.forget(before)
        try:
            with plugins.tolerated(recorder.unavailable):
                return _as_program([*OPTIONS, *blocked, *without, *arguments], own)
        except UnknownOptions as error:
            unknown = str(error).rpartition("unrecognized arguments: ")[2].partition("\n")[0].split()
            rest = recorder.project_options and _without(recorder.project_options, unknown)
            if rest is None or rest == recorder.project_options or "unrecognized arguments" not in str(error):
                rest = []  # it is another mistake, or nobody knows which
            left_out = [it for it in recorder.project_options or [] if it not in rest]
            recorder.set_aside(f"options {shlex.join(left_out)}" if left_out else "options and required plugins")
            without = ["-o", f"addopts={shlex.join(rest)}", "-o", "required_plugins="]
            if without == recorder.tried:
                raise
            recorder.tried = without
    raise UnknownOptions("the project's options for pytest are not understood here")


def _as_program(arguments, own):
    """In a frame of `__main__`, which code that looks for its caller expects at the bottom."""
    frame = {"__name__": "__main__", "main": pytest.main, "arguments": arguments, "own": own}
    exec("status = int(main(arguments, plugins=own))", frame)
    return frame["status"]


def _without(options, unknown):
    """The options without those that are unknown, and without their values."""
    kept = []
    values = 0
    for option in options:
        if values:
            values -= 1
        elif option in unknown or option.startswith(("--numprocesses", "--dist")):
            # Those of unknown plugins that take a value as a word of its own.
            values = int(option in ("-n", "--numprocesses", "--dist", "--maxprocesses", "--timeout"))
        else:
            kept.append(option)
    return kept


class Recorder:
    """A plugin that tells the report about each test as it ends."""

    def __init__(self, report, coverage):
        self.report = report
        self.coverage = coverage
        self.unavailable = {}  # plugins, and why
        self.project_options = None
        self.tried = None  # options of our own, in vain
        self.told = set()
        self.tested = False
        self.skipped = []  # (place, reason)
        self.uncollected = set()  # files
        self.rest = []  # arguments that are left to run without these
        # Of the test that is running:
        self.outcomes = set()
        self.unexplained = None
        self.message = None
        self.seconds = 0.0

    def set_aside(self, what):
        """Says once that settings of the project have no effect here."""
        if what not in self.told:
            self.told.add(what)
            why = ", ".join(f"{name} {why}" for name, why in self.unavailable.items())
            print(f"tantu: without pytest's {what}" + (f" ({why})" if why else ""), file=sys.stderr)

    @staticmethod
    def _hide_unawaited():
        """Coroutines that were left because there are no threads say so when they are collected: in
        whatever test that is, which would fail for it."""
        hook = sys.unraisablehook

        def hook_others(told):
            if not (refusals.has_met("threads") and "coroutine" in (told.err_msg or "")):
                hook(told)

        sys.unraisablehook = hook_others

    def _lacks_plugins(self):
        """Whether some that the project counts on may be missing."""
        return self.unavailable or not workspace.has_installed("pytest")

    @pytest.hookimpl(wrapper=True)
    def pytest_cmdline_parse(self, pluginmanager):
        try:
            return (yield)
        except pytest.UsageError as error:
            with contextlib.suppress(Exception):
                config = pluginmanager.getplugin("pytestconfig")
                options = config.inicfg.get("addopts", [])
                options = getattr(options, "value", options)
                self.project_options = shlex.split(options) if isinstance(options, str) else list(options)
            raise UnknownOptions(str(error)) from error
        except names.ConftestImportFailure as error:
            self.report.raised(error.cause, locate(error.cause), otherwise=Outcome.ERROR)
            raise  # pytest prints it and stops

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config):
        self._hide_unawaited()
        for name, why in self.unavailable.items():
            if why != NO_EFFECT and name not in self.told:
                self.told.add(name)
                print(f"tantu: pytest's plugin {name} {why}", file=sys.stderr)
        if self._lacks_plugins():
            for name in MARKERS_OF_PLUGINS:
                config.addinivalue_line("markers", f"{name}: of a plugin that may be absent")
            # Of the same plugins; that they are unknown here says nothing about the project.
            config._warn_or_fail_if_strict = lambda message: self.set_aside(f"setting: {message}")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector):
        """A file that ends the program while it is imported ends itself, and not the run."""
        collect, leave = collector.collect, os._exit

        def collect_or_fail():
            try:
                return list(collect())
            except SystemExit as error:
                message = f"exited while it was imported: {describe(error)}"
                raise collector.CollectError(message) from error

        def leave_file(status):
            raise SystemExit(status)

        collector.collect, os._exit = collect_or_fail, leave_file
        try:
            return (yield)
        finally:
            del collector.collect
            os._exit = leave

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self, session):
        try:
            return (yield)
        except pytest.UsageError as error:  # a target that does not exist
            # Of a file that cannot be imported no test exists; that has been reported, and those of
            # other files can run: in a session of their own, for this one has begun.
            rest = [it for it in session.config.args if _file(it) not in self.uncollected]
            if rest and len(rest) < len(session.config.args):
                self.rest = rest
                raise pytest.UsageError("some files cannot be imported; the others run") from None
            message = str(error).replace(workspace.ROOT + "/", "")
            self.report.problem(Outcome.ERROR, message)
            raise

    def pytest_internalerror(self, excinfo):
        self.report.raised(excinfo.value, locate(excinfo.value), otherwise=Outcome.ERROR)

    def pytest_collectreport(self, report):
        if not report.passed:
            self.uncollected.add(_file(report.nodeid))
        if report.skipped:
            self._skip(report)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self):
        with own_builtins.contained():
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self):
        with own_builtins.pristine():
            return (yield)

    def pytest_runtest_logstart(self, nodeid, location):
        refusals.forget()
        self.outcomes.clear()
        self.unexplained = None
        self.message = None
        self.seconds = 0.0
        self.report.begin(*_place(location))

    def pytest_runtest_logreport(self, report):
        if not isinstance(report, names.SubtestReport):
            self.seconds += report.duration
        if report.failed:
            self.unexplained = report
        elif report.skipped and not hasattr(report, "wasxfail"):
            self.message = self._skip(report)
        elif report.skipped:
            self.message = f"expected to fail: {report.wasxfail}".removesuffix(": ")
            self.outcomes.add(Outcome.PASSED)
        elif report.when == "call":
            self.outcomes.add(Outcome.PASSED)

    def pytest_exception_interact(self, node, call, report):
        """Comes after the report of a failure."""
        with own_builtins.pristine():
            self._explain(node, _origin(call.excinfo.value), report.capstdout + report.capstderr)

    def _explain(self, node, error, output):
        self.unexplained = None
        file = workspace.relative(str(node.path))
        is_test = isinstance(node, pytest.Item)
        place = _place(node.location) if is_test else (file, 1)
        if failures := _failed_examples(error):
            self.outcomes |= {self._example(failure) for failure in failures}
        elif plugin := _missing_plugin(error, self.unavailable):
            self.report.problem(Outcome.NOT_RUNNABLE, f"needs {plugin}", place)
            self.outcomes.add(Outcome.NOT_RUNNABLE)
        else:
            otherwise = Outcome.FAILED if is_test else Outcome.ERROR
            at = locate(error, inside=file) or place
            # What was refused may have become any exception, in code that did not expect it.
            refused = is_test and refusals.reason()
            message = None
            if refused:
                is_absence, message = refused
                otherwise = Outcome.NOT_RUNNABLE if is_absence else Outcome.REFUSED
                message = f"{message}, which became {describe(error)}"
            elif is_test and ERROR_NUMBER.search(describe(error)):
                otherwise = Outcome.NOT_RUNNABLE
                message = f"needs the numbers that Linux gives to errors: {describe(error)}"
            outcome = self.report.raised(error, at, otherwise=otherwise, message=message, output=output)
            self.outcomes.add(outcome)
        self.message = self.message or self.report.message

    def _example(self, failure):
        line = (failure.test.lineno or 0) + failure.example.lineno + 1
        place = (workspace.relative(failure.test.filename) or failure.test.filename, line)
        if isinstance(failure, doctest.UnexpectedException):
            return self.report.raised(failure.exc_info[1], place)
        message = doctest.OutputChecker().output_difference(failure.example, failure.got, 0)
        self.report.problem(Outcome.FAILED, message, place)
        return Outcome.FAILED

    def pytest_runtest_logfinish(self, nodeid, location):
        with own_builtins.pristine():
            self._finish(nodeid, location)

    def _finish(self, nodeid, location):
        if self.unexplained:  # a failure without an exception: a strict xfail that passed
            report, place = self.unexplained, _place(self.unexplained.location)
            output = report.capstdout + report.capstderr
            self.report.problem(Outcome.FAILED, report.longreprtext, place, output=output)
            self.outcomes.add(Outcome.FAILED)
            self.message = self.message or self.report.message
        if self.outcomes & COUNTED:
            self.report.failed()
            verdict = TestVerdict.FAILED
        elif self.outcomes == {Outcome.PASSED}:
            self.report.passed()
            verdict = TestVerdict.PASSED
        else:
            verdict = TestVerdict.NOT_RUNNABLE if self.outcomes else TestVerdict.SKIPPED
        millis = round(max(self.seconds, 0) * 1000)
        executed = self.coverage.of_test()
        returned = self.coverage.has_returned(nodeid)
        place = _place(location)
        result = wit_world.TestResult(nodeid, *place, verdict, returned, millis, self.message)
        wit_world.tested(result, executed)
        self.tested = self.tested or bool(self.outcomes)

    def _skip(self, report):
        path, line, reason = report.longrepr
        self.skipped.append(((workspace.relative(str(path)) or str(path), line), reason))
        return reason.removeprefix("Skipped: ")

    def conclude(self, status):
        """Finds words for a run that ended without testing anything."""
        if self.tested or self.report.outcomes:
            return
        if self.skipped:
            place, reason = self.skipped[0]
            self.report.problem(Outcome.NOT_RUNNABLE, f"every test was skipped: {reason}", place)
        elif status == pytest.ExitCode.NO_TESTS_COLLECTED:
            self.report.problem(Outcome.ERROR, "there is no test here")
        elif status:
            self.report.problem(Outcome.ERROR, f"pytest stopped with status {status}")


def _file(target):
    """The file of a node id, which may be absolute, relative to the workspace."""
    path = target.partition("::")[0]
    return workspace.relative(path) or path


def _place(location):
    path, line, _ = location
    return path, (line or 0) + 1


def _origin(error):
    """What pytest has wrapped while it was collecting."""
    if isinstance(error, (pytest.Collector.CollectError, names.ConftestImportFailure)):
        return error.__cause__ or error
    return error


def _missing_plugin(error, unavailable):
    if isinstance(error, names.FixtureLookupError):
        known = PLUGIN_OF_FIXTURE.get(error.argname)
        others = [name for name, why in unavailable.items() if why != NO_EFFECT]
        return known or (f"pytest's plugin {' or '.join(others)}" if others else None)
    if isinstance(error, pytest.fail.Exception) and "async def functions are not" in str(error):
        return "a pytest plugin for async tests"
    return None


def _failed_examples(error):
    """The failures of a doctest, which pytest wraps into one exception."""
    failures = error.failures if isinstance(error, names.MultipleDoctestFailures) else [error]
    kinds = (doctest.DocTestFailure, doctest.UnexpectedException)
    return [failure for failure in failures if isinstance(failure, kinds)]
