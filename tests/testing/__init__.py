"""Tests of what a test holds: the Python API and the pytest plugin."""
