"""Stores of every kind, for the suites that all of them must pass."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stores import STORES, Ready, Redis, StoreKind, started


@pytest.fixture(scope="session")
def redis() -> Iterator[Redis]:
    """Run one Redis for all tests; each store takes a namespace of its own."""
    with started() as running:
        yield running


@pytest.fixture(params=STORES, ids=repr)
def store(request: pytest.FixtureRequest) -> Iterator[Ready]:
    """Give a new store of each kind."""
    kind: StoreKind = request.param
    with kind.made(request) as made:
        yield made
