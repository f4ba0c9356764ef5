"""Entries on their way into the tables: their rows are gathered, and written many at a time.

SQLite lets go of the interpreter for every statement, and the thread that answers has to
give it back each time: so few long statements are better than many short ones.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from mockdock.accounts import Said
from mockdock.ledger.conversation import MOST_STARTS, ROOT, digest, link, placed, system_link
from mockdock.ledger.entry import Entry, plain

__all__ = ["Batch"]

Row = Sequence[Any]

_SIZES = (50, 10, 1)
"""Rows of a statement; the largest table has 18 columns, and older SQLites take 999 values."""
_THREAD = (
    """
INSERT INTO thread (project, id, title, user_id, user_name, model_name, score, public,
                    created_us, updated_us, last, key) VALUES
""",
    """
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
""",
)
_MESSAGE = (
    """
INSERT OR IGNORE INTO message (thread, chain, digest, type, content_type, content, content_array,
                               tool_call_id, tool_calls, model_name, user_id, created_us) VALUES
""",
    "",
)
_EXCHANGE = ("INSERT INTO exchange VALUES", "")
_TAG = ("INSERT OR REPLACE INTO tag VALUES", "")
_written = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=plain).encode


class Batch:
    """Gathers rows inside a transaction; nothing is whole before :meth:`flush`.

    ``entries`` are all that will be put, or held.
    """

    def __init__(self, connection: sqlite3.Connection, entries: Iterable[Entry]) -> None:
        self._connection = connection
        self._keys: dict[tuple[str, str | None], int] = {}
        self._find({(each.project, each.thread) for each in entries if each.thread is not None})
        last = connection.execute("SELECT max(key) FROM thread").fetchone()[0]
        self._next = (last or 0) + 1
        self._silent: set[int] = set()
        """Threads without a message."""
        self._held: set[tuple[int, bytes]] = set()
        """Links of messages that were gathered."""
        self._digests: dict[Said, bytes] = {}
        self._threads: list[Row] = []
        self._messages: list[Row] = []
        self._exchanges: list[Row] = []
        self._tags: list[Row] = []

    def put(self, number: int, entry: Entry) -> None:
        """Gather all of an entry."""
        key = None
        if entry.thread is not None:
            key = self.hold(number, entry)
            self.say(key, entry)
        self._exchanges.append(
            (
                *(number, entry.project, key, entry.provider, entry.model, entry.api, entry.run),
                *(entry.label, entry.user_id, entry.user_name, entry.started_us),
                *(entry.duration_ms, entry.ttft_ms, entry.input_tokens, entry.output_tokens),
                *(entry.cost, entry.error, entry.status),
            )
        )
        if entry.tags:
            self._tags += [(number, name, value) for name, value in entry.tags]

    def hold(self, number: int, entry: Entry, score: float | None = None) -> int:
        """Make an entry's thread, or bring it up to date, and give its key."""
        name = entry.project, entry.thread
        key, made = self._keys.get(name), None
        if key is None:
            key = made = self._keys[name] = self._next
            self._silent.add(key)
            self._next += 1
        self._threads.append(
            (
                *(entry.project, entry.thread, entry.title, entry.user_id, entry.user_name),
                *(entry.model, score, entry.public, entry.started_us, entry.ended_us, number),
                made,
            )
        )
        return key

    def say(self, key: int, entry: Entry) -> None:
        """Add to a thread what is new to it of an entry's messages, and its replies."""
        digests = [self._digest(said) for said in entry.messages]
        held, end = 0, ROOT
        if key not in self._silent:
            links = [
                own
                for own, said in zip(digests, entry.messages, strict=True)
                if said.type != "system"
            ]
            held, end = placed(links, lambda chain: self._holds(key, chain), self._starts(key))
        place = 0
        for said, own in zip(entry.messages, digests, strict=True):
            if said.type == "system":
                self._say(key, entry, said, (system_link(own), own), entry.started_us)
                continue
            place += 1
            if place > held:
                end = link(end, own)
                self._say(key, entry, said, (end, own), entry.started_us)
        for said in entry.replies:
            own = self._digest(said)
            self._say(key, entry, said, (link(end, own), own), entry.ended_us)

    def flush(self) -> None:
        """Write what was gathered."""
        for table, rows in (
            (_THREAD, self._threads),
            (_MESSAGE, self._messages),
            (_EXCHANGE, self._exchanges),
            (_TAG, self._tags),
        ):
            _insert(self._connection, table, rows)
            rows.clear()

    def _find(self, names: set[tuple[str, str | None]]) -> None:
        """Look up the keys of threads that are there."""
        query = "SELECT project, id, key FROM thread WHERE (project, id) IN (VALUES"
        for some in _pieces(list(names)):
            marks = ", ".join(["(?, ?)"] * len(some))
            for project, name, key in self._connection.execute(
                f"{query} {marks})",
                tuple(chain.from_iterable(some)),
            ):
                self._keys[project, name] = key

    def _digest(self, said: Said) -> bytes:
        found = self._digests.get(said)
        if found is None:
            found = self._digests[said] = digest(said)
        return found

    def _holds(self, key: int, chain: bytes) -> bool:
        if (key, chain) in self._held:
            return True
        found = self._connection.execute(
            "SELECT 1 FROM message WHERE thread = ? AND chain = ?", (key, chain)
        )
        return found.fetchone() is not None

    def _starts(self, key: int) -> Any:
        def starts(own: bytes) -> list[bytes]:
            _insert(self._connection, _MESSAGE, self._messages)
            self._messages.clear()
            found = self._connection.execute(
                "SELECT chain FROM message WHERE thread = ? AND digest = ? "
                "ORDER BY number DESC LIMIT ?",
                (key, own, MOST_STARTS),
            )
            return [chain for (chain,) in found]

        return starts

    def _say(
        self, key: int, entry: Entry, said: Said, chain: tuple[bytes, bytes], at_us: int
    ) -> None:
        place = key, chain[0]
        if place in self._held:
            return
        self._held.add(place)
        self._silent.discard(key)
        self._messages.append(
            (
                *(key, *chain, said.type, said.content_type, said.content),
                *(_text(said.content_array), said.tool_call_id, _text(said.tool_calls)),
                *(entry.model, entry.user_id, at_us),
            )
        )


def _insert(connection: sqlite3.Connection, table: tuple[str, str], rows: Sequence[Row]) -> None:
    for some in _pieces(rows):
        marks = f"({', '.join('?' * len(some[0]))})"
        values = ", ".join([marks] * len(some))
        connection.execute(f"{table[0]} {values} {table[1]}", tuple(chain.from_iterable(some)))


def _pieces(rows: Sequence[Row]) -> Iterable[Sequence[Row]]:
    """Cut rows into pieces of few sizes, so that there are few statements to prepare."""
    start = 0
    for size in _SIZES:
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size


def _text(values: tuple[object, ...]) -> str:
    return _written(values) if values else "[]"
