"""The store: one connection, and the queue of what is to be written to it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

from mockdock.errors import LedgerError
from mockdock.ledger.entry import Entry, encoded
from mockdock.ledger.rows import last_number, put, trim
from mockdock.ledger.schema import connect
from mockdock.ledger.spool import Spool

__all__ = ["Store"]

_MOST = 10_000
_MOST_BYTES = 64_000_000
_LINGER = 0.2
_AGAIN = 1.0


class Store:
    """Takes entries at once, writes them in batches, and lends its connection.

    ``say`` is told what goes wrong while writing, once for each reason. A thread
    writes what is queued every 0.2 seconds, and tries again every second while
    that fails; it begins with the first entry. At most 10,000 entries or 64 MB
    queue up: who adds more writes them itself, and where that fails the entry is
    dropped and counted. Any thread may call any method; of a forked process, none.
    """

    def __init__(self, path: Path | None, most_bytes: int, say: Callable[[str], None]) -> None:
        self._name = "the ledger" if path is None else str(path)
        self._most_bytes = most_bytes
        self._tell = say
        self._process = os.getpid()
        self._gate = threading.Condition(threading.Lock())
        """Guards the queue, the numbers, and which file of the spool takes lines."""
        self._use = threading.RLock()
        """Guards the connection and the batch; who holds it may take the gate, not the reverse."""
        self._queue: list[tuple[int, Entry]] = []
        self._weight = 0
        self._batch: list[tuple[int, Entry]] = []
        self._lost = 0
        self._trouble = ""
        self._said: set[str] = set()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._connection = connect(path)
        self._spool: Spool | None = None
        try:
            if path is not None:
                self._recover(path)
            self._next = last_number(self._connection) + 1
        except (LedgerError, sqlite3.Error, OSError) as error:
            self._connection.close()
            if self._spool is not None:
                self._spool.release()
            if isinstance(error, LedgerError):
                raise
            raise LedgerError(f"{self._name}: the ledger cannot be opened: {error}") from error
        _STORES.add(self)

    def add(self, entry: Entry) -> None:
        """Take an entry: it is on disk now, where there is a file. Never raises for a disk."""
        if self._process != os.getpid():
            self._lose("belongs to the process that opened it")
            return
        line = b" " + encoded(entry).encode() + b"\n" if self._spool is not None else b""
        if self._is_full() and (self._trouble or not self._written()):
            self._lose("cannot be written, and its queue is full")
            return
        with self._gate:
            taken = not self._closed
            wrong = self._queued(entry, line) if taken else ""
        if not taken:
            self._lose("is closed")
        elif wrong:
            self._say(
                f"its spool cannot be written: {wrong}; exchanges are lost if the process "
                "dies before they are in the database"
            )

    @contextlib.contextmanager
    def looking(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection for what entries have no part in. Raises LedgerError."""
        with self._told(), self._use:
            yield self._connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection once all that was added is written. Raises LedgerError."""
        with self.looking() as connection:
            self._drain()
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend it for one transaction, which ends with the block. Raises LedgerError."""
        with self.reading() as connection, _transaction(connection):
            yield connection

    def close(self) -> None:
        """Write what is queued, and let go of all. What cannot be written stays in the spool."""
        if self._process != os.getpid():
            return
        with self._gate:
            if self._closed:
                return
            self._closed = True
            self._gate.notify()
        if self._thread is not None:
            self._thread.join()
        with self._use:
            whole = self._written()
            if not whole:
                count = len(self._queue) + len(self._batch)
                where = "are lost" if self._spool is None else "wait in its spool"
                self._say(f"{count} exchanges could not be written, and {where}")
            if self._spool is not None:
                (self._spool.remove if whole else self._spool.release)()
            self._connection.close()

    def disown(self) -> None:
        """Never close the connection: this is a fork, and SQLite would end the parent's."""
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._connection))

    def _recover(self, path: Path) -> None:
        """Open the spool, and write what was left in it."""
        name = self._connection.execute("SELECT value FROM meta WHERE key = 'id'").fetchone()[0]
        self._spool = Spool(path, name)
        with _transaction(self._connection):
            refused = put(self._connection, self._spool.left)
        self._spool.begin()
        for reason in refused:
            self._say(reason)

    def _is_full(self) -> bool:
        return len(self._queue) >= _MOST or self._weight >= _MOST_BYTES

    def _queued(self, entry: Entry, line: bytes) -> str:
        """Queue an entry, and say why the spool did not take its line, where it did not."""
        number = self._next
        self._next += 1
        self._queue.append((number, entry))
        self._weight += len(line) or _weight(entry)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="mockdock ledger", daemon=True)
            self._thread.start()
        elif len(self._queue) == 1:
            self._gate.notify()
        try:
            if self._spool is not None:
                self._spool.append(b"%d%b" % (number, line))
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def _run(self) -> None:
        while True:
            with self._gate:
                self._gate.wait_for(lambda: self._queue or self._batch or self._closed)
                self._gate.wait_for(lambda: self._closed, _AGAIN if self._batch else _LINGER)
                if self._closed:
                    return
            self._written()

    def _written(self) -> bool:
        """Write all that is queued; False, and told, where that is not possible now."""
        try:
            with self._use:
                self._drain()
        except (sqlite3.Error, OSError) as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                self._tell_safely(f"cannot be written: {error}; trying again")
            return False
        return True

    def _drain(self) -> None:
        """Write the batch that failed, if there is one, and then what is queued."""
        while self._take():
            with _transaction(self._connection):
                refused = put(self._connection, self._batch)
                forgotten = trim(self._connection, self._most_bytes)
            self._batch = []
            if self._spool is not None:
                self._spool.settle()
            for reason in refused:
                self._say(reason)
            if forgotten:
                self._say(f"holds more than {self._most_bytes} bytes; its oldest threads go")
        if self._trouble:
            self._trouble = ""
            self._tell_safely("is written again")
        if self._lost:
            lost, self._lost = self._lost, 0
            self._tell_safely(f"{lost} exchanges were dropped")

    def _take(self) -> bool:
        """Make a batch of what is queued, where the last one is written."""
        if self._batch:
            return True
        with self._gate:
            if not self._queue:
                return False
            self._batch, self._queue, self._weight = self._queue, [], 0
            if self._spool is not None:
                self._spool.swap()
        return True

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        if self._process != os.getpid():
            raise LedgerError(f"{self._name} belongs to the process that opened it; open another")
        if self._closed:
            raise LedgerError(f"{self._name} is closed")
        try:
            yield
        except (sqlite3.Error, OSError, OverflowError, UnicodeEncodeError) as error:
            raise LedgerError(f"{self._name}: {error}") from error

    def _lose(self, why: str) -> None:
        self._lost += 1
        self._say(f"{why}; exchanges are dropped")

    def _say(self, text: str) -> None:
        if text not in self._said and len(self._said) < _MOST:
            self._said.add(text)
            self._tell_safely(text)

    def _tell_safely(self, text: str) -> None:
        with contextlib.suppress(Exception):
            self._tell(f"{self._name}: {text}")


_STORES: weakref.WeakSet[Store] = weakref.WeakSet()


def _disown_all() -> None:
    for store in list(_STORES):
        store.disown()


if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(after_in_child=_disown_all)


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # SQLite ends some of them itself
            connection.execute("ROLLBACK")
        raise


def _weight(entry: Entry) -> int:
    """Guess the bytes an entry holds."""
    return 1000 + sum(len(said.content) for said in (*entry.messages, *entry.replies))
