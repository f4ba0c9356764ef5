"""The message of a choice, as a whole: in a plain reply and in a stored completion."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from mockdock.dialects.openai.told import is_legacy, shown_calls
from mockdock.reply import Call, Choice, Spoken
from mockdock.request import ToolCall

__all__ = ["told_call", "told_message"]


def told_message(choice: Choice) -> dict[str, Any]:
    """Give the message object, keys in wire order."""
    message: dict[str, Any] = {"role": "assistant", "content": choice.text}
    calls = shown_calls(choice)
    if is_legacy(calls):
        message["function_call"] = {"name": calls[0].name, "arguments": calls[0].arguments}
    elif calls:
        message["tool_calls"] = [told_call(call) for call in calls]
    message["refusal"] = choice.refusal_text
    if choice.spoken is not None:
        message["audio"] = _audio(choice.spoken)
    message["annotations"] = []
    return message


def _audio(spoken: Spoken) -> dict[str, Any]:
    return {
        "id": spoken.id,
        "data": b64encode(spoken.data).decode(),
        "expires_at": spoken.expires_at,
        "transcript": spoken.text,
    }


def told_call(call: Call | ToolCall) -> dict[str, Any]:
    """Give one of the ``tool_calls`` of a message, keys in wire order."""
    if call.kind == "custom":
        called = {"name": call.name, "input": call.arguments}
        return {"id": call.id, "type": "custom", "custom": called}
    called = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": called}
