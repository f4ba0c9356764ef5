"""How the command line begins."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator

import pytest

import mockdock.__main__ as module
from mockdock import cli


@pytest.fixture(autouse=True)
def thresholds() -> Iterator[None]:
    """Leave this process as it was."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_imports_are_not_looked_through_for_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few thousand objects are no reason to look; nothing is kept for ever, either."""
    known: list[weakref.ref[type]] = []

    def run() -> None:
        known.append(weakref.ref(type("Cycle", (), {})))
        kept = [[each] for each in range(5_000)]
        assert known[0]() is not None
        gc.collect()
        assert known[0]() is None
        assert len(kept) == 5_000

    gc.collect()
    monkeypatch.setattr(cli, "main", run)
    module.main()
    assert known


def test_a_module_that_is_run_is_the_command() -> None:
    """As the script that is installed does."""
    told = subprocess.run(
        [sys.executable, "-m", "mockdock", "--version"], check=True, capture_output=True, text=True
    )
    assert told.stdout.startswith("mockdock ")
