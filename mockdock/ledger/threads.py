"""Queries about threads."""

from __future__ import annotations

import json
import sqlite3
from typing import Any
from uuid import UUID, uuid5

from msgspec.structs import replace

from mockdock.accounts import ContentPart, StoredMessage, Thread, ThreadCost, ThreadPage
from mockdock.request import ToolCall

__all__ = ["cost_of", "messages_of", "page", "thread_of"]

_NAMESPACE = UUID("0b1f6f34-6f5c-5d0e-9c3a-5a2f6f9d7e11")
_FIELDS = (
    "id, project, title, user_id, user_name, model_name, score, coalesce(public, 0), "
    "created_us, updated_us"
)
_MESSAGE = (
    "chain, ?2, type, content_type, content, content_array, tool_call_id, tool_calls, model_name, "
    "user_id, created_us"
)
_SUMS = "total(cost), coalesce(sum(output_tokens), 0), coalesce(sum(input_tokens), 0)"
_KEY = "(SELECT key FROM thread WHERE project = ?1 AND id = ?2)"


def page(connection: sqlite3.Connection, project: str, limit: int, offset: int) -> ThreadPage:
    """Give the threads of a project, those created last first."""
    total = connection.execute(
        "SELECT count(*) FROM thread WHERE project = ?", (project,)
    ).fetchone()[0]
    found = connection.execute(
        f"SELECT {_FIELDS} FROM thread WHERE project = ? "  # noqa: S608 - ours
        "ORDER BY created_us DESC, key DESC LIMIT ? OFFSET ?",
        (project, limit, offset),
    )
    return ThreadPage(tuple(map(_thread, found)), limit, offset, total)


def thread_of(connection: sqlite3.Connection, project: str, thread: str) -> Thread | None:
    """Give a thread, None where the project has none of this id."""
    found = connection.execute(
        f"SELECT {_FIELDS} FROM thread WHERE project = ? AND id = ?",  # noqa: S608 - ours
        (project, thread),
    ).fetchone()
    return None if found is None else _thread(found)


def messages_of(
    connection: sqlite3.Connection, project: str, thread: str
) -> tuple[StoredMessage, ...] | None:
    """Give the messages of a thread in the order they were added, None for no such thread."""
    if thread_of(connection, project, thread) is None:
        return None
    found = connection.execute(
        f"SELECT {_MESSAGE} FROM message WHERE thread = {_KEY} ORDER BY number",  # noqa: S608 - ours
        (project, thread),
    )
    return tuple(_message(project, row) for row in found)


def cost_of(connection: sqlite3.Connection, project: str, thread: str) -> ThreadCost | None:
    """Sum up the exchanges of a thread, None for no such thread."""
    if thread_of(connection, project, thread) is None:
        return None
    found = connection.execute(
        f"SELECT {_SUMS} FROM exchange WHERE thread = {_KEY}",  # noqa: S608 - ours
        (project, thread),
    ).fetchone()
    return ThreadCost(*found)


def _thread(row: tuple[Any, ...]) -> Thread:
    thread = Thread(*row)
    return replace(thread, public=bool(thread.public))


def _message(project: str, row: tuple[Any, ...]) -> StoredMessage:
    message = StoredMessage(*row)
    return replace(
        message,
        id=str(uuid5(_NAMESPACE, f"{project}/{message.thread}/{row[0].hex()}")),
        content_array=tuple(ContentPart(*part) for part in json.loads(row[5])),
        tool_calls=tuple(ToolCall(*call) for call in json.loads(row[7])),
    )
