"""Notes which functions of the workspace each test executes, whether the test's own function ran to
its end, and which lines of some files are executed.

It takes `sys.monitoring`, of Python 3.12 or later; earlier interpreters tell none of this, so what
they say of a test is their word alone.
"""

import contextlib
import re
import sys

import pytest

_CODE = type((lambda: 0).__code__)
# What a function contains that has no name of its own belongs to the function.
_NAMELESS = re.compile(r"(\.<locals>)?\.<(lambda|genexpr|listcomp|setcomp|dictcomp)>.*|\.<locals>")
MAX_EXECUTED = 10_000


def start(channel, where, watched, whole=False):
    if not hasattr(sys, "monitoring"):
        return None
    try:
        return Coverage(channel, where, watched, whole)
    except ValueError:  # the tool's place is taken
        return None


class Coverage:
    """A plugin. What a fixture of a wider scope executes counts for every test that has it."""

    def __init__(self, channel, where, watched, whole):
        self.whole = whole  # lines outside of functions are told, too
        self.tell, self.where = channel.tell, where
        self.executed = set()  # code
        self.numbers, self.functions = {}, {}
        self.of_fixtures = {}
        self.item = None
        self.is_loaded = False
        self.tests, self.returned = {}, set()
        self.lines = {path: (set(), set()) for path in watched}
        monitoring = sys.monitoring
        self.tool, self.events = monitoring.COVERAGE_ID, monitoring.events
        monitoring.use_tool_id(self.tool, "tantu")
        monitoring.register_callback(self.tool, self.events.PY_START, self._start)
        monitoring.register_callback(self.tool, self.events.PY_RETURN, self._return)
        monitoring.register_callback(self.tool, self.events.LINE, self._line)
        sys.addaudithook(self._audit)

    def _audit(self, event, arguments):
        if event == "exec" and isinstance(code := arguments[0], _CODE):
            if path := self.where.relative(code.co_filename):
                tests = {}
                watched = self.lines.get(path)
                watched = watched if watched and not watched[1] else None
                if watched and self.whole:
                    watched[1].update(line for _, _, line in code.co_lines() if line)
                    with contextlib.suppress(ValueError):
                        sys.monitoring.set_local_events(self.tool, code, self.events.LINE)
                self._watch(code, tests, watched)
                # What is executed later in the name of the same file is not what the file says.
                self.tests.setdefault(path, tests)

    def _watch(self, code, tests, watched):
        for inner in code.co_consts:
            if isinstance(inner, _CODE):
                events = self.events.PY_START
                if inner.co_name.startswith("test"):
                    tests[inner.co_qualname] = inner
                    events |= self.events.PY_RETURN
                is_class = "__qualname__" in inner.co_names and "__module__" in inner.co_names and not inner.co_argcount
                if watched and (self.whole or not is_class):
                    lines = {line for _, _, line in inner.co_lines() if line}
                    watched[1].update(lines if self.whole else lines - {inner.co_firstlineno} or lines)
                    events |= self.events.LINE
                with contextlib.suppress(ValueError):
                    sys.monitoring.set_local_events(self.tool, inner, events)
                self._watch(inner, tests, watched)

    def _start(self, code, offset):
        self.executed.add(code)
        return sys.monitoring.DISABLE

    def _return(self, code, offset, value):
        self.returned.add(id(code))
        return sys.monitoring.DISABLE

    def _line(self, code, line):
        if watched := self.lines.get(self.where.relative(code.co_filename)):
            watched[0].add(line)
        return sys.monitoring.DISABLE

    def pytest_runtest_logstart(self):
        if not self.is_loaded:
            self.is_loaded = True
            self.tell("loaded", executed=sorted({self._number(code) for code in self.executed} - {None}))
        self.item = None
        self._begin()

    def pytest_runtest_setup(self, item):
        self.item = item

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef):
        if fixturedef.scope == "function":
            yield
            return
        around = self.executed
        self._begin_fixture()
        yield
        self.of_fixtures[fixturedef] = self.executed
        self.executed = around | self.executed

    def _begin_fixture(self):
        self.executed = set()
        sys.monitoring.restart_events()

    def _begin(self):
        self.executed = set()
        self.returned = set()
        sys.monitoring.restart_events()

    def of_test(self, test):
        """Whether its function ran to its end, and the numbers of the functions that it executed."""
        path, *names = test.partition("[")[0].split("::")
        code = self.tests.get(path, {}).get(".".join(names)) or self._inherited(names[-1] if names else "")
        executed = set(self.executed)
        fixtures = getattr(self.item, "_fixtureinfo", None)
        for definitions in fixtures.name2fixturedefs.values() if fixtures else ():
            for fixture in definitions:
                executed |= self.of_fixtures.get(fixture, set())
        numbers = sorted({self._number(code) for code in executed} - {None})
        return id(code) in self.returned, numbers if len(numbers) <= MAX_EXECUTED else None

    def _inherited(self, name):
        """A test that the class of the running one has from another class, in whatever file that is."""
        for kind in getattr(getattr(self.item, "cls", None), "__mro__", ()):
            file = getattr(sys.modules.get(kind.__module__), "__file__", None)
            tests = self.tests.get(self.where.relative(file), {}) if file else {}
            if code := tests.get(f"{kind.__qualname__}.{name}"):
                return code
        return None

    def _number(self, code):
        if code not in self.numbers:
            function = self.where.relative(code.co_filename), _NAMELESS.sub("", code.co_qualname)
            if function not in self.functions and function[0] and not function[1].startswith("<"):
                self.functions[function] = len(self.functions)
                self.tell("function", path=function[0], name=function[1])
            self.numbers[code] = self.functions.get(function)
        return self.numbers[code]

    def tell_lines(self):
        for path, (executed, possible) in self.lines.items():
            if possible:
                self.tell("lines", path=path, executed=sorted(executed & possible), possible=sorted(possible))
