"""Imports of a command that brings much along."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from mockdock.cli.importing import importing


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    """Leave the collector as it was."""
    enabled = gc.isenabled()
    yield
    gc.unfreeze()
    (gc.enable if enabled else gc.disable)()


@pytest.mark.parametrize("enabled", [True, False])
def test_garbage_is_looked_for_as_before_afterwards(enabled: bool) -> None:
    (gc.enable if enabled else gc.disable)()
    with importing():
        assert not gc.isenabled()
    assert gc.isenabled() is enabled


def test_what_is_there_by_then_is_not_looked_at_again() -> None:
    gc.unfreeze()
    with importing():
        made: list[list[int]] = [[]]
    assert gc.get_freeze_count() > 0
    assert not any(each is made for each in gc.get_objects())
