"""Tests of a Django project, as its own runner (`manage.py test`) would have them.

The confined runner has this file too, in the project's own interpreter: it needs nothing of ours, and
Python 3.8.
"""

import importlib.util
import os
import re

_PROGRAMS = ("manage.py", "runtests.py")
_SETTINGS = re.compile(r"""DJANGO_SETTINGS_MODULE['"]\s*(?:,|\]\s*=)\s*['"]([\w.]+)['"]""")


def prepare(root):
    """Names the settings that the project's programs name. Returns a plugin for pytest where the project
    has no pytest-django, which does the same."""
    settings = _settings(root)
    if settings is None or importlib.util.find_spec("django") is None:
        return None
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings)
    return None if importlib.util.find_spec("pytest_django") else Django()


def _settings(root):
    for program in _PROGRAMS:
        try:
            with open(os.path.join(root, program), encoding="utf-8") as file:
                found = _SETTINGS.search(file.read(1 << 16))
        except (OSError, UnicodeDecodeError):
            continue
        if found:
            return found.group(1)
    return None


class Django:
    """Sets the project up before its tests are imported, and makes the databases of the tests."""

    def __init__(self):
        self.runner = self.databases = None

    def pytest_configure(self, config):
        import django
        from django.conf import settings
        from django.test.utils import get_runner

        django.setup()
        self.runner = get_runner(settings)(verbosity=0, interactive=False)
        self.runner.setup_test_environment()

    def pytest_collection_finish(self, session):
        if session.items:
            self.databases = self.runner.setup_databases()

    def pytest_sessionfinish(self, session):
        if self.databases is not None:
            self.runner.teardown_databases(self.databases)
            self.databases = None

    def pytest_unconfigure(self, config):
        if self.runner is not None:
            self.runner.teardown_test_environment()
            self.runner = None
