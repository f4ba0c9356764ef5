"""Whether a reply that was sent in full was of use, by the faults that were meant for it.

A fault may have changed nothing: one of tool calls had none to change, the place of
another lies behind the end of the reply, one of streams does not fit a plain reply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from mockdock.fault import PLAIN_ONLY, STREAM_ONLY

__all__ = ["HARMLESS", "usable"]

HARMLESS = frozenset(
    {
        "bandwidth",
        "coalesce",
        "comments",
        "crlf",
        "double_done",
        "missing_usage",
        "slicer",
        "split",
        "stall",
        "wrong_model",
    }
)
"""Faults that leave a reply usable when it is sent in full."""

ENDING = frozenset(
    {
        "accept_and_close",
        "connection_refused",
        "connection_reset",
        "empty_response",
        "malformed_chunk",
        "truncate",
    }
)
"""Faults that end the connection: where the reply was sent in full, they did not come."""

_DATA = "data:"
_DONE = "[DONE]"


def usable(record: Mapping[str, Any]) -> bool:
    """Tell whether a success that was sent in full is what was meant to be said."""
    names = list(record.get("faults") or ())
    words = list(record.get("injected") or ())
    options = words if len(words) == len(names) else [{}] * len(names)
    pairs = zip(names, options, strict=True)
    return all(_left_alone(name, each, record) for name, each in pairs)


def _left_alone(name: str, options: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    if name in HARMLESS or name in ENDING:
        return True
    if name in (PLAIN_ONLY if record.get("stream") else STREAM_ONLY):
        return True
    look = _LOOKS.get(name)
    return look is not None and look(record, options)


def _without_calls(record: Mapping[str, Any], _: Mapping[str, Any]) -> bool:
    choices = record["reply"].get("choices")
    return bool(choices) and not any(each.get("tool_calls") for each in choices)


def _not_reached(record: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    """Tell whether a reply ended before the place of a fault that repeats or moves a chunk."""
    after, outcome = options.get("after") or {}, record["outcome"]
    lengths = {
        "chunks": outcome["frames"],
        "bytes": outcome["bytes"],
        "tokens": (record.get("usage") or {}).get("completion_tokens"),
    }
    return any(
        lengths.get(name) is not None and lengths[name] <= place for name, place in after.items()
    )


def _done(record: Mapping[str, Any], _: Mapping[str, Any]) -> bool:
    """Tell whether a stream came to its end: an error as an event is the last one."""
    return any(each == _DONE for each in _events(record))


def _all_json(record: Mapping[str, Any], _: Mapping[str, Any]) -> bool:
    """Tell whether a body is JSON, or every event of a stream."""
    told = _events(record) if record.get("stream") else [_text(record)]
    return all(_is_json(each) for each in told if each != _DONE)


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _events(record: Mapping[str, Any]) -> Iterator[str]:
    for line in _text(record).splitlines():
        if line.startswith(_DATA):
            yield line.removeprefix(_DATA).strip()


def _text(record: Mapping[str, Any]) -> str:
    return "".join(each for each in record["reply"]["chunks"] if isinstance(each, str))


_LOOKS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], bool]] = {
    "broken_tool_call": _without_calls,
    "cut_arguments": _without_calls,
    "duplicate_chunk": _not_reached,
    "error_event": _done,
    "invalid_json": _all_json,
    "reordered_chunk": _not_reached,
}
"""Of faults that may have changed nothing: whether they have not."""
