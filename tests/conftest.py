"""Settings of the whole suite."""

import os

from hypothesis import settings

# Explore at the desk, repeat in CI: a push must not fail by chance.
settings.register_profile("ci", derandomize=True, database=None, print_blob=True)
if os.environ.get("CI"):
    settings.load_profile("ci")
