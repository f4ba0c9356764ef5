"""An exchange as the ledger takes it, and its form as JSON."""

from __future__ import annotations

import json
from typing import Any, NamedTuple, cast

from mockdock.accounts import ContentPart, Said
from mockdock.request import ToolCall

__all__ = ["Entry", "decoded", "encoded", "plain"]

_LARGEST_US = 253_402_300_799_999_999


class Entry(NamedTuple):
    """One exchange.

    ``started_us`` is in microseconds since 1970; ``duration_ms`` and ``ttft_ms``
    (None where it was not measured) in milliseconds; ``cost`` in US dollars.
    ``thread`` is None where it belongs to none. Of a key in ``tags`` that comes
    twice the last value counts. ``title``, ``user_id``, ``user_name`` and
    ``public`` say something of the thread where they are not None.
    ``messages`` are all that were sent, history included; ``replies`` are the
    answers, one for each choice. An exchange whose numbers are out of all
    bounds (negative, not finite, above 10^12) is not kept, and reported.
    """

    project: str
    provider: str
    model: str
    started_us: int
    api: str = "chat"
    thread: str | None = None
    run: str | None = None
    label: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    user_id: str | None = None
    user_name: str | None = None
    duration_ms: float = 0.0
    ttft_ms: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    error: bool = False
    status: int = 200
    title: str | None = None
    public: bool | None = None
    messages: tuple[Said, ...] = ()
    replies: tuple[Said, ...] = ()

    @property
    def ended_us(self) -> int:
        """When it ended, in microseconds since 1970; in the year 9999 at the latest."""
        return min(self.started_us + round(self.duration_ms * 1000), _LARGEST_US)


def plain(call: ToolCall) -> list[str]:
    """Give what JSON can hold of a tool call."""
    return [call.id, call.name, call.arguments, call.kind]


encoded = json.JSONEncoder(separators=(",", ":"), check_circular=False, default=plain).encode
"""Write an entry, or a part of one, as JSON without a line break."""


def decoded(values: list[Any]) -> Entry:
    """Make the entry whose JSON was read. Raises TypeError where it is not one."""
    entry = Entry(*values)
    return entry._replace(
        tags=tuple((key, value) for key, value in entry.tags),
        messages=tuple(_said(*each) for each in entry.messages),
        replies=tuple(_said(*each) for each in entry.replies),
    )


def _said(*values: Any) -> Said:
    said = Said(*values)
    return said._replace(
        content_array=tuple(ContentPart(*part) for part in said.content_array),
        tool_calls=tuple(ToolCall(*cast("Any", call)) for call in said.tool_calls),
    )
