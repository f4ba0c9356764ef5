"""What breaks on purpose: which fault, where in the reply, for how long."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from msgspec import Struct

__all__ = ["OPTIONS", "PLAIN_ONLY", "SPOILS", "STREAM_ONLY", "After", "Fault", "FaultName"]

FaultName = Literal[
    "accept_and_close",
    "bandwidth",
    "broken_tool_call",
    "coalesce",
    "comments",
    "connection_refused",
    "connection_reset",
    "crlf",
    "cut_arguments",
    "double_done",
    "duplicate_chunk",
    "empty_body",
    "empty_choices",
    "empty_response",
    "error_event",
    "false_gzip",
    "finish_without_content",
    "hallucinated_tool",
    "html_error",
    "invalid_json",
    "malformed_chunk",
    "missing_done",
    "missing_usage",
    "redirect",
    "reordered_chunk",
    "slicer",
    "split",
    "stall",
    "truncate",
    "wrong_content_length",
    "wrong_content_type",
    "wrong_model",
]


class After(Struct, frozen=True):
    """The place of a fault in a reply; at most one is given.

    tokens, chunks, bytes: so many of the body have passed. time: so many
    scenario seconds after the request arrived. Without any, the fault is at
    its own default place.
    """

    tokens: int | None = None
    chunks: int | None = None
    bytes: int | None = None
    time: float | None = None


class Fault(Struct, frozen=True):
    """One fault with its options; what is None is the fault's own default.

    lasts, delay: scenario seconds. rate: bytes a second. size: bytes, or
    events of a segment. reset: end with RST, not FIN. by: bytes that a
    content-length lies, negative for too few.
    """

    name: FaultName
    after: After = After()
    lasts: float | None = None
    rate: float | None = None
    size: int | None = None
    delay: float | None = None
    status: int | None = None
    reset: bool = False
    inside: Literal["string", "character"] | None = None
    by: int | None = None
    content_type: str | None = None
    location: str | None = None


STREAM_ONLY: frozenset[FaultName] = frozenset(
    {
        "coalesce",
        "comments",
        "crlf",
        "double_done",
        "duplicate_chunk",
        "error_event",
        "missing_done",
        "reordered_chunk",
        "split",
    }
)
"""Faults that only a reply in events can have."""

PLAIN_ONLY: frozenset[FaultName] = frozenset({"wrong_content_length"})
"""Faults that only a reply of known length can have."""

SPOILS: frozenset[FaultName] = frozenset(
    {
        "broken_tool_call",
        "cut_arguments",
        "empty_choices",
        "finish_without_content",
        "hallucinated_tool",
        "missing_usage",
        "wrong_model",
    }
)
"""Faults of what is said, not of the wire: the engine makes them, before a reply is rendered."""

OPTIONS: Mapping[FaultName, tuple[str, ...]] = MappingProxyType(
    {
        "accept_and_close": ("for",),
        "bandwidth": ("rate",),
        "broken_tool_call": (),
        "coalesce": ("size",),
        "comments": (),
        "connection_refused": ("for",),
        "connection_reset": ("after",),
        "crlf": (),
        "cut_arguments": (),
        "double_done": (),
        "duplicate_chunk": ("after",),
        "empty_body": (),
        "empty_choices": (),
        "empty_response": (),
        "error_event": ("after",),
        "false_gzip": (),
        "finish_without_content": (),
        "hallucinated_tool": (),
        "html_error": ("status",),
        "invalid_json": ("after",),
        "malformed_chunk": ("after",),
        "missing_done": (),
        "missing_usage": (),
        "redirect": ("status", "location"),
        "reordered_chunk": ("after",),
        "slicer": ("size", "delay"),
        "split": (),
        "stall": ("for", "after"),
        "truncate": ("after", "end", "inside"),
        "wrong_content_length": ("by",),
        "wrong_content_type": ("content_type",),
        "wrong_model": (),
    }
)
"""Which options a fault takes, as they are written in a scenario."""
