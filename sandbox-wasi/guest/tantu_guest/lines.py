"""Notes which lines of some files are executed: how far the tests of a change have looked at it."""

import contextlib
import sys

import wit_world

from . import workspace

_TOOL = 4  # nobody's by convention; 3 is the clock's
_LINE = sys.monitoring.events.LINE
_CODE = type(workspace.absolute.__code__)


class Lines:
    """Of functions only, unless files are watched as a `whole`: what stands outside of them runs
    whenever a file is imported."""

    def __init__(self, paths, whole=False):
        self.whole = whole
        self.executed = {path: set() for path in paths}
        self.possible = {path: set() for path in paths}
        if paths:
            with contextlib.suppress(ValueError):  # the tool's place is taken
                sys.monitoring.use_tool_id(_TOOL, "tantu lines")
                sys.monitoring.register_callback(_TOOL, _LINE, self._line)
                sys.addaudithook(self._audit)

    def _audit(self, event, arguments):
        if event == "exec" and isinstance(code := arguments[0], _CODE):
            path = workspace.relative(code.co_filename)
            # What is executed later in the name of the same file is not what the file says.
            if path in self.possible and not self.possible[path]:
                if self.whole:
                    self._note(code, path)
                self._watch(code, path)

    def _note(self, code, path):
        self.possible[path] |= {line for _, _, line in code.co_lines() if line}
        with contextlib.suppress(ValueError):
            sys.monitoring.set_local_events(_TOOL, code, _LINE)

    def _watch(self, code, path):
        for inner in code.co_consts:
            if isinstance(inner, _CODE):
                if self.whole:
                    self._note(inner, path)
                elif not _is_class_body(inner):
                    lines = {line for _, _, line in inner.co_lines() if line}
                    # The function's first line is executed by what defines it.
                    self.possible[path] |= lines - {inner.co_firstlineno} or lines
                    with contextlib.suppress(ValueError):
                        sys.monitoring.set_local_events(_TOOL, inner, _LINE)
                self._watch(inner, path)

    def _line(self, code, line):
        if path := workspace.relative(code.co_filename):
            if path in self.executed:
                self.executed[path].add(line)
        return sys.monitoring.DISABLE

    def tell(self):
        for path, possible in self.possible.items():
            if possible:
                wit_world.lines(path, sorted(self.executed[path] & possible), sorted(possible))


def _is_class_body(code):
    return "__qualname__" in code.co_names and "__module__" in code.co_names and not code.co_argcount
