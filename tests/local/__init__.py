"""Tests of the verbs of a server in this process."""
