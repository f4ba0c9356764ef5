"""The tables, and how a database is opened that has them."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from mockdock.errors import LedgerError
from mockdock.ledger.quantiles import Quantiles

__all__ = ["VERSION", "connect"]

VERSION = 1
"""Of the tables; kept in ``PRAGMA user_version``."""

_APPLICATION = 0x6D6B6C67
_PATIENCE = 1.0
_CACHE_KIB = 32_000
_MOST = 10**12

_TABLES = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE seeded (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE thread (
    key INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    id TEXT NOT NULL,
    title TEXT,
    user_id TEXT,
    user_name TEXT,
    model_name TEXT NOT NULL,
    score REAL,
    public INTEGER,
    created_us INTEGER NOT NULL,
    updated_us INTEGER NOT NULL,
    last INTEGER NOT NULL,
    UNIQUE (project, id)
);
CREATE INDEX thread_by_age ON thread (project, created_us);
CREATE INDEX thread_by_use ON thread (last);
CREATE TABLE message (
    number INTEGER PRIMARY KEY,
    thread INTEGER NOT NULL,
    chain BLOB NOT NULL,
    digest BLOB NOT NULL,
    type TEXT NOT NULL,
    content_type TEXT NOT NULL,
    content TEXT NOT NULL,
    content_array TEXT NOT NULL,
    tool_call_id TEXT,
    tool_calls TEXT NOT NULL,
    model_name TEXT NOT NULL,
    user_id TEXT,
    created_us INTEGER NOT NULL,
    UNIQUE (thread, chain)
);
CREATE INDEX message_by_digest ON message (thread, digest);
CREATE TABLE exchange (
    number INTEGER PRIMARY KEY,
    project TEXT NOT NULL,
    thread INTEGER,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    api TEXT NOT NULL,
    run TEXT,
    label TEXT,
    user_id TEXT,
    user_name TEXT,
    started_us INTEGER NOT NULL CHECK (started_us BETWEEN 0 AND 253402300799999999),
    duration_ms REAL NOT NULL CHECK (duration_ms BETWEEN 0 AND {_MOST}),
    ttft_ms REAL CHECK (ttft_ms BETWEEN 0 AND {_MOST}),
    input_tokens INTEGER NOT NULL CHECK (input_tokens BETWEEN 0 AND {_MOST}),
    output_tokens INTEGER NOT NULL CHECK (output_tokens BETWEEN 0 AND {_MOST}),
    cost REAL NOT NULL CHECK (cost BETWEEN 0 AND {_MOST}),
    error INTEGER NOT NULL,
    status INTEGER NOT NULL
);
CREATE INDEX exchange_by_time ON exchange (project, started_us);
CREATE INDEX exchange_by_thread ON exchange (thread);
CREATE TABLE tag (
    exchange INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (exchange, key)
) WITHOUT ROWID;
CREATE TABLE model (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    public INTEGER NOT NULL,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    fields TEXT NOT NULL
);
CREATE INDEX model_by_name ON model (name);
CREATE TABLE price (
    project TEXT NOT NULL,
    model TEXT NOT NULL,
    valid_from_us INTEGER NOT NULL,
    per_input_token REAL NOT NULL,
    per_output_token REAL NOT NULL,
    PRIMARY KEY (project, model, valid_from_us)
) WITHOUT ROWID;
"""


def connect(path: Path | None) -> sqlite3.Connection:
    """Open a ledger's database, in memory or a file, and make the tables where it is new.

    A file is locked as long as the connection is open. Raises LedgerError for
    one that cannot be opened, is in use, or is not a ledger of this version.
    """
    if path is None:
        connection = _connection(":memory:")
        _begin(connection)
        return connection
    try:
        _make_private(path)
        connection = _connection(str(path))
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(f"{path}: the ledger cannot be opened: {_why(error)}") from error
    try:
        with _told(path):
            # The lock of SQLite itself keeps a second process out; it ends with this one.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            _check(path, connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            _begin(connection)
    except LedgerError:
        connection.close()
        raise
    return connection


def _connection(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        name, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.create_aggregate("quantiles", 1, cast("Any", Quantiles))  # its stub wants ints
    return connection


def _make_private(path: Path) -> None:
    """Make a new file that only its owner may read: it will hold conversations."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    if not path.is_file():
        raise LedgerError(f"{path}: a ledger is a file, and this is none")


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say in our words what SQLite says."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise LedgerError(f"{path}: the ledger is in use by another server") from error
        raise LedgerError(f"{path}: the ledger cannot be opened: {error}") from error
    except sqlite3.DatabaseError as error:
        raise LedgerError(f"{path}: this is not a ledger: {error}") from error


def _check(path: Path, connection: sqlite3.Connection) -> None:
    """Refuse what is not ours before anything in it is changed."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    finally:
        connection.execute("ROLLBACK")
    if application != _APPLICATION and (tables or application or version):
        raise LedgerError(f"{path}: this is the database of another program, not a ledger")
    if version > VERSION:
        raise LedgerError(
            f"{path}: this ledger has version {version}, and this mockdock knows {VERSION}; "
            "use a newer mockdock, or another file"
        )


def _begin(connection: sqlite3.Connection) -> None:
    """Make the tables, in one transaction, where there are none."""
    if connection.execute("PRAGMA user_version").fetchone()[0]:
        return
    connection.executescript(
        f"BEGIN IMMEDIATE;{_TABLES}"  # noqa: S608 - ours
        f"INSERT INTO meta VALUES ('id', '{uuid4()}'), ('last', 0);"
        f"PRAGMA application_id = {_APPLICATION};"
        f"PRAGMA user_version = {VERSION};"
        "COMMIT;"
    )


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
