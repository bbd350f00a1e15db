"""The component's entry: what `componentize-py` imports, freezes and exports."""

import gc
import importlib
import sys

import wit_world

from . import doctests, frozen, platform, pytests, scripts

frozen.freeze()
platform.patch()
pytests.shorten_start()
importlib.invalidate_caches()
sys.path_importer_cache.clear()
gc.collect()
gc.freeze()  # the snapshot is never garbage: a run's collections need not walk it


class WitWorld(wit_world.WitWorld):
    def run(self, action):
        platform.thaw()
        match action:
            case wit_world.Action_Script(path):
                report, status = scripts.run_file(path)
            case wit_world.Action_Code(snippet):
                report, status = scripts.run_snippet(snippet)
            case wit_world.Action_Doctest(examples):
                report, status = doctests.run(examples.path, examples.name)
            case wit_world.Action_Pytest(targets):
                report, status = pytests.run(targets)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        return wit_world.Verdict(report.outcome, status)
