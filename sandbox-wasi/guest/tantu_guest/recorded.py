"""Notes what tests of the workspace call a function with, so that others can call it with the same."""

import contextlib
import importlib.abc
import importlib.util
import inspect
import io
import os
import pickle
import random
import sys
import time

import pytest

from . import own_builtins, pytests, workspace
from .arguments import RECEIVER, Recorded
from .observe import limited
from .subject import NoSubject, Subject
from .targets import Targets

MAX_CALLS = 50  # that are different
MAX_BYTES = 64 << 10  # of one call's arguments
PAUSE = 0.01  # seconds that a test may sleep at once
OPTIONS = ["--assert=plain", "--tb=no"]  # in less time
_TOOL = 3  # none of those that have names
_START = sys.monitoring.events.PY_START
_sleep, _now = time.sleep, time.monotonic  # whatever the code does to `time`


def calls(request, older, seconds):
    """What the tests of `request` call the older version of its function with, as far as it can be
    pickled. What the tests themselves say is of no interest here."""
    if not request.tests:
        return []
    recorder = _Recorder(request, _now() + seconds)
    with workspace.set_aside(), _as_before():
        workspace.enter()
        sys.argv = ["pytest", *request.tests]
        sys.meta_path.insert(0, recorder)
        sys.monitoring.use_tool_id(_TOOL, "tantu recorded")
        sys.monitoring.register_callback(_TOOL, _START, recorder.called)
        try:
            with limited(seconds):
                _run(request.tests, recorder)
        except BaseException:
            pass  # whatever they did, they have called or they have not
        finally:
            sys.monitoring.free_tool_id(_TOOL)
            sys.meta_path.remove(recorder)
    names = [*older.signature.parameters, *([RECEIVER] if older.is_method else ())]
    return [Recorded(older.signature, data, names) for data in recorder.pickles]


def _run(tests, recorder):
    arguments = [workspace.absolute(test) for test in tests]
    plugins = [Targets(tests), recorder]
    status = pytest.main([*pytests.OPTIONS, *OPTIONS, *arguments], plugins=plugins)
    if status == pytest.ExitCode.USAGE_ERROR:
        project = pytests.WITHOUT_PROJECT_OPTIONS
        pytest.main([*pytests.OPTIONS, *OPTIONS, *project, *arguments], plugins=plugins)


@contextlib.contextmanager
def _as_before():
    """Undoes what tests may have done to the process, and lets them not sleep for long."""
    environment, folder, arguments, state = dict(os.environ), os.getcwd(), sys.argv, random.getstate()
    time.sleep = lambda seconds: _sleep(min(seconds, PAUSE))
    try:
        yield
    finally:
        time.sleep, sys.argv = _sleep, arguments
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        random.setstate(state)


class _Recorder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the older text in place of the file, and is told of calls. A plugin of pytest."""

    def __init__(self, request, until):
        self.request, self.until = request, until
        self.name = workspace.name_of(request.path)[0]
        self.subject = None
        self.is_busy = False
        self.pickles = {}  # as a set that keeps the order

    def find_spec(self, name, path=None, target=None):
        if name != self.name:
            return None
        file = workspace.absolute(self.request.path)
        folders = [os.path.dirname(file)] if os.path.basename(file) == "__init__.py" else None
        return importlib.util.spec_from_file_location(
            name, file, loader=self, submodule_search_locations=folders
        )

    def exec_module(self, module):
        exec(compile(self.request.against, module.__file__, "exec", dont_inherit=True), module.__dict__)
        with contextlib.suppress(NoSubject):
            self.subject = Subject(module, self.request.function)
            sys.monitoring.set_local_events(_TOOL, self.subject.function.__code__, _START)

    def called(self, code, offset):
        if self.is_over():
            return sys.monitoring.DISABLE
        if self.is_busy:  # it is called by what is being pickled
            return None
        self.is_busy = True
        try:
            with own_builtins.pristine():
                self.pickles.setdefault(_pickled(self._arguments(code, sys._getframe(1).f_locals)))
        except Exception:
            pass  # it is left out
        finally:
            self.is_busy = False
        return None

    def _arguments(self, code, values):
        """By parameter, as `Subject` names them."""
        count = code.co_argcount + code.co_kwonlyargcount
        count += bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
        found = {name: values[name] for name in code.co_varnames[:count]}
        if len(found) > len(self.subject.signature.parameters):
            first = found.pop(code.co_varnames[0])
            if self.subject.is_method:
                found[RECEIVER] = first
        return found

    def is_over(self):
        return len(self.pickles) >= MAX_CALLS or _now() > self.until

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self):
        return True if self.is_over() else None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self):
        with own_builtins.contained():
            return (yield)


class _Bounded(io.BytesIO):
    def write(self, data):
        if self.tell() + len(data) > MAX_BYTES:
            raise OverflowError
        return super().write(data)


def _pickled(values):
    out = _Bounded()
    pickle.dump(values, out)
    return out.getvalue()
