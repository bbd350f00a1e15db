"""Runs a function on generated inputs: alone, or side by side with an older version of itself."""

import sys
import time
import traceback
import types
import warnings

import wit_world
from wit_world import Outcome

from . import own_builtins, workspace
from .compare import differences, same
from .inputs import CannotGenerate, shown
from .observe import TooLong, observe
from .report import Report, describe, judge, locate
from .subject import NoSubject, Subject, is_rejection

DIFFERENCES = 3  # that are told of one comparison
ENDLESS = 3  # calls that do not end, after which no more are tried
_now = time.monotonic  # whatever the code does to `time`


def run(request):
    report = Report(request.path)
    try:
        module = workspace.load(request.path)
        subject = Subject(module, request.function)
        older = _older(request, module) if request.against is not None else None
    except NoSubject as error:
        report.problem(Outcome.ERROR, str(error))
        return report, 1
    except BaseException as error:
        with own_builtins.pristine():
            traceback.print_exception(error)
            report.raised(error, locate(error), otherwise=Outcome.ERROR)
        return report, 1
    report.default = (request.path, subject.line)
    report.begin(*report.default)
    try:
        with warnings.catch_warnings(action="ignore"):
            inputs = subject.inputs(max(1, min(request.count, 10_000)), request.seed)
            inputs = _in_time(inputs, request.millis / 1000)
            if older:
                _compare(report, subject, older, inputs)
            else:
                _try(report, subject, inputs)
    except CannotGenerate as error:
        report.problem(Outcome.NOT_RUNNABLE, f"cannot generate inputs for {error}")
    except _Stopped:
        pass
    return report, int(report.outcome is not Outcome.PASSED)


class _Stopped(Exception):
    """The function needs what is not here; that has been reported."""


def _older(request, module):
    """The older text as a module of the same name, and the function in it."""
    older = types.ModuleType(module.__name__)
    older.__file__, older.__package__ = module.__file__, module.__package__
    older.__spec__ = module.__spec__
    # Not the file's name: the lines are others.
    code = compile(request.against, f"<older {request.path}>", "exec", dont_inherit=True)
    sys.modules[module.__name__] = older
    try:
        exec(code, older.__dict__)
        return Subject(older, request.function)
    except NoSubject as error:
        raise NoSubject(f"there is nothing to compare with: in the older text, {error}") from None
    finally:
        sys.modules[module.__name__] = module


def _in_time(inputs, seconds):
    until = _now() + seconds
    for arguments in inputs:
        yield arguments
        if _now() > until:
            return


class _Group:
    """What led to one type of exception. The smallest input stands for it."""

    def __init__(self, expected):
        self.expected = expected
        self.count = 0
        self.example = None  # (input, error)

    def add(self, arguments, error):
        self.count += 1
        if not self.example or arguments.size < self.example[0].size:
            self.example = arguments, error


def _try(report, subject, inputs):
    """What it raises, and whether it answers twice alike."""
    groups, unlike, ran = {}, None, 0
    for arguments in inputs:
        report.begin(*report.default)
        seen = observe(subject, arguments)
        ran += 1
        if seen.error is None:
            again = observe(subject, arguments)
            if again.error is None and same(seen.value, again.value):
                report.passed()
                continue
            report.failed()
            if not unlike or arguments.size < unlike[0].size:
                unlike = arguments, seen, again
            continue
        _stop_if_needed(report, seen.error)
        expected = is_rejection(subject, seen.error)
        name = _name(seen.error)
        groups.setdefault((name, expected), _Group(expected)).add(arguments, seen.error)
        if expected:
            report.passed()
        else:
            report.failed()
        if name == "TimeoutError" and groups[name, expected].count == ENDLESS:
            break
    lines = [f"{subject.name}: {ran} inputs"]
    for (name, expected), group in sorted(groups.items(), key=lambda item: item[0][1]):
        arguments, error = group.example
        call = arguments.call(subject)
        message = str(error) if isinstance(error, TooLong) else describe(error)
        wit_world.raised(wit_world.RaisedGroup(name, group.count, call, _text(error), expected))
        count = f"{group.count} of {ran} inputs"
        if expected:
            lines.append(f"  rejects {count}, such as {call}: {message}")
            continue
        lines.append(f"  fails on {count}, such as {call}: {message}")
        message = f"{message}\non {call}, the smallest of {count}"
        report.problem(Outcome.FAILED, message, error=error)
    if unlike:
        arguments, *seen = unlike
        answers = " and ".join(_answer(it) for it in seen)
        message = f"answers the same input differently: {arguments.call(subject)} {answers}"
        lines.append(f"  {message}")
        report.problem(Outcome.FAILED, message)
    print("\n".join(lines))


def _compare(report, subject, older, inputs):
    """Whether both versions do the same. `inputs` are the new one's."""
    found, ran, unfit, unsteady = [], 0, 0, 0
    for number, arguments in enumerate(inputs):
        report.begin(*report.default)
        if not arguments.fits(older):
            unfit += 1
            continue
        new = observe(subject, arguments, seed=number)
        old = observe(older, arguments, seed=number)
        _stop_if_needed(report, new.error)
        _stop_if_needed(report, old.error)
        different = differences(old, new)
        if different and differences(old, observe(older, arguments, seed=number)):
            unsteady += 1  # not even the older version does the same twice
            continue
        ran += 1
        if different:
            report.failed()
            found.append((arguments.size, ran, arguments.call(subject), different, new.error))
        else:
            report.passed()
    print(f"{subject.name}: {ran} inputs, {len(found)} with another behaviour")
    if not ran:
        reason = "takes other arguments than before" if unfit else "never does the same twice"
        report.problem(Outcome.NOT_RUNNABLE, f"cannot compare: {subject.name} {reason}")
    for _, _, call, different, error in sorted(found, key=lambda it: it[:2])[:1]:
        message = f"{call} {'; '.join(different)}\nthe smallest of {len(found)} differences on {ran} inputs"
        report.problem(Outcome.FAILED, message, error=error)
    for _, _, call, different, _ in sorted(found, key=lambda it: it[:2])[:DIFFERENCES]:
        print(f"  {call} {'; '.join(different)}")


def _stop_if_needed(report, error):
    """Ends it all when the sandbox is the cause of an exception."""
    if error is None or isinstance(error, TooLong | MemoryError):
        return
    outcome, reason = judge(error)
    if outcome:
        report.problem(outcome, reason, error=error)
        raise _Stopped


def _answer(seen):
    return f"raises {describe(seen.error)}" if seen.error else f"returns {shown(seen.value)}"


def _name(error):
    if isinstance(error, TooLong):
        return "TimeoutError"
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _text(error):
    try:
        return str(error)
    except Exception:
        return ""
