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


def main():
    channel = Channel(0)
    told = channel.read()
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
