"""A file survives restarts, and the death of the process at any time."""

from __future__ import annotations

import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mockdock.errors import LedgerError
from mockdock.ledger import Ledger, Said, Seeds
from mockdock.ledger import store as module
from tests.ledger.helpers import EVER, NOON, ai, exchange, human, talk, texts

PATIENCE = 60.0

ADDER = """
import sys
from pathlib import Path
from mockdock.ledger import Entry, Ledger, Said
ledger = Ledger(Path(sys.argv[1]))
history = ()
for number in range(int(sys.argv[2]), 10**9):
    history = (*history[-6:], Said("human", f"{number}"))
    ledger.add(Entry("p", "openai", "m", number, thread="t", input_tokens=1, messages=history))
    print(number, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


FORKER = """
import os, signal, sys
from pathlib import Path
from mockdock.ledger import Entry, Ledger
ledger = Ledger(Path(sys.argv[1]))
ledger.add(Entry("p", "openai", "m", 0))
ledger.flush()
child = os.fork()
if not child:
    del ledger
    sys.exit(0)
os.waitpid(child, 0)
os.kill(os.getpid(), signal.SIGKILL)
"""


def numbers(ledger: Ledger) -> list[int]:
    with ledger._store.reading() as connection:
        return [row[0] for row in connection.execute("SELECT started_us FROM exchange ORDER BY 1")]


def left(path: Path) -> Path:
    """Give the state a killed process would leave: files copied while it is open."""
    copy = path.with_name("left") / path.name
    copy.parent.mkdir()
    for each in path.parent.glob(f"{path.name}*"):
        (copy.parent / each.name).write_bytes(each.read_bytes())
    return copy


def test_all_is_there_after_a_restart(path: Path) -> None:
    with Ledger(path) as ledger:
        talk(ledger, human("a"), reply="b", tags=(("k", "v"),), cost=0.5)
        before = (ledger.threads("p", limit=9), ledger.messages("p", "t"))
        summary = ledger.summary("p", EVER, ["tag"], ["k"])
    assert list(path.parent.iterdir()) == [path]
    with Ledger(path) as ledger:
        assert (ledger.threads("p", limit=9), ledger.messages("p", "t")) == before
        assert ledger.summary("p", EVER, ["tag"], ["k"]) == summary
        talk(ledger, human("a"), ai("b"), human("c"))
        assert texts(ledger) == ["a", "b", "c"]


def test_a_file_can_be_read_by_its_owner_only(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.add(exchange())
        ledger.flush()
        files = sorted(path.parent.iterdir())
        assert [each.name for each in files] == ["a.db", "a.db-spool0", "a.db-spool1", "a.db-wal"]
        assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9 here")
def test_a_killed_process_loses_nothing_and_counts_nothing_twice(path: Path) -> None:
    acknowledged = -1
    for lines in (1, 40, 3000):
        with subprocess.Popen(
            [sys.executable, "-c", ADDER, str(path), str(acknowledged + 1)],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            for _ in range(lines):
                acknowledged = int(process.stdout.readline())
            process.kill()
            rest = process.stdout.read().splitlines(keepends=True)
            acknowledged += sum(line.endswith("\n") for line in rest)
            assert process.wait(PATIENCE) == -signal.SIGKILL
        with Ledger(path) as ledger:
            found = numbers(ledger)
            # One more may have been added, and not been told of.
            assert found in (list(range(acknowledged + 1)), list(range(acknowledged + 2)))
            assert texts(ledger) == [str(number) for number in found]
        acknowledged = found[-1]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no fork here")
def test_a_forked_child_that_ends_does_not_take_the_parents_log_along(path: Path) -> None:
    """SQLite in it would empty the log and delete it, without the lock of the parent."""
    command = [sys.executable, "-W", "ignore", "-c", FORKER, str(path)]
    assert subprocess.run(command, timeout=PATIENCE, check=False).returncode == -signal.SIGKILL
    assert path.with_name("a.db-wal").stat().st_size
    with Ledger(path) as ledger:
        assert numbers(ledger) == [0]


def test_what_was_added_but_not_written_is_written_on_opening(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LINGER", PATIENCE)
    with Ledger(path) as ledger:
        ledger.add(exchange(started_us=1))
        ledger.flush()
        ledger.add(exchange(started_us=2, tags=(("k", "v"),)))
        talk(ledger, human("a"), reply="b", started_us=3)
        copy = left(path)
        with sqlite3.connect(copy) as connection:
            assert connection.execute("SELECT count(*) FROM exchange").fetchone() == (1,)
        connection.close()
    for _ in range(2):
        with Ledger(copy) as ledger:
            assert numbers(ledger) == [1, 2, 3]
            assert texts(ledger) == ["a", "b"]
            assert ledger.summary("p", EVER, ["tag"], ["k"])[0].tag_tuple == ("v",)


def test_what_was_written_but_is_still_in_the_spool_is_not_written_twice(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a death between the commit and the emptying of the spool."""
    monkeypatch.setattr("mockdock.ledger.spool.Spool.settle", lambda _: None)
    with Ledger(path) as ledger:
        for started in (1, 2, 3, 4):
            ledger.add(exchange(started_us=started))
            if started != 4:
                ledger.flush()
        copy = left(path)
    with Ledger(copy) as ledger:
        assert numbers(ledger) == [1, 2, 3, 4]


@pytest.mark.parametrize("cut", [1, 2, 30, 100])
def test_a_line_cut_off_at_the_end_is_left_out(
    path: Path, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    monkeypatch.setattr(module, "_LINGER", PATIENCE)
    with Ledger(path) as ledger:
        ledger.add(exchange(started_us=1))
        ledger.add(exchange(started_us=2))
        copy = left(path)
    spool = copy.with_name("a.db-spool0")
    spool.write_bytes(spool.read_bytes()[:-cut])
    with Ledger(copy) as ledger:
        # Without its last byte, the end of the line, it is whole.
        assert numbers(ledger) == ([1, 2] if cut == 1 else [1])
        ledger.add(exchange(started_us=5))
        assert numbers(ledger)[-1] == 5


@pytest.mark.parametrize(
    "line", [b"", b"x", b"7", b"7 8", b"7 [1]", b"7 {", b"\xff 1", b"7 [\xff]"]
)
def test_a_line_that_is_none_is_left_out(
    path: Path, monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    monkeypatch.setattr(module, "_LINGER", PATIENCE)
    with Ledger(path) as ledger:
        ledger.add(exchange(started_us=1))
        copy = left(path)
    spool = copy.with_name("a.db-spool0")
    head, first, rest = spool.read_bytes().split(b"\n")
    spool.write_bytes(b"\n".join((head, line, first, rest)))
    with Ledger(copy) as ledger:
        assert numbers(ledger) == [1]


def test_a_line_of_an_exchange_that_cannot_be_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LINGER", PATIENCE)
    with Ledger(path, say=lambda _: None) as ledger:
        ledger.add(exchange(input_tokens=-1))
        copy = left(path)
    told: list[str] = []
    with Ledger(copy, say=told.append) as ledger:
        assert numbers(ledger) == []
    assert len(told) == 1
    assert "cannot be kept" in told[0]


@pytest.mark.parametrize("size", [0, 5])
def test_a_spool_that_was_only_begun_is_begun_again(path: Path, size: int) -> None:
    with Ledger(path) as ledger:
        ledger.flush()
        copy = left(path)
    spool = copy.with_name("a.db-spool1")
    spool.write_bytes(spool.read_bytes()[:size])
    with Ledger(copy) as ledger:
        ledger.flush()
        ledger.add(exchange(started_us=1))
        assert numbers(ledger) == [1]


def test_the_spool_of_another_ledger_is_refused(path: Path) -> None:
    with Ledger(path) as ledger:
        ledger.add(exchange())
        copy = left(path)
    copy.unlink()
    copy.with_name("a.db-wal").unlink()
    with pytest.raises(LedgerError, match=r"a\.db-spool0: this is not the spool of the ledger"):
        Ledger(copy)
    copy.with_name("a.db-spool0").unlink()
    copy.with_name("a.db-spool1").unlink()
    with Ledger(copy) as ledger:
        assert numbers(ledger) == []


def test_the_spool_does_not_grow(path: Path) -> None:
    with Ledger(path) as ledger:
        spools = [path.with_name(f"a.db-spool{which}") for which in (0, 1)]
        empty = sum(each.stat().st_size for each in spools)
        for _ in range(5):
            talk(ledger, human("x" * 1000))
            ledger.flush()
            assert sum(each.stat().st_size for each in spools) == empty


def test_a_log_that_cannot_be_emptied_loses_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lines are in the database; the next ones come after them."""
    told: list[str] = []

    def truncate(file: int, size: int) -> None:
        raise OSError(5, "Input/output error")

    with Ledger(path, say=told.append) as ledger:
        ledger.flush()
        with monkeypatch.context() as patched:
            patched.setattr("mockdock.ledger.spool.os.ftruncate", truncate)
            ledger.add(exchange(started_us=1))
            assert not ledger._store._written()
        ledger.add(exchange(started_us=2))
        assert numbers(ledger) == [1, 2]
    assert [text.rpartition("a.db: ")[2] for text in told] == [
        "cannot be written: [Errno 5] Input/output error; trying again",
        "is written again",
    ]


def test_entries_added_while_seeds_are_sown_survive(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seeds have numbers of their own: they hide none that waits in the spool."""
    monkeypatch.setattr(module, "_LINGER", PATIENCE)
    with Ledger(path) as ledger:
        ledger.add(exchange(started_us=1))

        def entries() -> list[int]:
            ledger.add(exchange(started_us=NOON))
            return [5]

        found = (exchange(started_us=number) for number in entries())
        ledger.seed("s", Seeds(entries=found))
        copy = left(path)
    with Ledger(copy) as ledger:
        assert numbers(ledger) == [1, 5, NOON]


def test_a_batch_is_written_whole_or_not_at_all(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LINGER", PATIENCE)
    monkeypatch.setattr(module, "trim", _fails)
    with Ledger(path, say=lambda _: None) as ledger:
        talk(ledger, Said("human", "a"), started_us=1)
        talk(ledger, Said("human", "a"), Said("human", "b"), started_us=2)
        with pytest.raises(LedgerError, match="gone wrong"):
            ledger.flush()
        monkeypatch.undo()
        assert numbers(ledger) == [1, 2]
        assert texts(ledger) == ["a", "b"]


def _fails(connection: sqlite3.Connection, most_bytes: int) -> int:
    raise sqlite3.OperationalError("gone wrong")
