"""Settings of the whole suite."""

import os
import signal

from hypothesis import settings

# Explore at the desk, repeat in CI: a push must not fail by chance, nor on a slow machine.
settings.register_profile("desk", deadline=None)
settings.register_profile(
    "ci", deadline=None, derandomize=True, database=None, print_blob=True, max_examples=50
)
settings.load_profile("ci" if os.environ.get("CI") else "desk")

# A shell has what it runs in the background ignore Ctrl-C, and so would all we start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A project of its own: tests/testing/test_plugin_downstream.py installs and runs it.
collect_ignore = ["downstream"]
