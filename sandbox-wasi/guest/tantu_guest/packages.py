"""Fetches packages of the project's environment while they are being imported."""

import importlib.abc
import importlib.machinery
import sys

import wit_world

from . import refusals, workspace


class Unimportable(ImportError):
    """An installed package that does not know this platform."""


class _Loader(importlib.machinery.SourceFileLoader):
    def exec_module(self, module):
        try:
            super().exec_module(module)
        except (AttributeError, NotImplementedError, OSError) as error:
            # Who can do without it expects this, and nothing else.
            message = f"{module.__name__}, which cannot be imported in the sandbox: {error}"
            raise Unimportable(message, name=module.__name__) from error
        except ImportError:
            # Whoever is in between may make anything of it, such as an exit status.
            if workspace.needs_compiled(module.__name__):
                refusals.note_absence(module.__name__)
            raise


class Installed(importlib.abc.MetaPathFinder):
    """Finds packages of the environment as ever, and makes an ImportError of what they raise."""

    def find_spec(self, name, path=None, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name) if path is None else None
        return _checked(spec) if spec and (spec.origin or "").startswith(workspace.SITE + "/") else None


def _checked(spec):
    if spec and type(spec.loader) is importlib.machinery.SourceFileLoader:
        spec.loader = _Loader(spec.loader.name, spec.loader.path)
    return spec


def install():
    """Done once, when the snapshot is taken."""
    at = sys.meta_path.index(importlib.machinery.PathFinder)
    sys.meta_path.insert(at, Installed())
    sys.meta_path.append(Provider())


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
        return _checked(importlib.machinery.PathFinder.find_spec(name, [workspace.SITE]))
