"""The component's entry: what `componentize-py` imports, freezes and exports."""

import contextlib
import gc
import importlib
import sys

import wit_world
from wit_world import Outcome

from . import own_builtins  # noqa: I001 -- before whatever it is to protect

own_builtins.install()

from . import absent  # noqa: E402

absent.install()

from . import doctests, frozen, generated, packages, platform, pytests, scripts  # noqa: E402
from .lines import Lines  # noqa: E402
from .report import Report  # noqa: E402

frozen.freeze()
platform.patch()
pytests.shorten_start()
pytests.let_go_of_capture()
importlib.invalidate_caches()
sys.path_importer_cache.clear()
sys.meta_path.remove(own_builtins.Finder)
packages.install()
own_builtins.remember()
gc.collect()
gc.freeze()  # the snapshot is never garbage: a run's collections need not walk it


class WitWorld(wit_world.WitWorld):
    def run(self, action, watched, whole):
        platform.thaw()
        try:
            lines = Lines(watched, whole)
            report, status = _perform(action)
            with own_builtins.pristine():
                lines.tell()
        except BaseException as error:  # the code has broken what reports on it
            with own_builtins.pristine():
                report, status = Report(""), 1
                report.problem(Outcome.ERROR, f"cannot tell what came of it: {error!r}")
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # the code may have put anything there
                stream.flush()
        return wit_world.Verdict(report.outcome, status)


def _perform(action):
    match action:
        case wit_world.Action_Script(path):
            return scripts.run_file(path)
        case wit_world.Action_Code(snippet):
            return scripts.run_snippet(snippet)
        case wit_world.Action_Cell(snippet):
            return scripts.run_cell(snippet)
        case wit_world.Action_Doctest(examples):
            return doctests.run(examples.path, examples.name)
        case wit_world.Action_Pytest(targets):
            return pytests.run(targets)
        case wit_world.Action_Generated(inputs):
            return generated.run(inputs)
