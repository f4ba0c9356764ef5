"""The journal as a file: JSON Lines, written while serving."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from mockdock.errors import StartError
from mockdock.observe.entry import Entry

__all__ = ["JournalWriter", "check_journal"]

_MOST = 10_000
_MOST_BYTES = 64_000_000
_BATCH_BYTES = 1_000_000
_AGAIN = 1.0
_STOP_SECONDS = 5.0
_LETTERS = 200
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISBLK, "a disk"),
)
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)

_log = logging.getLogger("mockdock")


class JournalWriter:
    """Writes each entry of a journal as a line of JSON, without secrets.

    Lines are added to the file at ``path``; a new one can be read by its owner
    only. Writing has a thread of its own, so replies never wait: up to 10,000
    exchanges or 64 MB queue up, what does not fit is dropped, and a line
    {"dropped": n} stands in its place, as one does in that of an exchange that cannot
    be written. What goes wrong is told by ``say``, once for each reason, and where the
    disk is to blame tried again every second. A file that is renamed or
    deleted meanwhile is told, and a new one is begun at its path. Several processes may
    write to one file: lines are written whole.

    >>> with JournalWriter(Path("journal.jsonl"), print) as writer:
    ...     server.app.journal.watch(writer.write)
    """

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self._path = path
        self._say = say
        self._news = threading.Condition()
        self._queue: deque[tuple[Entry | int, int]] = deque()
        """Entries, or how many were dropped in this place, and their weight in bytes."""
        self._bytes = 0
        self._dropped = 0
        self._lost = 0
        self._closing = False
        self._file: int | None = None
        self._rest = b""
        self._line = b""
        """What was written of a line that has no end yet."""
        self._trouble = ""
        self._unwritable: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="mockdock journal", daemon=True)

    def start(self) -> Self:
        """Open the file and begin to write. Raises StartError where it cannot be opened."""
        with _opening(self._path):
            self._file = self._opened()
        self._flush()
        self._thread.start()
        return self

    def write(self, entry: Entry) -> None:
        """Queue an entry, or count it as dropped; quick."""
        heavy = entry.weight
        with self._news:
            if len(self._queue) >= _MOST or self._bytes + heavy > _MOST_BYTES:
                self._dropped += 1
            else:
                self._mark()
                self._queue.append((entry, heavy))
                self._bytes += heavy
            self._news.notify()

    def close(self) -> None:
        """Write what is queued, for at most 5 seconds, and close the file."""
        with self._news:
            self._closing = True
            self._news.notify()
        self._thread.join(_STOP_SECONDS)
        with self._news:
            self._mark()
            queued = sum(1 if isinstance(each, Entry) else each for each, _ in self._queue)
        if left := self._rest.count(b"\n") + queued:
            self._say(f"{self._path}: {_counted(left)} could not be written")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _mark(self) -> None:
        """Keep the place of what was dropped."""
        if self._dropped:
            self._queue.append((self._dropped, 0))
            self._dropped = 0

    def _run(self) -> None:
        while self._take():
            while not self._flush():
                with self._news:
                    if self._news.wait_for(lambda: self._closing, _AGAIN):
                        break
            if self._rest:
                break
        if self._file is not None:
            os.close(self._file)

    def _take(self) -> bool:
        """Wait for something to write, and make it ready; False at the end."""
        batch: list[Entry | int] = []
        with self._news:
            self._news.wait_for(lambda: self._queue or self._dropped or self._closing)
            self._mark()
            taken = 0
            while self._queue and taken < _BATCH_BYTES:
                each, heavy = self._queue.popleft()
                batch.append(each)
                taken += heavy
            self._bytes -= taken
            drained = not self._queue
        self._tell_lost(batch, drained=drained)
        self._rest = b"".join(map(self._written, batch))
        return bool(batch)

    def _tell_lost(self, batch: list[Entry | int], *, drained: bool) -> None:
        """Tell when exchanges begin to be dropped, and how many were, once that is over."""
        dropped = sum(each for each in batch if isinstance(each, int))
        if dropped and not self._lost:
            self._say(f"{self._path}: exchanges come faster than they are written, and are dropped")
        self._lost += dropped
        if drained and self._lost:
            self._say(f"{self._path}: {_counted(self._lost)} dropped")
            self._lost = 0

    def _written(self, each: Entry | int) -> bytes:
        """Write an entry as a line; in the place of one that cannot be stands that it is not there.

        Why is told once for each kind of error, and with all details in the log.
        """
        if isinstance(each, int):
            return _as_line({"dropped": each})
        try:
            return _as_line(each.record())
        except Exception as error:  # noqa: BLE001 - a defect of ours must not end the journal
            _log.debug("exchange %s cannot be written", each.number, exc_info=True)
            kind = type(error).__name__
            if kind not in self._unwritable:
                self._unwritable.add(kind)
                why = " ".join(f"{kind}: {error}".split())[:_LETTERS]
                self._say(f"{self._path}: exchange {each.number} cannot be written: {why}")
            return _as_line({"dropped": 1})

    def _flush(self) -> bool:
        """Write what is ready; False when that is not possible now."""
        try:
            if self._file is not None and self._is_gone(self._file):
                self._abandon(self._file)
            if self._file is None:
                self._file = self._opened()
            while self._rest:
                try:
                    count = os.write(self._file, self._rest)
                except OSError:
                    self._take_back(self._file)
                    raise
                self._line = (self._line + self._rest[:count]).rpartition(b"\n")[2]
                self._rest = self._rest[count:]
                if self._line and not _ends_at_ours(self._file):
                    self._rest, self._line = self._line + self._rest, b""
        except OSError as error:
            trouble = error.strerror or str(error)
            if trouble != self._trouble:
                self._say(f"{self._path}: the journal cannot be written: {trouble}; trying again")
            self._trouble = trouble
            return False
        if self._trouble:
            self._say(f"{self._path}: the journal is written again")
            self._trouble = ""
        return True

    def _take_back(self, file: int) -> None:
        """Take back the beginning of a line that a full disk cut off."""
        if self._line and _takes_back(file, len(self._line)):
            self._rest = self._line + self._rest
            self._line = b""

    def _is_gone(self, file: int) -> bool:
        """Tell whether the path leads to another file now, or to none."""
        try:
            return not os.path.samestat(os.fstat(file), self._path.stat())
        except OSError:
            return True

    def _abandon(self, file: int) -> None:
        """Let go of a file that is gone; a line cut off in it is written anew."""
        self._say(f"{self._path}: the journal was moved or deleted; a new file is begun")
        self._file = None
        self._rest = self._line + self._rest
        self._line = b""
        os.close(file)

    def _opened(self) -> int:
        """Open the file, and end a line that was left unfinished in it."""
        if wrong := _wrong(self._path):
            raise OSError(f"it is {wrong} now")
        file = os.open(self._path, _FLAGS, 0o600)
        if stat.S_ISREG(os.fstat(file).st_mode) and os.lseek(file, 0, os.SEEK_END):
            os.lseek(file, -1, os.SEEK_END)
            if os.read(file, 1) != b"\n":
                self._rest = b"\n" + self._rest
        return file


def check_journal(path: Path) -> None:
    """Raise StartError where a journal cannot be written; a file that is not there is made."""
    with _opening(path):
        os.close(os.open(path, _FLAGS, 0o600))


@contextlib.contextmanager
def _opening(path: Path) -> Iterator[None]:
    """Raise StartError for what is no file, and for one that cannot be opened."""
    if wrong := _wrong(path):
        raise StartError(f"{path}: a journal is a file, and this is {wrong}")
    try:
        yield
    except OSError as error:
        raise StartError(
            f"{path}: the journal cannot be written: {error.strerror or error}"
        ) from error


def _ends_at_ours(file: int) -> bool:
    """Tell whether nobody else has added to a file since this process did."""
    if not stat.S_ISREG(os.fstat(file).st_mode):
        return True
    end = os.lseek(file, 0, os.SEEK_CUR)
    return os.lseek(file, 0, os.SEEK_END) == end


def _takes_back(file: int, cut: int) -> bool:
    """Take back the last bytes of a file, where that is possible and nobody else has added any.

    Others who write to the file would go on in the middle of a line.
    """
    if not stat.S_ISREG(os.fstat(file).st_mode) or not _ends_at_ours(file):
        return False
    os.ftruncate(file, os.lseek(file, 0, os.SEEK_CUR) - cut)
    return True


def _wrong(path: Path) -> str:
    """Say what a path is when that cannot be a journal: writing there would block or destroy."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return ""
    return next((what for is_kind, what in _KINDS if is_kind(mode)), "")


def _as_line(record: Mapping[str, Any]) -> bytes:
    return orjson.dumps(record) + b"\n"


def _counted(count: int) -> str:
    return f"{count} exchange{'s' * (count > 1)}"
