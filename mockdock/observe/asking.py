"""What a record's request asked for, read off its body."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

__all__ = ["Asking", "asking"]

_Api = Literal["chat", "completions", "embeddings", "moderations"]
_TOKENS = "(tokens)"
_IMAGE = "(image)"


class Asking(Struct, frozen=True):
    """A request in short.

    ``user`` is the text of the last user message, ``system`` that of all system
    and developer messages; ``turn`` counts the user messages. ``tools`` are the
    names on offer, ``results`` those of the tools whose results end the
    conversation, empty where it is not known. Of an embeddings request ``user`` is
    what is to be embedded, of a moderations request what is to be judged, of a legacy
    completion its prompts, and there is nothing else.
    """

    user: str
    system: str
    turn: int
    tools: tuple[str, ...]
    results: tuple[str, ...]
    api: _Api = "chat"


def asking(record: Mapping[str, Any]) -> Asking | None:
    """Read the request of a record; None when its body is not for one of these APIs."""
    try:
        body = json.loads(record["request"]["body"])
    except (TypeError, ValueError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    messages = body.get("messages")
    if not isinstance(messages, list):
        return _without_messages(body, str(record.get("path", "")))
    said = [each for each in messages if isinstance(each, dict)]
    users = [_text(each) for each in said if each.get("role") == "user"]
    return Asking(
        user=users[-1] if users else "",
        system="\n".join(_text(m) for m in said if m.get("role") in ("system", "developer")),
        turn=len(users),
        tools=tuple(_tools(body)),
        results=tuple(_results(said)),
    )


def _without_messages(body: Mapping[str, Any], path: str) -> Asking | None:
    older = path.endswith("/completions") and not path.endswith("/chat/completions")
    if "prompt" in body or older:
        return _inputs(body.get("prompt") or "", "completions")
    return _inputs(
        body.get("input"), "moderations" if path.endswith("/moderations") else "embeddings"
    )


def _inputs(given: Any, api: _Api) -> Asking | None:
    if not isinstance(given, str | list):
        return None
    listed = [given] if isinstance(given, str) else given
    texts = [_short(each) for each in listed]
    return Asking("\n".join(dict.fromkeys(texts)), "", 0, (), (), api)


def _short(given: Any) -> str:
    """Give a text, or that of a part; tokens and images are only named."""
    if isinstance(given, dict):
        text = given.get("text")
        return text if isinstance(text, str) else _IMAGE
    return given if isinstance(given, str) else _TOKENS


def _text(message: Mapping[str, Any]) -> str:
    """Give the text of a message, its parts joined by a newline."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    texts = [part.get("text") for part in _mappings(content) if part.get("type") == "text"]
    return "\n".join(text for text in texts if isinstance(text, str))


def _tools(body: Mapping[str, Any]) -> list[str]:
    offered = [*_mappings(body.get("tools")), *_mappings(body.get("functions"))]
    return [_name(each) for each in offered]


def _name(tool: Mapping[str, Any]) -> str:
    """Give the name of a tool or of a call, in the old form or the new one."""
    inner = next((tool[key] for key in ("function", "custom") if key in tool), tool)
    return str(inner.get("name", "")) if isinstance(inner, dict) else ""


def _results(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    names = {
        call.get("id"): _name(call)
        for message in messages
        for call in _mappings(message.get("tool_calls"))
    }
    found: list[str] = []
    for message in reversed(messages):
        if message.get("role") == "tool":
            found.insert(0, names.get(message.get("tool_call_id"), ""))
        elif message.get("role") == "function":
            found.insert(0, str(message.get("name", "")))
        else:
            break
    return found


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
