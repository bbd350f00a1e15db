"""Runs a file, or a piece of one, as `__main__`."""

import ast
import atexit
import importlib
import linecache
import os
import sys
import textwrap
import traceback
import types

from wit_world import Outcome

from . import own_builtins, workspace
from .report import Report, locate


def run_file(path):
    report = Report(path)

    def body():
        file = _enter(path)
        with open(file, "rb") as source:
            code = compile(source.read(), file, "exec", dont_inherit=True)
        exec(code, _main(path))

    return report, _run(body, report)


def run_snippet(snippet):
    """Runs a selection. The value of a last expression is printed, as at a prompt."""
    report = Report(snippet.filename, snippet.first_line)

    def body():
        file = _enter(snippet.filename)
        _execute(snippet, file, _main(snippet.filename), [])

    return report, _run(body, report)


_session = None  # the namespace and the lines of the cells so far


def run_cell(snippet):
    """Runs a cell in what those before it have left."""
    report = Report(snippet.filename, snippet.first_line)

    def body():
        global _session
        if _session is None:
            _enter(snippet.filename)
            _session = _main(snippet.filename), []
        # Files may have come since.
        importlib.invalidate_caches()
        _execute(snippet, workspace.absolute(snippet.filename), *_session)

    return report, _run(body, report, is_last=False)


def _execute(snippet, file, namespace, lines):
    """Runs the snippet. `lines` are those of the file that were run so far."""
    text, is_block = _in_place(snippet.text, snippet.first_line)
    # Tracebacks quote what was run, not what lies on disk.
    added = text.splitlines(keepends=True)
    lines.extend("\n" for _ in range(len(added) - len(lines)))
    lines[snippet.first_line - 1 : len(added)] = added[snippet.first_line - 1 :]
    linecache.cache[file] = (sum(map(len, lines)), None, lines, file)
    tree = compile(text, file, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    statements = tree.body[0].body if is_block else tree.body
    last = statements.pop() if statements and isinstance(statements[-1], ast.Expr) else None
    exec(compile(ast.Module(statements, []), file, "exec", dont_inherit=True), namespace)
    if last:
        shown = ast.Interactive([last])
        exec(compile(shown, file, "single", dont_inherit=True), namespace)


def _enter(path):
    """Makes importable what `python -m` would, and after it what `python FILE` would."""
    file = workspace.absolute(path)
    workspace.enter(workspace.package_of(path)[1], last=os.path.dirname(file))
    return file


def _in_place(text, first_line):
    """Moves `text` to its line. Returns also whether it was indented and is now a block."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first.startswith((" ", "\t")):
        return "\n" * (first_line - 1) + text, False
    if first_line == 1:
        return textwrap.dedent(text), False
    return "\n" * (first_line - 2) + "if True:\n" + text, True


def _main(path):
    module = types.ModuleType("__main__")
    module.__file__ = workspace.absolute(path)
    # As `python -m` would have it, so that relative imports work.
    module.__package__ = workspace.package_of(path)[0] or None
    sys.modules["__main__"] = module
    sys.argv = [path]
    return module.__dict__


def _run(body, report, *, is_last=True):
    """Runs `body` as the interpreter runs a program; returns the exit status."""
    status = 0
    try:
        body()
    except SystemExit as exit:
        status = _status(exit.code)
        if status:
            message = f"exited with status {status}"
            with own_builtins.pristine():
                report.problem(Outcome.FAILED, message, locate(exit), error=exit)
    except BaseException as error:
        status = 1
        unstarted = isinstance(error, SyntaxError)
        otherwise = Outcome.ERROR if unstarted else Outcome.FAILED
        with own_builtins.pristine():
            report.raised(error, locate(error), otherwise=otherwise)
            _print(error)
    if is_last:
        atexit._run_exitfuncs()
    return status


def _status(code):
    if code is None or isinstance(code, int):
        return int(code or 0)
    print(code, file=sys.stderr)
    return 1


def _print(error):
    """Prints the traceback without the frames of this module."""
    trace = error.__traceback__
    while trace and not workspace.relative(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace)
