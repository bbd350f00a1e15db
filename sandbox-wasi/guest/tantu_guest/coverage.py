"""Notes which functions of the workspace each test executes, and whether the test's own function ran
to its end.

It costs next to nothing: the interpreter calls us when a function of the workspace starts for the
first time in a test, and not again before the next test.

The second is evidence that does not come from pytest: code that replaces the test, or what runs it
and reports on it, makes pytest say that a test passed, but not the interpreter that the function
which the test file defines has returned.
"""

import contextlib
import re
import sys

import pytest
import wit_world

from . import workspace

_TOOL = sys.monitoring.COVERAGE_ID
_START = sys.monitoring.events.PY_START
_RETURN = sys.monitoring.events.PY_RETURN
_CODE = type(workspace.absolute.__code__)
# What a function contains that has no name of its own belongs to the function.
_NAMELESS = re.compile(r"(\.<locals>)?\.<(lambda|genexpr|listcomp|setcomp|dictcomp)>.*|\.<locals>")


class Coverage:
    """A plugin. What a fixture of a wider scope executes counts for every test that has it."""

    def __init__(self):
        self.executed = set()  # code
        self.numbers = {}  # by code
        self.functions = {}  # numbers by path and qualified name
        self.of_fixtures = {}  # code, by fixture
        self.item = None
        self.is_loaded = False
        self.tests = {}  # path → qualified name → code, of the functions that may be tests
        self.returned = set()  # the `id`s of those that this test has run to the end
        with contextlib.suppress(ValueError):  # the tool's place is taken
            sys.monitoring.use_tool_id(_TOOL, "tantu")
            sys.monitoring.register_callback(_TOOL, _START, self._start)
            sys.monitoring.register_callback(_TOOL, _RETURN, self._return)
            sys.addaudithook(self._audit)

    def _audit(self, event, arguments):
        if event == "exec" and isinstance(code := arguments[0], _CODE):
            if path := workspace.relative(code.co_filename):
                tests = {}
                self._watch(code, tests)
                # What is executed later in the name of the same file is not what the file says.
                self.tests.setdefault(path, tests)

    def _watch(self, code, tests):
        """The functions of a module that is about to be executed. `tests` are filled."""
        for inner in code.co_consts:
            if isinstance(inner, _CODE):
                events = _START
                if inner.co_name.startswith("test"):
                    tests[inner.co_qualname] = inner
                    events |= _RETURN
                with contextlib.suppress(ValueError):
                    sys.monitoring.set_local_events(_TOOL, inner, events)
                self._watch(inner, tests)

    def _start(self, code, offset):
        self.executed.add(code)
        return sys.monitoring.DISABLE

    def _return(self, code, offset, value):
        self.returned.add(id(code))
        return sys.monitoring.DISABLE

    def has_returned(self, nodeid):
        """Whether the function that the test with this node id is made of has run to its end."""
        path, *names = nodeid.partition("[")[0].split("::")
        code = self.tests.get(path, {}).get(".".join(names)) or self._inherited(names[-1] if names else "")
        return id(code) in self.returned  # `tests` keeps it, so no other code has its number

    def _inherited(self, name):
        """A test that the class of the running one has from another class, in whatever file that is."""
        for kind in getattr(getattr(self.item, "cls", None), "__mro__", ()):
            file = getattr(sys.modules.get(kind.__module__), "__file__", None)
            tests = self.tests.get(workspace.relative(file), {}) if file else {}
            if code := tests.get(f"{kind.__qualname__}.{name}"):
                return code
        return None

    def pytest_runtest_logstart(self):
        if not self.is_loaded:
            self.is_loaded = True
            numbers = {self._number(code) for code in self.executed} - {None}
            wit_world.loaded(sorted(numbers))
        self.item = None
        self._begin()

    def pytest_runtest_setup(self, item):
        self.item = item

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef):
        if fixturedef.scope == "function":
            return (yield)
        around = self.executed
        self._begin()
        try:
            return (yield)
        finally:
            self.of_fixtures[fixturedef] = self.executed
            self.executed = around | self.executed

    def _begin(self):
        self.executed = set()
        self.returned = set()
        sys.monitoring.restart_events()

    def of_test(self):
        """The numbers of the functions that the test which is ending has executed."""
        executed = self.executed
        fixtures = getattr(self.item, "_fixtureinfo", None)
        for definitions in fixtures.name2fixturedefs.values() if fixtures else ():
            for fixture in definitions:
                executed = executed | self.of_fixtures.get(fixture, set())
        return sorted({self._number(code) for code in executed} - {None})

    def _number(self, code):
        if code not in self.numbers:
            function = workspace.relative(code.co_filename), _NAMELESS.sub("", code.co_qualname)
            if function not in self.functions and not function[1].startswith("<"):
                self.functions[function] = len(self.functions)
                wit_world.function(*function)
            self.numbers[code] = self.functions.get(function)
        return self.numbers[code]
