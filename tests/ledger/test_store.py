"""Adding: what queues up, what is forgotten, who may use it."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mockdock.errors import LedgerError, MockdockError
from mockdock.ledger import Ledger, Said, rows
from mockdock.ledger import store as module
from tests.ledger.helpers import EVER, count, exchange, talk

PATIENCE = 30.0


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "mockdock ledger"]


def test_a_thread_writes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    written = threading.Event()
    put = rows.put

    def noted(*args: Any) -> list[str]:
        refused = put(*args)
        if threading.current_thread().name == "mockdock ledger":
            written.set()
        return refused

    monkeypatch.setattr(module, "put", noted)
    monkeypatch.setattr(module, "_LINGER", 0.001)
    with Ledger() as ledger:
        for _ in range(3):
            written.clear()
            ledger.add(exchange())
            assert written.wait(PATIENCE)
        assert count(ledger) == 3


def test_no_thread_is_there_before_the_first_entry_and_after_the_end(tmp_path: Path) -> None:
    before = threads()
    for path in (None, tmp_path / "a.db"):
        ledger = Ledger(path)
        assert threads() == before
        ledger.add(exchange())
        assert len(threads()) == len(before) + 1
        ledger.close()
        ledger.close()
        assert threads() == before


def test_a_ledger_that_is_closed_takes_nothing_and_answers_nothing() -> None:
    told: list[str] = []
    ledger = Ledger(say=told.append)
    ledger.close()
    ledger.add(exchange())
    ledger.add(exchange())
    assert told == ["the ledger: is closed; exchanges are dropped"]
    with pytest.raises(LedgerError, match="the ledger is closed"):
        ledger.usage("p", EVER)
    assert issubclass(LedgerError, MockdockError)


def test_any_thread_may_add_and_ask(tmp_path: Path) -> None:
    with Ledger(tmp_path / "a.db") as ledger, ThreadPoolExecutor(8) as pool:

        def work(number: int) -> None:
            for turn in range(25):
                talk(ledger, Said("human", f"{turn}"), thread=str(number), input_tokens=1)
                found = ledger.cost("p", str(number))
                assert found is not None
                assert found.total_input_tokens == turn + 1

        list(pool.map(work, range(8)))
        assert count(ledger) == 200
    with Ledger(tmp_path / "a.db") as ledger:
        assert count(ledger) == 200


def test_who_adds_more_than_fits_writes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LINGER", PATIENCE)
    monkeypatch.setattr(module, "_MOST", 10)
    with Ledger() as ledger:
        for _ in range(105):
            ledger.add(exchange())
        assert len(ledger._store._queue) == 5
        monkeypatch.setattr(module, "_MOST_BYTES", 7000)
        talk(ledger, Said("human", "x" * 5000))
        assert len(ledger._store._queue) == 6
        ledger.add(exchange())
        assert len(ledger._store._queue) == 1
        assert count(ledger) == 107


@pytest.mark.parametrize("lone", [False, True])
def test_the_threads_longest_unused_are_forgotten(*, lone: bool) -> None:
    told: list[str] = []
    with Ledger(most_bytes=1_000_000, say=told.append) as ledger:
        for number in range(400):
            talk(ledger, Said("human", f"{number}" + "x" * 9000), thread="kept")
            for _ in range(10 if lone else 0):
                ledger.add(exchange(api="embeddings", label="y" * 500))
            talk(ledger, Said("human", "x" * 9000), thread=f"{number}", tags=(("a", "b"),))
            ledger.flush()
            if not lone:
                talk(ledger, thread="steady")
        page = ledger.threads("p", limit=1000)
        kept = {thread.id for thread in page.threads}
        assert "399" in kept
        assert "0" not in kept
        assert 10 < page.total < 100
        rows = ledger._store._connection.execute(
            "SELECT count(*) FROM tag WHERE exchange NOT IN (SELECT number FROM exchange)"
        )
        assert rows.fetchone() == (0,)
        pages = ledger._store._connection.execute("PRAGMA page_count").fetchone()[0]
        assert pages * 4096 < 2_000_000
    assert told == ["the ledger: holds more than 1000000 bytes; its oldest threads go"]


def test_exchanges_without_a_thread_are_forgotten_too() -> None:
    with Ledger(most_bytes=1_000_000, say=lambda _: None) as ledger:
        for _ in range(30):
            for _ in range(100):
                ledger.add(exchange(label="y" * 500))
            ledger.flush()
        assert 100 < count(ledger) < 2000


def test_less_than_the_tables_themselves_take_keeps_nothing() -> None:
    with Ledger(most_bytes=1, say=lambda _: None) as ledger:
        ledger.add(exchange())
        assert count(ledger) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_may_not_use_it(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with Ledger(path, say=lambda _: None) as ledger:
        ledger.add(exchange())
        ledger.flush()
        assert _in_child(lambda: _use(ledger)) == 0
        ledger.add(exchange())
        assert count(ledger) == 2
    with Ledger(path) as ledger:
        assert count(ledger) == 2


def test_a_ledger_of_another_process_drops_and_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    with Ledger(say=told.append) as ledger:
        with monkeypatch.context() as patched:
            patched.setattr("mockdock.ledger.store.os.getpid", lambda: -1)
            assert _use(ledger) == 0
        assert count(ledger) == 0
    assert told[0] == ("the ledger: belongs to the process that opened it; exchanges are dropped")


def test_a_disowned_connection_still_works() -> None:
    """What a fork does in the child must not end what it leaves alone."""
    with Ledger() as ledger:
        module._disown_all()
        ledger.add(exchange())
        assert count(ledger) == 1


def _use(ledger: Ledger) -> int:
    ledger.add(exchange())
    try:
        ledger.usage("p", EVER)
    except LedgerError as error:
        ledger.close()
        return 0 if "belongs to the process that opened it" in str(error) else 1
    return 2


def _in_child(work: Callable[[], int]) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # there are threads; none is needed
        pid = os.fork()
    if pid == 0:
        signal.alarm(int(PATIENCE))
        os._exit(work())
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
