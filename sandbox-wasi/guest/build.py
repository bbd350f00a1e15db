#!/usr/bin/env python3
"""Builds the guest: CPython, its standard library and pytest as one WebAssembly component.

Needs Python 3.10 or later with `venv` and `pip`, and a package index. Tools stay in a virtual
environment in the cache directory; a guest that is already built from the same sources is left
alone. Prints the path of the component.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile

GUEST = pathlib.Path(__file__).resolve().parent
SOURCES = ("build.py", "requirements.txt", "tantu_guest/*.py", "wit/*.wit")
BUILDER = "componentize-py"
KEPT = 3


def key():
    """The name of what these sources build: FNV-1a over paths and contents.

    `sandbox-wasi/build.rs` computes the same, so that a binary finds the guest it was written for.
    """
    found = [file for pattern in SOURCES for file in GUEST.glob(pattern)]
    files = {file.relative_to(GUEST).as_posix(): file for file in found}
    value = 0xCBF29CE484222325
    for name in sorted(files):
        for byte in name.encode() + b"\0" + files[name].read_bytes() + b"\0":
            value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def cache_dir():
    home = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(home) / "tantu" / "guest"


def requirements():
    """Splits the pinned requirements into the builder's and the guest's."""
    lines = (GUEST / "requirements.txt").read_text().splitlines()
    pins = [line for line in lines if re.fullmatch(r"[\w.-]+==[\w.]+", line)]
    return [pin for pin in pins if pin.startswith(BUILDER)], [
        pin for pin in pins if not pin.startswith(BUILDER)
    ]


def run(*command):
    """Runs a step; its chatter goes to standard error, where progress belongs."""
    subprocess.run([os.fspath(part) for part in command], check=True, stdout=sys.stderr)


def build(out, cache):
    builder, wheels = requirements()
    environment = cache / "venv"
    scripts = environment / ("Scripts" if os.name == "nt" else "bin")
    if not (scripts / "python").exists() and not (scripts / "python.exe").exists():
        venv.create(environment, with_pip=True)
    python = scripts / "python"
    pip = (python, "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "install", *builder)

    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        scratch = pathlib.Path(scratch)
        run(*pip, "download", "--no-deps", "--only-binary", ":all:", "--dest", scratch, *wheels)
        for wheel in scratch.glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(scratch / "site")
        partial = out.with_suffix(".partial")
        run(
            scripts / BUILDER, "--wit-path", GUEST / "wit", "--world", "guest",
            "componentize", "tantu_guest.app", "--output", partial,
            "--python-path", GUEST, "--python-path", scratch / "site",
        )  # fmt: skip
        # Into place in one step: a build that was cut short must not look like a guest.
        partial.replace(out)


def forget_old_builds(cache):
    """Keeps the newest guests: branches are switched to and fro."""
    guests = sorted(cache.glob("*/tantu-guest.wasm"), key=lambda file: file.stat().st_mtime)
    for guest in guests[:-KEPT]:
        shutil.rmtree(guest.parent)


def main():
    cache = cache_dir()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cache", type=pathlib.Path, default=cache, help=f"default: {cache}")
    parser.add_argument("--out", type=pathlib.Path, help="copy the component to this file")
    parser.add_argument("--force", action="store_true", help="build even if it is there")
    arguments = parser.parse_args()

    component = arguments.cache / key() / "tantu-guest.wasm"
    if arguments.force or not component.exists():
        arguments.cache.mkdir(parents=True, exist_ok=True)
        try:
            build(component, arguments.cache)
            forget_old_builds(arguments.cache)
        except subprocess.CalledProcessError as error:
            sys.exit(f"cannot build the guest: {error.cmd[0]} ended with status {error.returncode}")
    if arguments.out:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(component, arguments.out)
    print(arguments.out or component)


if __name__ == "__main__":
    main()
