"""Writing entries into the tables, and forgetting the oldest."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence

from mockdock.ledger.batch import Batch
from mockdock.ledger.entry import Entry, decoded, encoded

__all__ = ["last_number", "put", "trim", "write"]

_MANY = 50
"""Entries that are written together, and each by itself where one of them cannot be kept.

Gathering their rows takes less than a millisecond, in which no other thread runs.
"""
_REFUSED = (
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    OverflowError,
    TypeError,
    ValueError,
)
"""What is wrong with an entry, not with the disk."""


def last_number(connection: sqlite3.Connection) -> int:
    """Give the number of the exchange written last, 0 where there was none."""
    found: int = connection.execute("SELECT value FROM meta WHERE key = 'last'").fetchone()[0]
    return found


def put(connection: sqlite3.Connection, numbered: Iterable[tuple[int, Entry]]) -> list[str]:
    """Write entries that are new inside a transaction, in their order, each by its number.

    Numbers rise from batch to batch, so what a spool still holds is not written
    twice. Gives the reason for each entry that cannot be kept, and leaves that out.
    """
    last = last_number(connection)
    new = [(number, entry) for number, entry in numbered if number > last]
    if not new:
        return []
    refused = write(connection, new)
    connection.execute("UPDATE meta SET value = ? WHERE key = 'last'", (new[-1][0],))
    return refused


def write(connection: sqlite3.Connection, numbered: Iterable[tuple[int, Entry]]) -> list[str]:
    """Write entries as :func:`put` does, whatever their numbers."""
    refused = []
    every = list(numbered)
    for start in range(0, len(every), _MANY):
        some = every[start : start + _MANY]
        if _refusal(connection, some) is None:
            continue
        for number, entry in some:
            wrong = _refusal(connection, [(number, entry)])
            if isinstance(wrong, UnicodeEncodeError):
                wrong = _refusal(connection, [(number, _clean(entry))])
            if wrong is not None:
                refused.append(f"an exchange with {entry.model!r} cannot be kept: {wrong}")
    return refused


def trim(connection: sqlite3.Connection, most_bytes: int) -> int:
    """Forget the threads longest unused until the tables take less, and tell how many exchanges.

    Inside a transaction. A tenth of the threads goes at a time, and with them the
    exchanges without a thread that are as old.
    """
    forgotten = 0
    while _size(connection) > most_bytes:
        threads = connection.execute("SELECT count(*) FROM thread").fetchone()[0]
        lone = connection.execute("SELECT count(*) FROM exchange").fetchone()[0]
        if not threads and not lone:
            break
        table, column, count = (
            ("thread", "last", threads) if threads else ("exchange", "number", lone)
        )
        cut = connection.execute(
            f"SELECT {column} FROM {table} ORDER BY {column} LIMIT 1 OFFSET ?",  # noqa: S608 - ours
            (count // 10,),
        ).fetchone()
        forgotten += _forget(connection, cut[0])
    return forgotten


def _refusal(
    connection: sqlite3.Connection, numbered: Sequence[tuple[int, Entry]]
) -> Exception | None:
    """Write entries, or tell what is wrong with any of them; then none is written."""
    connection.execute("SAVEPOINT entries")
    wrong = None
    try:
        batch = Batch(connection, (entry for _, entry in numbered))
        for number, entry in numbered:
            batch.put(number, entry)
        batch.flush()
    except _REFUSED as error:
        connection.execute("ROLLBACK TO entries")
        wrong = error
    connection.execute("RELEASE entries")
    return wrong


def _clean(entry: Entry) -> Entry:
    """Replace halves of surrogate pairs, which SQLite holds no more than UTF-8 does."""
    text = json.dumps(json.loads(encoded(entry)), ensure_ascii=False)
    return decoded(json.loads(text.encode("utf-8", "replace")))


def _size(connection: sqlite3.Connection) -> int:
    """Give the bytes in use, without pages that are free."""
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    used: int = (pages - free) * size
    return used


def _forget(connection: sqlite3.Connection, cut: int) -> int:
    """Forget the threads last used up to a number, and what is as old without a thread."""
    old = "SELECT key FROM thread WHERE last <= ?1"
    exchanges = (
        f"SELECT number FROM exchange WHERE thread IN ({old}) "  # noqa: S608 - ours
        "OR (thread IS NULL AND number <= ?1)"
    )
    connection.execute(f"DELETE FROM tag WHERE exchange IN ({exchanges})", (cut,))  # noqa: S608
    gone = connection.execute(f"DELETE FROM exchange WHERE number IN ({exchanges})", (cut,))  # noqa: S608
    connection.execute(f"DELETE FROM message WHERE thread IN ({old})", (cut,))  # noqa: S608
    connection.execute("DELETE FROM thread WHERE last <= ?1", (cut,))
    return gone.rowcount
