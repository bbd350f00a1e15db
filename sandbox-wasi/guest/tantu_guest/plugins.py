"""The pytest of the project's environment, and its plugins.

The one that is part of the snapshot starts at once, but tests may need what only their own version has
or lacks. It is used where the environment has that very version, has none, or one that does not run here.
"""

import contextlib
import importlib
import importlib.metadata
import re
import sys
import types

import pytest

from . import own_builtins, workspace

_PACKAGES = ("_pytest", "iniconfig", "pluggy", "pytest")
# Older ones know neither this interpreter nor the hooks that report.
_OLDEST = (8, 2)
# What needs processes, signals or a terminal, and what measures by files of its own.
UNSUITED = {
    "codspeed", "instafail", "pytest-sugar", "pytest_cov", "randomly", "rerunfailures", "sugar", "timeout",
    "xdist", "xdist.looponfail",
}


def own_pytest():
    """Puts the environment's pytest in the place of ours. Returns whether it did."""
    version = _version("pytest")
    number = tuple(int(it) for it in re.findall(r"\d+", version or "")[:2])
    if version in (None, pytest.__version__) or number < _OLDEST:
        return False
    ours = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in _PACKAGES}
    for name in ours:
        del sys.modules[name]
    sys.meta_path.insert(0, own_builtins.Finder)
    try:
        importlib.import_module("pytest")
        importlib.import_module("_pytest.config")
    except Exception:  # what does not run here
        for name in [it for it in sys.modules if it.partition(".")[0] in _PACKAGES]:
            del sys.modules[name]
        sys.modules.update(ours)
        return False
    finally:
        sys.meta_path.remove(own_builtins.Finder)
    return True


def _version(distribution):
    with contextlib.suppress(Exception):
        found = next(iter(importlib.metadata.distributions(name=distribution, path=[workspace.SITE])), None)
        return found and found.version
    return None


@contextlib.contextmanager
def tolerated(unavailable):
    """Lets pytest load the installed plugins as it does, but for those that cannot be loaded here:
    they are put into `unavailable`, with the reason, and are empty."""
    load = importlib.metadata.EntryPoint.load

    def load_or_leave(entry):
        if entry.group != "pytest11":
            return load(entry)
        try:
            return load(entry)
        except Exception as error:  # whatever the plugin raises
            unavailable[entry.name] = f"cannot be loaded: {error}"
            return types.ModuleType(entry.name)

    importlib.metadata.EntryPoint.load = load_or_leave
    try:
        yield
    finally:
        importlib.metadata.EntryPoint.load = load


def unsuited():
    """The names of the installed plugins that would have no effect here, or a wrong one."""
    return [entry.name for entry in _entries() if entry.name in UNSUITED]


def _entries():
    for distribution in importlib.metadata.distributions(path=[workspace.SITE]):
        with contextlib.suppress(Exception):  # its metadata makes no sense
            yield from (it for it in distribution.entry_points if it.group == "pytest11")
