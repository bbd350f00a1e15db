"""Runs the doctests of a module, of one object in it, or of a text file.

Two kinds of examples run here that `doctest` alone would not run. Those that speak of the workspace's package by its
name, which the project's own set-up hands to them, are given it. And those that are skipped because their answer, a
set or a dictionary, is not written the same each time are compared by value.
"""

import ast
import builtins
import contextlib
import doctest
import importlib
import sys
import traceback

from wit_world import Outcome

from . import own_builtins, workspace
from .report import COUNTED, Report, locate


_BY_VALUE = doctest.register_optionflag("TANTU_BY_VALUE")


class _Checker(doctest.OutputChecker):
    def check_output(self, want, got, optionflags):
        if optionflags & _BY_VALUE:
            with contextlib.suppress(ValueError, SyntaxError):
                return ast.literal_eval(want.strip()) == ast.literal_eval(got.strip())
        return super().check_output(want, got, optionflags)


class Runner(doctest.DocTestRunner):
    """Tells the report about every example, at its line in the file."""

    def __init__(self, report, path):
        super().__init__(_Checker(), verbose=False)
        self.report = report
        self.path = path

    def report_start(self, out, test, example):
        self.report.begin(*self._place(test, example))

    def report_success(self, out, test, example, got):
        self.report.passed()

    def report_failure(self, out, test, example, got):
        with own_builtins.pristine():
            super().report_failure(out, test, example, got)
            message = self._checker.output_difference(example, got, self.optionflags)
            self.report.failed()
            self.report.problem(Outcome.FAILED, message, self._place(test, example))

    def report_unexpected_exception(self, out, test, example, exc_info):
        with own_builtins.pristine():
            if example.options.get(_BY_VALUE) and isinstance(exc_info[1], NameError):
                return  # it needs what those before it, which are skipped, would have made
            super().report_unexpected_exception(out, test, example, exc_info)
            outcome = self.report.raised(exc_info[1], self._place(test, example))
            if outcome in COUNTED:
                self.report.failed()

    def _place(self, test, example):
        return self.path, test.lineno + example.lineno + 1


def run(path, name):
    report = Report(path)
    try:
        tests = _of_module(path, name) if path.endswith(".py") else _of_text(path)
    except BaseException as error:
        traceback.print_exception(error)
        report.raised(error, locate(error), otherwise=Outcome.ERROR)
        return report, 1
    if not tests:
        where = f"{name} in {path}" if name else path
        report.problem(Outcome.ERROR, f"there is no doctest in {where}")
        return report, 1
    runner = Runner(report, path)
    for test in tests:
        _compare_by_value(test)
        _supply(test)
        runner.run(test)
    return report, int(report.outcome is not Outcome.PASSED)


def _compare_by_value(test):
    """Takes up the examples that are skipped though their answer is written out."""
    for example in test.examples:
        if example.options.get(doctest.SKIP) and _is_unordered(example):
            example.options = {_BY_VALUE: True}


def _is_unordered(example):
    """Whether it is one expression whose answer holds a set or a dictionary, and nothing that is no literal."""
    try:
        ast.parse(example.source, mode="eval")
        ast.literal_eval(example.want.strip())
        answer = ast.parse(example.want.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return False
    return any(isinstance(node, ast.Dict | ast.Set) for node in ast.walk(answer))


def _supply(test):
    """Gives a test what it names and nothing defines: the workspace's own packages, and what the package around the
    module exports. Projects that have examples of this kind do so in a fixture."""
    used, bound = set(), set()
    for example in test.examples:
        with contextlib.suppress(SyntaxError):
            for node in ast.walk(ast.parse(example.source)):
                if isinstance(node, ast.Name):
                    (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
                elif isinstance(node, ast.alias):
                    bound.add((node.asname or node.name).partition(".")[0])
                elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    bound.add(node.name)
    package = sys.modules.get(str(test.globs.get("__name__")).partition(".")[0])
    for name in sorted(used - bound - set(test.globs) - set(vars(builtins))):
        if workspace.contains(name):
            with contextlib.suppress(Exception):
                module = importlib.import_module(name)
                if getattr(module, "__file__", None):  # a folder is no package yet
                    test.globs[name] = module
        elif hasattr(package, name):
            test.globs[name] = getattr(package, name)


def _of_text(path):
    file = workspace.absolute(path)
    workspace.enter()
    with open(file, encoding="utf-8") as source:
        test = doctest.DocTestParser().get_doctest(source.read(), {}, path, file, 0)
    return [test] if test.examples else []


def _of_module(path, name):
    module = workspace.load(path)
    lines = _docstring_lines(path)
    tests = []
    for test in doctest.DocTestFinder().find(module):
        qualname = test.name.removeprefix(module.__name__).removeprefix(".")
        if test.examples and (not name or (qualname + ".").startswith(name + ".")):
            if test.lineno is None:
                test.lineno = lines.get(qualname, 0)
            tests.append(test)
    return sorted(tests, key=lambda test: test.lineno)


def _docstring_lines(path):
    """Qualified name → 0-based line, for the docstrings that doctest does not find by itself:
    those of decorated and wrapped objects."""
    with open(workspace.absolute(path), "rb") as source:
        tree = ast.parse(source.read())
    lines = {}

    def visit(node, prefix):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                qualname = prefix + child.name
                if ast.get_docstring(child, clean=False):
                    lines[qualname] = child.body[0].lineno - 1
                visit(child, qualname + ".")

    visit(tree, "")
    return lines
