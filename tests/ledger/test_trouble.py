"""What goes wrong while adding and asking, and how that is told."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mockdock.errors import LedgerError
from mockdock.ledger import Entry, Ledger, Said, Seeds
from mockdock.ledger import store as module
from tests.ledger.helpers import EVER, NOON, count, exchange, talk

PATIENCE = 30.0


def fill(ledger: Ledger, pages: int = 0) -> None:
    """Make the disk look full, or give it space again."""
    with ledger._store._use:
        ledger._store._connection.execute(f"PRAGMA max_page_count = {pages or 2**30}")


def no_space(monkeypatch: pytest.MonkeyPatch, write: Callable[[int, Any], int]) -> None:
    monkeypatch.setattr("mockdock.ledger.spool.os.write", write)


def test_a_full_disk_is_told_once_and_nothing_is_lost_that_queues_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LINGER", PATIENCE)
    told: list[str] = []
    path = tmp_path / "a.db"
    with Ledger(path, say=told.append) as ledger:
        fill(ledger, 1)
        for number in range(5):
            talk(ledger, Said("human", "x" * 5000), thread=str(number))
        for _ in range(2):
            assert not ledger._store._written()
            with pytest.raises(LedgerError, match="disk is full"):
                ledger.usage("p", EVER)
        talk(ledger, thread="later")
        assert told == [f"{path}: cannot be written: database or disk is full; trying again"]
        fill(ledger)
        assert count(ledger) == 6
        assert told[1:] == [f"{path}: is written again"]
        assert ledger.threads("p", limit=9).total == 6


def test_what_does_not_fit_while_the_disk_is_full_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_LINGER", PATIENCE)
    monkeypatch.setattr(module, "_MOST", 3)
    told: list[str] = []
    with Ledger(say=told.append) as ledger:
        fill(ledger, 1)
        for _ in range(3):
            talk(ledger, Said("human", "x" * 500_000))
        for _ in range(10):
            ledger.add(exchange())
        fill(ledger)
        kept = count(ledger)
        assert kept < 13
        assert told == [
            "the ledger: cannot be written: database or disk is full; trying again",
            "the ledger: cannot be written, and its queue is full; exchanges are dropped",
            "the ledger: is written again",
            f"the ledger: {13 - kept} exchanges were dropped",
        ]


def test_the_thread_tries_again_until_the_disk_has_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LINGER", 0.001)
    monkeypatch.setattr(module, "_AGAIN", 0.001)
    tried, again = threading.Event(), threading.Event()

    def say(text: str) -> None:
        (again if text.endswith("is written again") else tried).set()

    with Ledger(say=say) as ledger:
        fill(ledger, 1)
        talk(ledger, Said("human", "x" * 500_000))
        assert tried.wait(PATIENCE)
        fill(ledger)
        assert again.wait(PATIENCE)
        assert count(ledger) == 1


def test_what_a_full_disk_keeps_out_at_the_end_waits_in_the_spool(tmp_path: Path) -> None:
    told: list[str] = []
    path = tmp_path / "a.db"
    ledger = Ledger(path, say=told.append)
    fill(ledger, 1)
    talk(ledger, Said("human", "x" * 500_000))
    ledger.close()
    assert told[-1] == f"{path}: 1 exchanges could not be written, and wait in its spool"
    with Ledger(path, say=told.append) as ledger:
        assert count(ledger) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_what_memory_cannot_take_at_the_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LINGER", PATIENCE)
    told: list[str] = []
    with Ledger(say=told.append) as ledger:
        fill(ledger, 1)
        talk(ledger, Said("human", "x" * 500_000))
    assert told[-1] == "the ledger: 1 exchanges could not be written, and are lost"


@pytest.mark.parametrize("written", [0, 9], ids=["nothing", "a part"])
def test_a_spool_that_cannot_be_written_is_told_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    """A line that was cut off does not spoil the next one."""
    monkeypatch.setattr(module, "_LINGER", PATIENCE)
    real = os.write

    def part(file: int, line: bytes) -> int:
        if not written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(file, line[:written])

    told: list[str] = []
    path = tmp_path / "a.db"
    with Ledger(path, say=told.append) as ledger:
        ledger.add(exchange(input_tokens=1))
        with monkeypatch.context() as patched:
            no_space(patched, part)
            ledger.add(exchange(input_tokens=10))
            ledger.add(exchange(input_tokens=20))
        ledger.add(exchange(input_tokens=100))
        lines = (tmp_path / "a.db-spool0").read_bytes().splitlines()
        assert [line for line in lines if line.endswith(b"[],[]]")] == [lines[1], lines[-1]]
        assert ledger.usage("p", EVER).total.total_input_tokens == 131
    (said,) = told
    assert said.startswith(f"{path}: its spool cannot be written: ")
    assert "lost if the process dies" in said


def test_a_callback_that_raises_does_no_harm() -> None:
    def say(text: str) -> None:
        raise RuntimeError(text)

    with Ledger(say=say) as ledger:
        ledger.add(exchange(input_tokens=-1))
        assert count(ledger) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"input_tokens": -1},
        {"output_tokens": 10**13},
        {"input_tokens": 10**30},
        {"duration_ms": float("nan")},
        {"ttft_ms": float("inf")},
        {"cost": float("-inf")},
        {"started_us": -1},
        {"started_us": None},
        {"cost": "much"},
        {"label": {"a": 1}},
    ],
)
def test_an_exchange_that_cannot_be_is_told_and_holds_up_no_other(fields: dict[str, Any]) -> None:
    told: list[str] = []
    with Ledger(say=told.append) as ledger:
        ledger.add(exchange())
        talk(ledger, Said("human", "a"), thread="bad", **fields)
        ledger.add(exchange())
        assert count(ledger) == 2
        assert ledger.thread("p", "bad") is None
    (said,) = told
    assert said.startswith("the ledger: an exchange with 'gpt-4o' cannot be kept: ")


def test_a_question_that_cannot_be_asked_is_an_error_of_ours() -> None:
    with Ledger() as ledger:
        with pytest.raises(LedgerError, match="too large"):
            ledger.threads("p", limit=10**30)
        with pytest.raises(LedgerError, match="surrogates"):
            ledger.thread("p", "\ud800")


def test_a_transaction_that_fails_changes_nothing() -> None:
    def entries() -> Iterator[Entry]:
        yield exchange()
        raise ZeroDivisionError

    with Ledger() as ledger:
        with pytest.raises(ZeroDivisionError):
            ledger.seed("x", Seeds(entries=entries()))
        with ledger._store.reading() as connection:
            assert connection.execute("SELECT count(*) FROM seeded").fetchone() == (0,)


def test_what_sqlite_says_of_a_query_is_told() -> None:
    with Ledger() as ledger:
        ledger.add(exchange(started_us=NOON))
        ledger.flush()
        ledger._store._connection.execute("DROP TABLE exchange")
        with pytest.raises(LedgerError, match="the ledger: no such table: exchange") as caught:
            ledger.usage("p", EVER)
        assert isinstance(caught.value.__cause__, sqlite3.Error)
