"""Runs a function on generated inputs: alone, or side by side with an older version of itself."""

import itertools
import sys
import time
import traceback
import types
import warnings

import wit_world
from wit_world import Outcome

from . import objects, own_builtins, recorded, workspace
from .compare import differences, same
from .inputs import CannotGenerate
from .laws import Laws
from .observe import Seen, TooLong, built, clock, observe, pickled
from .report import Report, describe, judge, locate
from .shown import shown
from .subject import NoSubject, Subject, is_rejection

DIFFERENCES = 3  # that are told of one comparison
RESULTS = 100  # different ones that are counted
ENOUGH = 100  # generated inputs with objects, if more would take longer than this:
SOON = 1.0  # seconds
RECORDING = 0.25  # of the time, at most, for tests whose calls are recorded
ENDLESS = 3  # calls that do not end, after which no more are tried
_now = time.monotonic  # whatever the code does to `time`


def run(request):
    report = Report(request.path)
    try:
        module = workspace.load(request.path)
        subject = Subject(module, request.function, request.against)
        if subject.owner:
            objects.learn(subject.owner, request.calls)
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
        with warnings.catch_warnings(action="ignore"), clock:
            inputs = subject.inputs(max(1, min(request.count, 10_000)), request.seed)
            seconds = request.millis / 1000
            until = _now() + seconds
            if older:
                calls = recorded.calls(request, older, seconds * RECORDING)
                inputs = _in_time(itertools.chain(calls, inputs), until, len(calls) + ENOUGH)
                _compare(report, subject, older, inputs)
            else:
                _try(report, subject, _in_time(inputs, until))
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


def _in_time(inputs, until, enough=None):
    """As many as there is time for; of those with objects, which take longer, no more after `SOON` from
    so many on that are enough."""
    soon = _now() + SOON
    for number, arguments in enumerate(inputs, 1):
        yield arguments
        now = _now()
        is_enough = enough and number >= enough and arguments.has_objects
        if now > until or is_enough and now > soon:
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
    laws = Laws(subject)
    for arguments in inputs:
        report.begin(*report.default)
        seen = _once(subject, arguments)
        ran += 1
        laws.try_(arguments, ran)
        if seen.error is None:
            again = _once(subject, arguments)
            if again.error is None and same(seen.value, again.value):
                report.passed()
                continue
            report.failed()
            if not unlike or arguments.size < unlike[0].size:
                unlike = arguments, seen, again
            continue
        _stop_if_needed(report, seen.error)
        laws.crashed(seen.error, arguments.call(subject), arguments.size)
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
    for law in laws.tell():
        _, call, message = law.example
        lines.append(f"  breaks a law: {law.sentence[0].lower()}{law.sentence[1:]}; {call} {message}")
        report.failed()
        report.problem(Outcome.FAILED, f"{call} {message}")
    print("\n".join(lines))


def _once(subject, arguments, seed=None):
    """What comes of one call; also where its arguments cannot be made."""
    try:
        values = built(subject, arguments, seed)
    except BaseException as error:
        return Seen(error)
    return observe(subject, arguments, values, seed)


def _compare(report, subject, older, inputs):
    """Whether both versions do the same."""
    found, why_not = [], {}
    ran = {False: 0, True: 0}  # recorded → inputs
    returned, results = 0, set()
    for number, arguments in enumerate(_until_none_can_be_made(inputs, ran)):
        report.begin(*report.default)
        arguments, different, old, new = _both(report, subject, older, arguments, number)
        if arguments is None:
            why_not[different] = why_not.get(different, 0) + 1
            continue
        ran[arguments.is_recorded] += 1
        if old.error is None:
            returned += 1
            if len(results) < RESULTS:
                results.add((shown(old.value), old.printed, *map(shown, old.arguments.values())))
        if different:
            report.failed()
            found.append((arguments.size, number, arguments.call(subject), different, new.error))
        else:
            report.passed()
    generated, recorded = ran[False], ran[True]
    kinds = [(generated, "generated"), (recorded, "recorded")]
    inputs = " and ".join(f"{many} {kind}" for many, kind in kinds if many) or "no"
    inputs += " input" if generated + recorded == 1 else " inputs"
    count = {0: "no difference", 1: "a difference"}.get(len(found), f"{len(found)} differences")
    print(f"{subject.name}: {count} in {inputs}")
    if not generated + recorded:
        reason = max(why_not, key=why_not.get, default="is never called")
        report.problem(Outcome.NOT_RUNNABLE, f"cannot compare: {subject.name} {reason}")
    found.sort(key=lambda it: it[:2])
    for _, _, call, different, error in found[:1]:
        message = f"{call} {'; '.join(different)}\nthe smallest of {count} in {inputs}"
        report.problem(Outcome.FAILED, message, error=error)
    for _, _, call, different, _ in found[:DIFFERENCES]:
        print(f"  {call} {'; '.join(different)}")
    wit_world.compared(wit_world.Comparison(generated, recorded, returned, len(results)))


def _both(report, subject, older, arguments, seed):
    """The arguments, what is different, and what the two versions did; or no arguments, and why not."""
    if not arguments.fits(older) or not arguments.fits(subject):
        return None, "takes other arguments than before", None, None
    alike = _alike(subject, older, arguments, seed)
    if alike is None:
        return None, "never gets the same twice", None, None
    arguments, new, old = alike
    _stop_if_needed(report, new.error)
    _stop_if_needed(report, old.error)
    if arguments.is_made_up and old.error is not None:
        return None, "fails on whatever its objects may hold", None, None
    different = differences(old, new)
    if different and not _is_steady(subject, older, arguments, seed, old):
        return None, "never does the same twice", None, None
    return arguments, different, old, new


def _until_none_can_be_made(inputs, ran):
    """Raises `CannotGenerate` only where nothing else was there to compare with."""
    try:
        yield from inputs
    except CannotGenerate as error:
        if not any(ran.values()):
            raise
        print(f"cannot generate inputs for {error}")


def _alike(new, old, arguments, seed):
    """What both versions do with arguments that are the same: else with those of the older one, copied.
    None where that cannot be."""
    try:
        of_old = built(old, arguments, seed)
    except TooLong:
        return None
    except BaseException:  # what makes them may be what has changed
        return arguments, _once(new, arguments, seed), _once(old, arguments, seed)
    of_new = _like(of_old, new, arguments, seed)
    if of_new is None:
        try:
            arguments = arguments.copy(pickled(old, of_old))
        except BaseException:
            return None
        of_new = _like(of_old, new, arguments, seed)
    if of_new is None:
        return None
    return arguments, observe(new, arguments, of_new, seed), observe(old, arguments, of_old, seed)


def _like(of_old, new, arguments, seed):
    """The values for the new version, if they are like those of the old one."""
    try:
        of_new = built(new, arguments, seed)
        return of_new if not arguments.has_objects or same(of_old, of_new) else None
    except BaseException:
        return None


def _is_steady(new, old, arguments, seed, seen):
    """Whether the older version does again what it was seen to do, and the new one something else."""
    again = _once(old, arguments, seed)
    return not differences(seen, again) and bool(differences(again, _once(new, arguments, seed)))


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
