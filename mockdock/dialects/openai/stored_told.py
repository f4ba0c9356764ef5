"""The objects that answer operations on stored completions.

They have the keys and the order of the API reference's examples, with
``refusal`` and ``audio`` of the message, which the specification wants.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockdock.dialects.openai.message import told_message
from mockdock.dialects.openai.told import PREFIX, said_logprobs
from mockdock.reply import (
    Choice,
    Completion,
    Deleted,
    MessagePage,
    StoredCompletion,
    StoredPage,
    StoredReply,
)
from mockdock.request import Request

__all__ = ["told_stored"]

Told = dict[str, Any]


def told_stored(request: Request | None, reply: StoredReply) -> Told:
    """Give the object of any of these operations."""
    wanted = None if request is None else request.stored
    named = "" if wanted is None else wanted.named
    match reply:
        case StoredCompletion():
            return _completion(reply, named)
        case StoredPage():
            shown = [_completion(each, _named(each.completion)) for each in reply.items]
            return _page(shown, more=reply.more)
        case MessagePage():
            shown = [_message(reply.stored, number, named) for number in reply.numbers]
            return _page(shown, more=reply.more)
        case Deleted():
            return {"object": "chat.completion.deleted", "id": named, "deleted": True}


def _named(completion: Completion) -> str:
    return f"{PREFIX}{completion.id}"


def _page(shown: list[Told], *, more: bool) -> Told:
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": more,
    }


def _completion(stored: StoredCompletion, named: str) -> Told:
    completion, asked = stored.completion, stored.asked
    usage = completion.usage
    return {
        "object": "chat.completion",
        "id": named,
        "model": completion.model,
        "created": completion.created,
        "request_id": f"req_{stored.request_id}",
        "tool_choice": asked.body.get("tool_choice"),
        "usage": {
            "total_tokens": usage.total_tokens,
            "completion_tokens": usage.completion_tokens,
            "prompt_tokens": usage.prompt_tokens,
        },
        "seed": _seed(stored) if asked.seed is None else asked.seed,
        "top_p": _number(asked.top_p, 1.0),
        "temperature": _number(asked.temperature, 1.0),
        "presence_penalty": _number(asked.body.get("presence_penalty"), 0.0),
        "frequency_penalty": _number(asked.body.get("frequency_penalty"), 0.0),
        "system_fingerprint": completion.system_fingerprint,
        "input_user": asked.body.get("user"),
        "service_tier": completion.service_tier,
        "tools": asked.body.get("tools"),
        "metadata": dict(stored.metadata),
        "choices": [_choice(choice, completion) for choice in completion.choices],
        "response_format": asked.body.get("response_format"),
    }


def _seed(stored: StoredCompletion) -> int:
    """Give the seed drawn where none was asked for, of 63 bits."""
    return int(stored.request_id[:16], 16) >> 1


def _number(value: Any, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) else otherwise


def _choice(choice: Choice, completion: Completion) -> Told:
    said = told_message(choice)
    spoken = {"audio": said["audio"]} if "audio" in said else {}
    return {
        "index": choice.index,
        "message": {
            "content": said["content"],
            "role": "assistant",
            "tool_calls": said.get("tool_calls"),
            "function_call": said.get("function_call"),
            "refusal": said["refusal"],
            **spoken,
        },
        "finish_reason": choice.finish,
        "logprobs": said_logprobs(choice) if completion.logprobs else None,
    }


def _message(stored: StoredCompletion, number: int, named: str) -> Told:
    """Give a message as it was sent; of content in parts, those of text and images."""
    message = stored.asked.messages[number]
    sent = _sent(stored.asked, number)
    content, parts = sent.get("content", message.text), None
    if isinstance(content, list):
        known = ("text", "image_url")
        parts = [each for each in content if isinstance(each, dict) and each.get("type") in known]
        content = None
    calls = {name: sent[name] for name in ("tool_calls", "tool_call_id") if name in sent}
    return {
        "id": f"{named}-{number}",
        "role": message.role,
        "content": content,
        "name": message.name,
        "content_parts": parts,
        **calls,
    }


def _sent(asked: Request, number: int) -> Mapping[str, Any]:
    """Give a message of the request's JSON; nothing where leniency has mended it."""
    sent = asked.body.get("messages")
    if not isinstance(sent, list) or len(sent) != len(asked.messages):
        return {}
    message = sent[number]
    if not isinstance(message, dict) or not isinstance(message.get("content"), str | list | None):
        return {}
    return message
