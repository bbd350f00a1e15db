"""Fetches packages of the project's environment while they are being imported."""

import importlib.abc
import importlib.machinery
import sys

import wit_world

from . import workspace


class Provider(importlib.abc.MetaPathFinder):
    """Asks the host for what is nowhere else. Environments are large, and most of what is in them is
    never imported, so the guest sees only what somebody has asked for."""

    def __init__(self):
        self.asked = set()

    def find_spec(self, name, path=None, target=None):
        if path is not None or name in self.asked or name in sys.stdlib_module_names:
            return None
        self.asked.add(name)
        if workspace.SITE not in sys.path or not wit_world.provide(name):
            return None
        sys.path_importer_cache.pop(workspace.SITE, None)
        return importlib.machinery.PathFinder.find_spec(name, [workspace.SITE])
