"""Runs the doctests of a module, of one object in it, or of a text file."""

import ast
import doctest
import traceback

from wit_world import Outcome

from . import own_builtins, workspace
from .report import COUNTED, Report, locate


class Runner(doctest.DocTestRunner):
    """Tells the report about every example, at its line in the file."""

    def __init__(self, report, path):
        super().__init__(verbose=False)
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
        runner.run(test)
    return report, int(report.outcome is not Outcome.PASSED)


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
