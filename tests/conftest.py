"""Settings of the whole suite."""

import os

from hypothesis import settings

# Explore at the desk, repeat in CI: a push must not fail by chance, nor on a slow machine.
settings.register_profile("desk", deadline=None)
settings.register_profile(
    "ci", deadline=None, derandomize=True, database=None, print_blob=True, max_examples=50
)
settings.load_profile("ci" if os.environ.get("CI") else "desk")

# A project of its own: tests/testing/test_plugin_downstream.py installs and runs it.
collect_ignore = ["downstream"]
