#!/usr/bin/env python3
"""Prints the licences of what is inside the sandbox's guest beside CPython itself: the runtime that
componentize-py links in, and the packages that are frozen into it.

Needs pip and a package index; the packages are those that `sandbox-wasi/guest/requirements.txt` pins.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

REQUIREMENTS = pathlib.Path(__file__).parents[1] / "sandbox-wasi/guest/requirements.txt"
LICENSE = re.compile(r"dist-info/(licenses/)?(.*/)?(LICEN[CS]E|COPYING|NOTICE|AUTHORS)[^/]*$", re.IGNORECASE)


def main():
    pins = [line for line in REQUIREMENTS.read_text().splitlines() if re.fullmatch(r"[\w.-]+==[\w.]+", line)]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download"]
        command += ["--no-deps", "--only-binary", ":all:", "--dest", folder, *pins]
        subprocess.run(command, check=True, stdout=sys.stderr)
        for pin in pins:
            name = pin.partition("==")[0].replace("-", "_")
            (wheel,) = pathlib.Path(folder).glob(f"{name}-*.whl")
            with zipfile.ZipFile(wheel) as archive:
                files = [file for file in archive.namelist() if LICENSE.search(file)]
                if not files:
                    sys.exit(f"{pin} ships no licence: it cannot be shipped")
                texts = [archive.read(file).decode().strip() for file in sorted(files)]
            print(f"{'-' * 80}\n\n{pin.replace('==', ' ')} (in the sandbox's Python)\n\n" + "\n\n".join(texts) + "\n")


if __name__ == "__main__":
    main()
