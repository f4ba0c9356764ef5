"""What ``mockdock serve`` does beside serving."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from mockdock.cli import warming

PATIENCE = 10.0


class _Ranks:
    """A tokenizer that tells when it is loaded."""

    def __init__(self) -> None:
        self.found = threading.Event()
        self.loaded = threading.Event()

    def get(self, name: str) -> _Ranks:
        assert name == "o200k_base"
        self.found.set()
        return self

    def load(self) -> None:
        self.loaded.set()


@pytest.fixture
def ranks(monkeypatch: pytest.MonkeyPatch) -> _Ranks:
    made = _Ranks()
    monkeypatch.setattr(warming, "tokenizer", made.get)
    return made


def watched() -> tuple[Any, list[Any]]:
    """Give an application as far as it is needed, and who watches its journal."""
    watchers: list[Any] = []
    journal = SimpleNamespace(watch=watchers.append, unwatch=watchers.remove)
    return SimpleNamespace(journal=journal), watchers


def test_all_ranks_are_loaded_once_the_first_request_is_answered(
    ranks: _Ranks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warming, "_SOON", PATIENCE)
    app, watchers = watched()
    warming.load_ranks(app)
    assert ranks.found.wait(PATIENCE), "they are read meanwhile"
    assert not ranks.loaded.is_set()
    (tell,) = watchers
    tell("an entry")
    assert ranks.loaded.wait(PATIENCE)
    assert watchers == [], "later entries are shown to nobody"


def test_all_ranks_are_loaded_where_nobody_asks_for_a_while(
    ranks: _Ranks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warming, "_SOON", 0.0)
    app, watchers = watched()
    warming.load_ranks(app)
    assert ranks.loaded.wait(PATIENCE)
    assert watchers == []
