"""A Redis for the tests of the shared store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stores import Redis, started


@pytest.fixture(scope="session")
def redis() -> Iterator[Redis]:
    """Run one Redis for all tests that do not stop it; each takes a namespace of its own."""
    with started() as running:
        yield running


@pytest.fixture
def doomed() -> Iterator[Redis]:
    """Run a Redis that the test may stop."""
    with started() as running:
        yield running
