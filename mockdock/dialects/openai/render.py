"""From a reply to bytes: one JSON body, or the events of a stream.

Keys come in the order recorded from api.openai.com in March 2026; bodies are
indented by two spaces, text is not escaped beyond JSON.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import orjson

from mockdock.dialects.openai.events import events
from mockdock.dialects.openai.failures import tell
from mockdock.dialects.openai.stored import told_stored, worded
from mockdock.dialects.openai.told import is_legacy, said_logprobs, shown_calls, told_usage
from mockdock.frames import Frame
from mockdock.reply import (
    Call,
    Choice,
    Completion,
    Deleted,
    Failure,
    MessagePage,
    ModelCard,
    ModelDeleted,
    ModelList,
    Reply,
    StoredCompletion,
    StoredPage,
)
from mockdock.request import Request

__all__ = ["frames"]


def frames(request: Request | None, reply: Reply) -> Iterator[Frame]:
    """Render a reply; only a completion asked as a stream has several frames."""
    match reply:
        case Failure():
            told = tell(worded(request, reply))
            yield Frame(orjson.dumps(told.body(), option=orjson.OPT_INDENT_2))
        case ModelCard():
            yield Frame(_pretty(_card(reply)))
        case ModelDeleted(id=name):
            yield Frame(_pretty({"id": name, "object": "model", "deleted": True}))
        case ModelList(models=models):
            yield Frame(_pretty({"object": "list", "data": [_card(model) for model in models]}))
        case StoredCompletion() | StoredPage() | MessagePage() | Deleted():
            yield Frame(_pretty(told_stored(request, reply, _message)))
        case Completion():
            if request is not None and request.stream:
                yield from events(reply, with_usage=request.include_usage)
            else:
                tokens = max(_tokens(choice) for choice in reply.choices)
                yield Frame(_pretty(_completion(reply)), tokens)


def _pretty(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _card(model: ModelCard) -> dict[str, Any]:
    return {
        "id": model.id,
        "object": "model",
        "created": model.created,
        "owned_by": model.owned_by,
    }


def _tokens(choice: Choice) -> int:
    spoken = () if choice.spoken is None else choice.spoken.transcript
    words = (choice.content or (), choice.refusal or (), spoken)
    runs = [*words, *(call.pieces for call in choice.calls)]
    return sum(piece.tokens for run in runs for piece in run)


def _completion(reply: Completion) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{reply.id}",
        "object": "chat.completion",
        "created": reply.created,
        "model": reply.model,
        "choices": [_choice(choice, reply) for choice in reply.choices],
        "usage": told_usage(reply.usage),
        "service_tier": reply.service_tier,
        "system_fingerprint": reply.system_fingerprint,
    }


def _choice(choice: Choice, reply: Completion) -> dict[str, Any]:
    told: dict[str, Any] = {"index": choice.index, "message": _message(choice)}
    if not reply.reasoning_model:
        told["logprobs"] = said_logprobs(choice) if reply.logprobs else None
    told["finish_reason"] = choice.finish
    return told


def _message(choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": choice.text}
    calls = shown_calls(choice)
    if is_legacy(calls):
        message["function_call"] = {"name": calls[0].name, "arguments": calls[0].arguments}
    elif calls:
        message["tool_calls"] = [_tool_call(call) for call in calls]
    message["refusal"] = choice.refusal_text
    if choice.spoken is not None:
        message["audio"] = {
            "id": choice.spoken.id,
            "data": b64encode(choice.spoken.data).decode(),
            "expires_at": choice.spoken.expires_at,
            "transcript": choice.spoken.text,
        }
    message["annotations"] = []
    return message


def _tool_call(call: Call) -> dict[str, Any]:
    if call.kind == "custom":
        called = {"name": call.name, "input": call.arguments}
        return {"id": call.id, "type": "custom", "custom": called}
    called = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": called}
