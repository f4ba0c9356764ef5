"""Tests of what looks at exchanges."""
