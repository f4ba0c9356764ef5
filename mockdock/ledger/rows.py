"""Writing entries into the tables, and forgetting the oldest."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from mockdock.accounts import Said
from mockdock.ledger.conversation import digest, link, placed, system_link
from mockdock.ledger.entry import Entry, decoded, encoded, plain

__all__ = ["hold_thread", "last_number", "put", "say_all", "trim", "write"]

_THREAD = """
INSERT INTO thread (project, id, title, user_id, user_name, model_name, score, public,
                    created_us, updated_us, last)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (project, id) DO UPDATE SET
    title = coalesce(excluded.title, title),
    user_id = coalesce(excluded.user_id, user_id),
    user_name = coalesce(excluded.user_name, user_name),
    model_name = excluded.model_name,
    score = coalesce(excluded.score, score),
    public = coalesce(excluded.public, public),
    created_us = min(created_us, excluded.created_us),
    updated_us = max(updated_us, excluded.updated_us),
    last = max(last, excluded.last)
"""
_EXCHANGE = f"INSERT INTO exchange VALUES ({', '.join('?' * 18)})"  # noqa: S608 - ours
_MESSAGE = f"INSERT OR IGNORE INTO message VALUES (NULL, {', '.join('?' * 12)})"  # noqa: S608 - ours
_REFUSED = (
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    OverflowError,
    TypeError,
    ValueError,
)
"""What is wrong with an entry, not with the disk."""
_written = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=plain).encode
_TAG = "INSERT OR REPLACE INTO tag VALUES (?, ?, ?)"


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
    for number, entry in numbered:
        connection.execute("SAVEPOINT entry")
        try:
            try:
                _put(connection, number, entry)
            except UnicodeEncodeError:
                _put(connection, number, _clean(entry))
        except _REFUSED as error:
            connection.execute("ROLLBACK TO entry")
            refused.append(f"an exchange with {entry.model!r} cannot be kept: {error}")
        connection.execute("RELEASE entry")
    return refused


def hold_thread(
    connection: sqlite3.Connection, number: int, entry: Entry, score: float | None = None
) -> int:
    """Make an entry's thread, or bring it up to date, and give its key."""
    connection.execute(
        _THREAD,
        (
            *(entry.project, entry.thread, entry.title, entry.user_id, entry.user_name),
            *(entry.model, score, entry.public, entry.started_us, entry.ended_us, number),
        ),
    )
    found: tuple[int] = connection.execute(
        "SELECT key FROM thread WHERE project = ? AND id = ?", (entry.project, entry.thread)
    ).fetchone()
    return found[0]


def say_all(connection: sqlite3.Connection, key: int, entry: Entry) -> None:
    """Add to a thread what is new to it of an entry's messages, and its replies."""
    digests = {said: digest(said) for said in (*entry.messages, *entry.replies)}
    links = [digests[said] for said in entry.messages if said.type != "system"]
    held, end = placed(connection, key, links)
    place = 0
    for said in entry.messages:
        if said.type == "system":
            own = digests[said]
            _say(connection, key, entry, said, (system_link(own), own), entry.started_us)
            continue
        place += 1
        if place > held:
            end = link(end, digests[said])
            _say(connection, key, entry, said, (end, digests[said]), entry.started_us)
    for said in entry.replies:
        chain = (link(end, digests[said]), digests[said])
        _say(connection, key, entry, said, chain, entry.ended_us)


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


def _put(connection: sqlite3.Connection, number: int, entry: Entry) -> None:
    key = None
    if entry.thread is not None:
        key = hold_thread(connection, number, entry)
        say_all(connection, key, entry)
    connection.execute(
        _EXCHANGE,
        (
            *(number, entry.project, key, entry.provider, entry.model, entry.api, entry.run),
            *(entry.label, entry.user_id, entry.user_name, entry.started_us, entry.duration_ms),
            *(entry.ttft_ms, entry.input_tokens, entry.output_tokens, entry.cost),
            *(entry.error, entry.status),
        ),
    )
    if entry.tags:
        connection.executemany(_TAG, [(number, name, value) for name, value in entry.tags])


def _say(
    connection: sqlite3.Connection,
    key: int,
    entry: Entry,
    said: Said,
    chain: tuple[bytes, bytes],
    at_us: int,
) -> None:
    connection.execute(
        _MESSAGE,
        (
            *(key, *chain, said.type, said.content_type, said.content),
            *(_text(said.content_array), said.tool_call_id, _text(said.tool_calls)),
            *(entry.model, entry.user_id, at_us),
        ),
    )


def _text(values: tuple[object, ...]) -> str:
    return _written(values) if values else "[]"


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
