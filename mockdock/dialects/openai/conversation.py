"""From the messages on the wire to those of a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mockdock.request import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    Part,
    Role,
    TextPart,
    ToolCall,
)

__all__ = ["message_of", "plain_messages", "plain_words"]

_PLAIN_ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
}


def plain_messages(sent: object, most: int) -> tuple[Message, ...] | None:
    """Read messages that are nothing but a role and a text, ``most`` of them or fewer.

    None where any is more, or something else: there is nothing about such a message that
    could be wrong, and about any other a lot.
    """
    said = plain_words(sent, most)
    if said is None:
        return None
    return tuple([Message(role, (TextPart(text),)) for role, text in said])


def plain_words(sent: object, most: int) -> list[tuple[Role, str]] | None:
    """Read the roles and texts of messages that are nothing else, as ``plain_messages`` does."""
    if not isinstance(sent, list) or not 0 < len(sent) <= most:
        return None
    read = []
    try:
        for each in sent:
            role, content = _PLAIN_ROLES[each["role"]], each["content"]
            if len(each) != _TWO or not isinstance(content, str):
                return None
            read.append((role, content))
    except (KeyError, TypeError):  # another role, or no object with both
        return None
    return read


_TWO = 2
"""A role and a content."""


def message_of(message: Any) -> Message:
    """Read one valid message."""
    role = message.role
    calls: tuple[ToolCall, ...] = ()
    parts = () if message.content is None else _parts(message.content)
    if role == "assistant":
        calls = _calls(message)
        if message.refusal:
            parts = (*parts, TextPart(message.refusal))
    return Message(
        role=role,
        parts=parts,
        name=getattr(message, "name", "") or None,
        tool_calls=calls,
        tool_call_id=message.tool_call_id if role == "tool" else None,
    )


def _parts(content: str | Sequence[Any]) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (TextPart(content),)
    return tuple(_part(part) for part in content)


def _part(part: Any) -> Part:
    match part.type:
        case "image_url":
            return ImagePart(part.image_url.url, part.image_url.detail)
        case "input_audio":
            return AudioPart(part.input_audio.data, part.input_audio.format)
        case "file":
            file = part.file
            return FilePart(file.file_id or None, file.filename or None, file.file_data or None)
        case "refusal":
            return TextPart(part.refusal)
        case _:
            return TextPart(part.text)


def _calls(message: Any) -> tuple[ToolCall, ...]:
    if message.function_call is not None:
        call = message.function_call
        return (ToolCall("", call.name, call.arguments, "legacy"),)
    return tuple(
        ToolCall(call.id, call.function.name, call.function.arguments)
        if call.type == "function"
        else ToolCall(call.id, call.custom.name, call.custom.input, "custom")
        for call in message.tool_calls or ()
    )
