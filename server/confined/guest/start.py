"""What the interpreter is started with: takes over the channel, and runs what is asked for.

Everything here runs in the project's own interpreter, of Python 3.8 or later, with nothing but the
standard library and the project's own pytest.
"""

import json
import os
import sys


class Channel:
    """Lines of JSON to the warden, each with the number that nobody else was told."""

    def __init__(self, descriptor):
        # Out of the way of programs that close or use low numbers; no program inherits it.
        import fcntl

        self.descriptor = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 200)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, descriptor)
        os.close(null)
        # Forks share it; what they say is not what this process says.
        self.process = os.getpid()
        os.register_at_fork(after_in_child=self.close)
        self.nonce = None
        self._write, self._dumps, self._getpid = os.write, json.dumps, os.getpid

    def read(self):
        length = int.from_bytes(self._exactly(4), "big")
        told = json.loads(self._exactly(length))
        self.nonce = told.pop("nonce")
        return told

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            part = os.read(self.descriptor, count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def tell(self, event, **fields):
        if self.descriptor is None or self._getpid() != self.process:
            return
        line = self._dumps({"nonce": self.nonce, "event": event, **fields}).encode() + b"\n"
        while line:
            line = line[self._write(self.descriptor, line) :]

    def close(self):
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


def warm(root):
    """Imports pytest before anything is known of the run, so that the next one need not wait for it.
    Nothing of the workspace is imported. Returns the modules that are new."""
    import importlib
    import importlib.util

    before = set(sys.modules)
    path = sys.path[:]
    sys.path[:] = [it for it in path if it != root and not it.startswith(root + "/")]
    try:
        if importlib.util.find_spec("pytest") is not None:
            import pytest  # noqa: F401
            from _pytest.config import default_plugins

            for name in default_plugins:
                importlib.import_module("_pytest." + name)
        import multiprocessing.connection  # noqa: F401
    except Exception:  # it is said when it is wanted
        pass
    finally:
        sys.path[:] = path
    sys.path_importer_cache.clear()
    return set(sys.modules) - before


def forget_hidden(root, modules):
    """Forgets those of the modules that modules of the workspace hide, which come first in an ordinary run."""
    folders = [root, *(it for it in sys.path if it.startswith(root + "/"))]
    entries = set()
    for folder in folders:
        if os.path.isdir(folder):
            entries.update(os.listdir(folder))
    tops = {it.partition(".")[0] for it in modules}
    hidden = {it for it in tops if it in entries or it + ".py" in entries}
    if hidden & {"_pytest", "pytest", "pluggy", "iniconfig", "packaging"}:
        hidden |= {"_pytest", "pytest", "pluggy", "iniconfig", "packaging"}
    for name in modules:
        if name.partition(".")[0] in hidden:
            sys.modules.pop(name, None)


def main():
    channel = Channel(0)
    root = os.getcwd()
    warmed = warm(root)
    told = channel.read()
    forget_hidden(root, warmed)
    folder = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [it for it in sys.path if it != folder]
    sys.path.insert(0, folder)
    import tantu_runner

    # What is imported later is the workspace's.
    sys.path.remove(folder)
    status = tantu_runner.run(channel, told)
    sys.stdout.flush()
    sys.stderr.flush()
    return status


if __name__ == "__main__":
    sys.exit(main())
