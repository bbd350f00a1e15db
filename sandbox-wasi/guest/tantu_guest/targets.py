"""Does no more with a file than is needed for the tests that are asked for."""

import ast
import importlib

from _pytest.assertion import rewrite

from . import workspace

_rewrite_asserts = rewrite.rewrite_asserts


def bind():
    """To the pytest that runs."""
    global rewrite, _rewrite_asserts
    rewrite = importlib.import_module("_pytest.assertion.rewrite")
    _rewrite_asserts = rewrite.rewrite_asserts


class Targets:
    """A plugin. To find one test of a file, pytest makes all its tests, of which one may have tens of
    thousands of parameters, and rewrites the assertions of all, which takes longer than to run one."""

    def __init__(self, targets):
        self.wanted = {}  # by file: the names inside of it, or None for all
        for target in targets:
            file, *names = target.split("::")
            if not names:
                self.wanted[file] = None
            elif (wanted := self.wanted.setdefault(file, set())) is not None:
                wanted.add(tuple(name.partition("[")[0] for name in names))
        rewrite.rewrite_asserts = self._rewrite_asserts

    def _is_wanted(self, file, names):
        """Whether the test, or a test in the class, with these names is asked for."""
        wanted = self.wanted.get(file)
        return wanted is None or any(one[: len(names)] == names[: len(one)] for one in wanted)

    def pytest_pycollect_makeitem(self, collector, name):
        file, *names = collector.nodeid.split("::")
        return None if self._is_wanted(file, (*names, name)) else []  # None: as pytest does it

    def _rewrite_asserts(self, module, source, path=None, config=None):
        file = workspace.relative(path)
        unwanted = [it for it in _tests(module) if not self._is_wanted(file, (it.name,))]
        bodies = [it.body for it in unwanted]
        for function in unwanted:
            function.body = []
        _rewrite_asserts(module, source, path, config)
        for function, body in zip(unwanted, bodies, strict=True):
            function.body = body


def _tests(module):
    """The test functions of the module, those of classes left out."""
    is_test = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [it for it in module.body if isinstance(it, is_test) and it.name.startswith("test")]
