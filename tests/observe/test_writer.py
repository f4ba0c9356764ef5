"""The journal as a file: whole lines, whatever the disk does."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import socket
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mockdock.errors import StartError
from mockdock.frames import Outcome
from mockdock.observe import Entry, Journal, JournalWriter, check_journal
from mockdock.observe import writer as module
from tests.observe.helpers import exchange

_PATIENCE = 10.0


class Said:
    """Collects what a writer says, and lets a test wait for it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._news = threading.Condition()

    def __call__(self, line: str) -> None:
        """Take a line."""
        with self._news:
            self.lines.append(line)
            self._news.notify_all()

    def wait_for(self, text: str) -> None:
        """Wait until a line holds this."""
        with self._news:
            found = self._news.wait_for(lambda: any(text in each for each in self.lines), _PATIENCE)
        assert found, self.lines


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AGAIN", 0.01)


def _writing(monkeypatch: pytest.MonkeyPatch, write: Callable[[int, bytes], int]) -> None:
    """Let the module write so, and nobody else."""
    monkeypatch.setattr(module, "os", SimpleNamespace(**{**vars(os), "write": write}))


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Have a disk with so many bytes of room."""
    disk = {"room": 0}

    def limited(file: int, data: bytes) -> int:
        if disk["room"] < len(data):
            data = data[: disk["room"]]
            if not data:
                raise OSError(28, "No space left on device")
        disk["room"] -= len(data)
        return os.write(file, data)

    _writing(monkeypatch, limited)
    return disk
    return disk


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def entry(number: int, **fields: Any) -> Entry:
    return Entry(number, exchange(**fields), 1000)


def test_each_entry_is_a_line_without_secrets(tmp_path: Path, said: Said) -> None:
    path = tmp_path / "journal.jsonl"
    journal = Journal()
    with JournalWriter(path, said) as writer:
        journal.watch(writer.write)
        for number in range(250):
            secret = {"authorization": "Bearer secret-secret"}
            journal.append(
                exchange(headers=secret, body=b"said secret-secret, \xc3\xa4", rule=f"r{number}")
            )
    made = lines(path)
    assert [each["number"] for each in made] == list(range(1, 251))
    assert made[-1]["rule"] == "r249"
    assert made[0]["request"]["body"] == "said [redacted], ä"
    assert b"secret-secret" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert said.lines == []


def test_lines_are_added_behind_what_is_there(tmp_path: Path, said: Said) -> None:
    """A line that a crash cut off is ended first."""
    path = tmp_path / "journal.jsonl"
    for before, number in ((b'{"old": 1}\n{"cut', 1), (None, 2)):
        if before is not None:
            path.write_bytes(before)
        with JournalWriter(path, said) as writer:
            writer.write(entry(number))
    old, cut, *made = path.read_bytes().splitlines()
    assert (old, cut) == (b'{"old": 1}', b'{"cut')
    assert [json.loads(line)["number"] for line in made] == [1, 2]


def test_a_full_disk_is_told_once_and_nothing_is_lost(
    tmp_path: Path, said: Said, full: dict[str, int]
) -> None:
    path = tmp_path / "journal.jsonl"
    with JournalWriter(path, said) as writer:
        full["room"] = 100
        writer.write(entry(1))
        said.wait_for("No space left on device; trying again")
        writer.write(entry(2))
        full["room"] = 1_000_000
        said.wait_for("written again")
        full["room"] = 0
        writer.write(entry(3))
        said.wait_for("No space")
        full["room"] = 1_000_000
    assert [each["number"] for each in lines(path)] == [1, 2, 3]
    assert all(str(path) in line for line in said.lines)


def test_a_line_that_a_full_disk_cut_off_is_taken_back_for_others_to_write(
    tmp_path: Path, said: Said, full: dict[str, int]
) -> None:
    path = tmp_path / "journal.jsonl"
    full["room"] = 10_000
    with JournalWriter(path, said) as one, JournalWriter(path, Said()) as other:
        other.write(entry(1))
        _wait_until_written(path, said, 1)
        whole = path.read_bytes()
        full["room"] = 100
        one.write(entry(2))
        said.wait_for("No space")
        assert path.read_bytes() == whole
        full["room"] = 1_000_000
        other.write(entry(3))
        said.wait_for("written again")
    assert sorted(each["number"] for each in lines(path)) == [1, 2, 3]


def test_a_line_that_others_wrote_behind_its_beginning_is_written_anew(
    tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.jsonl"
    cuts = [100]

    def cut(file: int, data: bytes) -> int:
        if not cuts:
            return os.write(file, data)
        count = os.write(file, data[: cuts.pop()])
        with path.open("ab") as other:
            other.write(b"{}\n")
        return count

    _writing(monkeypatch, cut)
    with JournalWriter(path, said) as writer:
        writer.write(entry(1))
    damaged, made = path.read_bytes().splitlines()
    assert damaged.endswith(b"{}")
    assert json.loads(made)["number"] == 1


def test_what_a_full_disk_never_took_is_counted_at_the_end(
    tmp_path: Path, said: Said, full: dict[str, int]
) -> None:
    with JournalWriter(tmp_path / "journal.jsonl", said) as writer:
        writer.write(entry(1))
        said.wait_for("No space")
        writer.write(entry(2))
    assert said.lines[1:] == [f"{tmp_path / 'journal.jsonl'}: 2 exchanges could not be written"]
    assert full["room"] == 0


@pytest.mark.parametrize(
    ("name", "why"), [("nosuch", "No such file or directory"), ("file", "Not a directory")]
)
def test_a_path_that_cannot_be_written_is_refused(
    tmp_path: Path, said: Said, name: str, why: str
) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / name / "journal.jsonl"
    told = re.escape(f"{path}: the journal cannot be written: {why}")
    with pytest.raises(StartError, match=f"^{told}$"):
        JournalWriter(path, said).start()
    with pytest.raises(StartError, match=f"^{told}$"):
        check_journal(path)
    assert said.lines == []


def test_a_file_without_permission_is_refused(
    tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(StartError, match=r"cannot be written: Permission denied$"):
        JournalWriter(tmp_path / "journal.jsonl", said).start()


def test_a_check_makes_the_file_and_changes_nothing_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    check_journal(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_bytes(b'{"cut')
    check_journal(path)
    assert path.read_bytes() == b'{"cut'


def test_a_path_that_cannot_be_written_any_more_is_tried_again(tmp_path: Path, said: Said) -> None:
    path = tmp_path / "folder" / "journal.jsonl"
    path.parent.mkdir()
    with JournalWriter(path, said) as writer:
        path.parent.rename(tmp_path / "elsewhere")
        writer.write(entry(1))
        said.wait_for("the journal cannot be written: No such file or directory; trying again")
        path.parent.mkdir()
        said.wait_for("written again")
    assert [each["number"] for each in lines(path)] == [1]


def test_another_reason_is_told_too(tmp_path: Path, said: Said) -> None:
    """A folder that turns up in the place of the file is not written to."""
    path = tmp_path / "later" / "journal.jsonl"
    path.parent.mkdir()
    with JournalWriter(path, said) as writer:
        path.parent.rename(tmp_path / "before")
        writer.write(entry(1))
        said.wait_for("No such file")
        (tmp_path / "now" / path.name).mkdir(parents=True)
        (tmp_path / "now").rename(path.parent)
        said.wait_for("it is a folder now")
    assert said.lines[-1].endswith("1 exchange could not be written")


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket"])
def test_what_is_no_file_is_refused(tmp_path: Path, said: Said, kind: str) -> None:
    path = tmp_path / "journal"
    with socket.socket(socket.AF_UNIX) as listener:
        match kind:
            case "folder":
                path.mkdir()
            case "pipe":
                os.mkfifo(path)
            case _:
                listener.bind(str(path))
        with pytest.raises(StartError, match=f"a journal is a file, and this is a {kind}"):
            JournalWriter(path, said).start()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_device_that_is_always_full_is_told(said: Said) -> None:
    with JournalWriter(Path("/dev/full"), said) as writer:
        writer.write(entry(1))
        said.wait_for("No space left on device")
    assert said.lines[-1] == "/dev/full: 1 exchange could not be written"


def test_what_does_not_fit_is_counted_in_its_place(
    tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch, full: dict[str, int]
) -> None:
    monkeypatch.setattr(module, "_MOST", 2)
    path = tmp_path / "journal.jsonl"
    with JournalWriter(path, said) as writer:
        writer.write(entry(1))
        said.wait_for("No space")
        for number in range(2, 7):
            writer.write(entry(number))
        full["room"] = 1_000_000
        said.wait_for("3 exchanges dropped")
        writer.write(entry(7))
    told = [each.get("number", each) for each in lines(path)]
    assert told == [1, 2, 3, {"dropped": 3}, 7]
    assert sum("come faster" in line for line in said.lines) == 1


def test_one_exchange_too_large_for_the_queue_is_dropped(
    tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 100_000)
    path = tmp_path / "journal.jsonl"
    with JournalWriter(path, said) as writer:
        writer.write(Entry(1, exchange(), 200_000))
        said.wait_for("1 exchange dropped")
        writer.write(entry(2))
    assert [each.get("number", each) for each in lines(path)] == [{"dropped": 1}, 2]


def test_large_entries_are_written_in_several_batches(
    tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch, full: dict[str, int]
) -> None:
    """Drops are summed up over batches, and told once the queue is empty."""
    monkeypatch.setattr(module, "_BATCH_BYTES", 1)
    path = tmp_path / "journal.jsonl"
    monkeypatch.setattr(module, "_MOST", 2)
    with JournalWriter(path, said) as writer:
        writer.write(entry(1))
        said.wait_for("No space")
        for number in range(2, 5):
            writer.write(entry(number))
        full["room"] = 1_000_000
        said.wait_for("1 exchange dropped")
    assert [each.get("number", each) for each in lines(path)] == [1, 2, 3, {"dropped": 1}]


def _wait_until_written(path: Path, said: Said, number: int) -> None:
    """Wait for a line; the writer tells of its batch by what it does next only."""
    end = time.monotonic() + _PATIENCE
    while not path.exists() or f'"number":{number},'.encode() not in path.read_bytes():
        assert time.monotonic() < end, said.lines
        time.sleep(0.001)


@pytest.mark.parametrize("renamed", [False, True])
def test_a_file_that_is_renamed_or_deleted_is_begun_anew(
    tmp_path: Path, said: Said, renamed: bool
) -> None:
    path, old = tmp_path / "journal.jsonl", tmp_path / "journal.1"
    with JournalWriter(path, said) as writer:
        writer.write(entry(1))
        _wait_until_written(path, said, 1)
        path.rename(old) if renamed else path.unlink()
        writer.write(entry(2))
        _wait_until_written(path, said, 2)
        writer.write(entry(3))
    assert [each["number"] for each in lines(path)] == [2, 3]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not renamed or [each["number"] for each in lines(old)] == [1]
    assert said.lines == [f"{path}: the journal was moved or deleted; a new file is begun"]


def test_another_file_in_the_place_of_the_journal_is_added_to(tmp_path: Path, said: Said) -> None:
    path = tmp_path / "journal.jsonl"
    with JournalWriter(path, said) as writer:
        path.rename(tmp_path / "journal.1")
        path.write_bytes(b'{"other": 1}\n')
        writer.write(entry(1))
    other, made = lines(path)
    assert (other, made["number"]) == ({"other": 1}, 1)


def test_a_line_cut_off_in_a_deleted_file_is_written_anew(
    tmp_path: Path, said: Said, full: dict[str, int]
) -> None:
    path = tmp_path / "journal.jsonl"
    with JournalWriter(path, said) as writer:
        full["room"] = 100
        writer.write(entry(1))
        said.wait_for("No space")
        path.unlink()
        said.wait_for("a new file is begun")
        full["room"] = 1_000_000
        said.wait_for("written again")
    assert [each["number"] for each in lines(path)] == [1]


def test_an_exchange_that_cannot_be_told_does_not_end_the_journal(
    tmp_path: Path, said: Said, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object) -> Any:
        raise RuntimeError("cannot render")

    path = tmp_path / "journal.jsonl"
    wrong = replace(exchange(), told=broken, outcome=Outcome("completed", 1, 1))
    large = entry(5, duration=10**30)
    with caplog.at_level(logging.DEBUG, "mockdock"), JournalWriter(path, said) as writer:
        for each in (Entry(1, wrong), entry(2), Entry(3, wrong), large, entry(6)):
            writer.write(each)
    numbers = [each.get("number") for each in lines(path)]
    assert numbers == [None, 2, None, None, 6]
    assert lines(path)[0] == lines(path)[3] == {"dropped": 1}
    assert said.lines == [
        f"{path}: exchange 1 cannot be written: RuntimeError: cannot render",
        f"{path}: exchange 5 cannot be written: TypeError: Integer exceeds 64-bit range",
    ]
    assert "cannot render" in caplog.text
    assert not [each for each in caplog.records if each.levelno > logging.DEBUG]


def test_stopping_does_not_wait_for_ever(
    tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that hangs holds the end up for a bounded time only."""
    monkeypatch.setattr(module, "_STOP_SECONDS", 0.01)
    released = threading.Event()

    def hanging(_: int, data: bytes) -> int:
        assert released.wait(_PATIENCE)
        return len(data)

    _writing(monkeypatch, hanging)
    writer = JournalWriter(tmp_path / "journal.jsonl", said).start()
    writer.write(entry(1))
    writer.close()
    assert said.lines == [f"{tmp_path / 'journal.jsonl'}: 1 exchange could not be written"]
    released.set()
    writer._thread.join(_PATIENCE)
    assert not writer._thread.is_alive()
