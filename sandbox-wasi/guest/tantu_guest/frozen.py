"""Keeps the standard library and pytest inside the memory snapshot.

The interpreter's library directory exists only while the component is built. In the finished
component an import is answered by `sys.modules`, by the workspace, or by the finder below, which
holds the compiled code of every module in memory.
"""

import argparse
import importlib
import importlib.abc
import importlib.machinery
import marshal
import os
import sys
import warnings

from . import own_builtins

# Left out: what no code under test imports, and what needs a terminal, a display or a compiler.
LEFT_OUT = {
    "__phello__", "__pycache__", "antigravity", "ensurepip", "idlelib", "lib2to3", "pydoc_data",
    "site-packages", "test", "tests", "this", "tkinter", "turtle", "turtledemo", "venv",
}
PYGMENTS_LEFT_OUT = {"filters", "lexers", "styles"}
WHEELS = ("_pytest", "iniconfig", "packaging", "pluggy", "pygments", "pytest")

# Imported once, at build time; the others are compiled, but imported only when a run asks.
IMPORTED = """
    __future__ _strptime abc annotationlib argparse array ast asyncio base64 bisect calendar cmath
    code codeop collections collections.abc concurrent.futures configparser contextlib contextvars
    copy csv dataclasses datetime decimal difflib dis doctest email.message encodings.ascii
    encodings.cp1252 encodings.idna encodings.latin_1 encodings.utf_16 enum fnmatch fractions
    functools getpass gettext glob graphlib gzip hashlib heapq hmac html html.parser http.client
    importlib.metadata importlib.resources inspect io ipaddress itertools json locale logging math
    mimetypes numbers opcode operator os pathlib pdb pickle pkgutil platform pprint queue random re
    runpy sched secrets select selectors shlex shutil signal socket sqlite3 statistics string
    string.templatelib struct subprocess symtable sysconfig tempfile textwrap threading time timeit
    tokenize tomllib trace traceback types typing unicodedata unittest unittest.mock urllib.parse
    urllib.request uuid weakref xml.etree.ElementTree zipfile zlib
    pytest _pytest.assertion.rewrite pygments.formatters.terminal pygments.lexers.python
""".split()


class Frozen(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports modules from memory. Asked last, so that the workspace's own modules come first."""

    def __init__(self):
        self.modules = {}  # name → (is a package, file name, marshalled code)

    def add(self, root, package="", left_out=frozenset()):
        """Compiles each module under the directory `root`, whose dotted name is `package`."""
        for folder, folders, files in os.walk(root):
            folders[:] = [name for name in folders if name not in left_out and "." not in name]
            parts = [part for part in os.path.relpath(folder, root).split(os.sep) if part != "."]
            parent = [package, *parts] if package else parts
            for file in files:
                stem, suffix = os.path.splitext(file)
                is_package = stem == "__init__"
                name = ".".join(parent if is_package else [*parent, stem])
                if suffix != ".py" or not name or name in left_out:
                    continue
                path = os.path.join(folder, file)
                with open(path, "rb") as source:
                    code = compile(source.read(), path, "exec", dont_inherit=True)
                self.modules.setdefault(name, (is_package, path, marshal.dumps(code)))

    def find_spec(self, name, path=None, target=None):
        if name not in self.modules:
            return None
        is_package, file, _ = self.modules[name]
        spec = importlib.machinery.ModuleSpec(name, self, origin=file, is_package=is_package)
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [os.path.dirname(file)]
        return spec

    def get_code(self, name):
        return marshal.loads(self.modules[name][2])

    def get_source(self, name):
        return None  # tracebacks through the library show no source, as with any frozen module

    def is_package(self, name):
        return self.modules[name][0]

    def exec_module(self, module):
        if own_builtins.is_protected(module.__name__):
            own_builtins.protect(module)
        super().exec_module(module)


def freeze():
    """Compiles everything, and imports what most runs will."""
    finder = Frozen()
    # Not that of `os`, which the interpreter itself holds and whose file name is made up.
    finder.add(os.path.dirname(argparse.__file__), left_out=LEFT_OUT)
    for wheel in WHEELS:
        root = next(
            folder
            for folder in (os.path.join(entry, wheel) for entry in sys.path)
            if os.path.isdir(folder)
        )
        left_out = PYGMENTS_LEFT_OUT if wheel == "pygments" else frozenset()
        finder.add(root, wheel, left_out)
    sys.meta_path.append(finder)

    with warnings.catch_warnings(action="ignore"):
        for name in IMPORTED:
            importlib.import_module(name)
        from _pytest.config import default_plugins

        for name in default_plugins:
            importlib.import_module(f"_pytest.{name}")
