"""Settings of the whole suite."""

import os

from hypothesis import settings

# Explore at the desk, repeat in CI: a push must not fail by chance, nor on a slow machine.
settings.register_profile("desk", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")
