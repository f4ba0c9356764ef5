"""Forgetting projects."""

from __future__ import annotations

import sqlite3

__all__ = ["forget"]

_OF_EXCHANGES = "SELECT number FROM exchange WHERE project >= ?1 AND project < ?2"
_OF_THREADS = "SELECT key FROM thread WHERE project >= ?1 AND project < ?2"


def forget(connection: sqlite3.Connection, prefix: str) -> None:
    """Delete all of the projects whose ids begin with a prefix, which ends in ASCII."""
    ends = (prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1))
    connection.execute(f"DELETE FROM tag WHERE exchange IN ({_OF_EXCHANGES})", ends)  # noqa: S608
    connection.execute(f"DELETE FROM message WHERE thread IN ({_OF_THREADS})", ends)  # noqa: S608
    for table in ("exchange", "thread", "model", "price"):
        connection.execute(
            f"DELETE FROM {table} WHERE project >= ?1 AND project < ?2",  # noqa: S608
            ends,
        )
    connection.execute("DELETE FROM seeded WHERE name >= ?1 AND name < ?2", ends)
