"""Where the workspace lies in the guest, and how its modules are found."""

import contextlib
import importlib
import os
import re
import sys

from . import frozen

ROOT = "/ws"
SITE = "/site"

# The suffixes of extension modules, and of what they are made from.
COMPILED = "(so|pyd|dylib|c|cc|cpp|cxx|pyx|rs|f90)"

# An ordinary interpreter has these before it looks at the workspace, so a file of the same name
# hides nothing; and pytest runs the tests.
NEVER_HIDDEN = {
    *sys.builtin_module_names, "_pytest", "pytest", "_collections_abc", "_sitebuiltins", "abc", "codecs",
    "encodings", "genericpath", "io", "os", "posixpath", "site", "stat", "zipimport",
}


def absolute(path):
    return os.path.join(ROOT, path)


def relative(filename):
    """The path inside the workspace, or None for a file elsewhere."""
    inside = isinstance(filename, str) and filename.startswith(ROOT + "/")
    return filename[len(ROOT) + 1 :] if inside else None


def enter(*folders, last=None):
    """Makes importable what is in `folders`, the root and its `src`, in `last`, and the packages of
    the workspace's environment; in this order."""
    folders = dict.fromkeys([*folders, ROOT, absolute("src")])
    sys.path[:] = [folder for folder in folders if os.path.isdir(folder)]
    _unhide()
    sys.path += [folder for folder in (last, SITE) if folder and folder not in sys.path]


def _unhide():
    """Forgets the library modules of the snapshot that modules of the workspace hide."""
    for folder in sys.path:
        for entry in os.listdir(folder):
            name, suffix = os.path.splitext(entry)
            if name not in sys.modules or name in NEVER_HIDDEN:
                continue
            if suffix == ".py" or os.path.exists(os.path.join(folder, entry, "__init__.py")):
                for module in [*sys.modules]:
                    if module == name or module.startswith(name + "."):
                        del sys.modules[module]


def forget(but):
    """Forgets what was imported from the workspace and its environment, `but` these."""
    for name, module in [*sys.modules.items()]:
        file = getattr(module, "__file__", None)
        if name not in but and isinstance(file, str) and file.startswith((ROOT + "/", SITE + "/")):
            del sys.modules[name]


def contains(module):
    """Whether the top-level `module` is the workspace's own."""
    return any(_has(folder, module) for folder in sys.path if folder != SITE)


def has_installed(module):
    """Whether the top-level `module` is one of the environment's packages."""
    return _has(SITE, module)


def _has(folder, module):
    path = os.path.join(folder, module)
    return os.path.isfile(path + ".py") or os.path.isdir(path)


def is_compiled(module):
    """Whether `module` is there only as something that must be, or has been, compiled."""
    parent, _, name = module.rpartition(".")
    for folder in sys.path:
        folder = os.path.join(folder, *parent.split("."))
        entries = os.listdir(folder) if os.path.isdir(folder) else []
        if any(re.fullmatch(rf"{re.escape(name)}(\.[\w-]+)?\.{COMPILED}", it) for it in entries):
            return True
    return False


def needs_compiled(package):
    """Whether there is a compiled module in the installed package, here an empty file."""
    for _, _, files in os.walk(os.path.join(SITE, package)):
        if any(re.search(r"\.(so|pyd|dylib)$", file) for file in files):
            return True
    return False


def package_of(path):
    """The dotted name of the package that holds the file, and the folder it is imported from."""
    folder, names = os.path.dirname(absolute(path)), []
    while os.path.isfile(os.path.join(folder, "__init__.py")) and folder != ROOT:
        folder, name = os.path.split(folder)
        names.insert(0, name)
    return ".".join(names), folder


def name_of(path):
    """The name that the file's own package gives it, and the folder that this is imported from."""
    package, folder = package_of(path)
    stem = os.path.basename(path).removesuffix(".py")
    return ".".join(part for part in (package, stem) if part and part != "__init__"), folder


def load(path):
    """Imports the file under the name that its own package gives it."""
    name, folder = name_of(path)
    enter(folder)
    return importlib.import_module(name)


@contextlib.contextmanager
def set_aside():
    """Lets the workspace be imported anew, and then forgets that."""
    aside = _imported()
    for name in aside:
        del sys.modules[name]
    path = sys.path[:]
    try:
        yield
    finally:
        for name in _imported():
            del sys.modules[name]
        sys.modules.update(aside)
        # What was imported from elsewhere in the workspace can be found again, after all else.
        sys.path[:] = [*path, *(it for it in sys.path if it.startswith(ROOT) and it not in path)]


def _imported():
    return {
        name: module
        for name, module in list(sys.modules.items())
        if relative(getattr(module, "__file__", None)) is not None
    }
