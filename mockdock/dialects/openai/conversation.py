"""From the messages on the wire to those of a request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mockdock.request import AudioPart, FilePart, ImagePart, Message, Part, TextPart, ToolCall

__all__ = ["message_of"]


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
