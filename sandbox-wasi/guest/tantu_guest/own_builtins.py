"""Gives our modules and pytest builtins of their own.

A test that replaces `len` or `isinstance` in `builtins` must not decide what is reported of it. A
module's functions look up builtins in what `__builtins__` was when the module was executed, so these
modules get a copy. The standard library, which reporting also uses, has the shared ones; for a moment
they are put back.
"""

import builtins
import importlib.machinery
import sys

_SHARED = vars(builtins)
_OWN = dict(_SHARED)
_PROTECTED = ("tantu_guest.", "_pytest.", "pluggy.")
_REPORTING = ("_pytest", "pluggy", "linecache", "textwrap", "traceback")
# Has the host's functions, or finds what has.
_HIDDEN = ("tantu_guest", "wit_world", "componentize_py_")
_original = {}


def is_protected(module):
    return module.startswith(_PROTECTED)


def protect(module):
    """To be called before the module is executed."""
    module.__dict__["__builtins__"] = _OWN


class Loader(importlib.machinery.SourceFileLoader):
    def exec_module(self, module):
        protect(module)
        super().exec_module(module)


class Finder:
    """Finds the protected modules while the snapshot is made."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if not is_protected(name):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = Loader(spec.loader.name, spec.loader.path)
        return spec


def install():
    sys.meta_path.insert(0, Finder)


def remember():
    """What `builtins` holds in the snapshot."""
    _original.update(_SHARED)


def hide():
    """Lets code under test find neither our modules nor the host's functions by a name. To be called
    when all of them are loaded: they have each other."""
    for name in [*sys.modules]:
        if name.startswith(_HIDDEN):
            # What is part of the interpreter would only be made again.
            sys.modules[name] = None
            if name not in sys.builtin_module_names:
                del sys.modules[name]


class contained:
    """Undoes what a test does to builtins, and to the modules that run it, and does not undo itself.
    What fixtures have done before stays; so does what is new."""

    def __enter__(self):
        self.builtins = _SHARED.copy()
        self.modules = {
            name: module
            for name, module in sys.modules.items()
            if name == "pytest" or name.startswith(_PROTECTED) or name in _REPORTING
        }

    def __exit__(self, *_):
        for before, now in ((self.builtins, _SHARED), (self.modules, sys.modules)):
            for name, value in before.items():
                if now.get(name, _original) is not value:
                    now[name] = value


class pristine:
    """Python's own builtins, whatever the code has done to them. Uses none itself."""

    def __enter__(self):
        self.replaced = {}
        for name, value in _original.items():
            # `_original` stands for what was deleted.
            current = _SHARED.get(name, _original)
            if current is not value:
                self.replaced[name] = current
                _SHARED[name] = value

    def __exit__(self, *_):
        for name, value in self.replaced.items():
            if value is _original:
                del _SHARED[name]
            else:
                _SHARED[name] = value
