"""Stored completions: list, retrieve, update, delete, messages.

Objects have the keys and the order of the API reference's examples, with
``refusal`` and ``audio`` of the message, which the specification wants. No
refusal of these operations is on record: their wordings are assumed, after
those of the chat request and of other lists.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field, ValidationError

from mockdock.dialects.base import Call
from mockdock.dialects.openai.invalid import bad_json, translate
from mockdock.dialects.openai.told import said_logprobs
from mockdock.dialects.openai.wire_base import Wire
from mockdock.reply import (
    Choice,
    Completion,
    Deleted,
    Failure,
    MessagePage,
    StoredCompletion,
    StoredPage,
    StoredReply,
)
from mockdock.request import Request, StoredOperation

__all__ = ["parse_stored", "told_stored", "worded"]

_PREFIX = "chatcmpl-"
_DIGITS = 18
_MOST = 100

Metadata = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]],
    Field(max_length=16),
]


class Page(Wire):
    """The query of a list, once its numbers are numbers."""

    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=_MOST)] = 20
    order: Literal["asc", "desc"] = "asc"
    model: str = ""
    metadata: Metadata = Field(default_factory=dict)


class Update(Wire):
    """The body of an update: metadata is all that can be changed."""

    metadata: Metadata | None


def parse_stored(call: Call) -> Request | Failure:
    """Parse a call of any operation on stored completions."""
    named = call.params.get("completion_id", "")
    body = None
    wanted: StoredOperation | Failure
    match call.operation.removeprefix("stored."):
        case "list":
            wanted = _list(call, StoredOperation("list"))
        case "messages":
            wanted = _list(call, StoredOperation("messages", named, _bare(named)))
        case "update":
            body = _object(call.body)
            wanted = _update(call, body, StoredOperation("update", named, _bare(named)))
        case "delete":
            wanted = StoredOperation("delete", named, _bare(named))
        case _:
            wanted = StoredOperation("retrieve", named, _bare(named))
    if isinstance(wanted, Failure):
        return wanted
    return Request(
        "openai",
        "stored",
        stored=wanted,
        caller=call.caller,
        headers=call.headers,
        body=body or {},
    )


def _bare(named: str) -> str:
    """Give an id without its prefix, empty when it has none."""
    return named.removeprefix(_PREFIX) if named.startswith(_PREFIX) else ""


def _list(call: Call, wanted: StoredOperation) -> StoredOperation | Failure:
    query = _query(call.query)
    if wanted.kind == "messages":
        query = {name: value for name, value in query.items() if name not in ("model", "metadata")}
    if call.lenient:
        _mend(query)
    try:
        page = Page.model_validate(query)
    except ValidationError as error:
        return translate(query, error)
    return replace(
        wanted,
        after=_bare(page.after) if page.after else None,
        limit=page.limit,
        order=page.order,
        model=page.model,
        metadata=page.metadata,
    )


def _query(pairs: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Collect what a list understands; of a name given twice the last counts."""
    query: dict[str, Any] = {}
    metadata: dict[str, str] = {}
    for name, value in pairs:
        if inner := re.fullmatch(r"metadata\[(.*)\]", name, re.DOTALL):
            metadata[inner[1]] = value
        elif name in Page.model_fields:
            query[name] = value
    if re.fullmatch(rf"-?[0-9]{{1,{_DIGITS}}}", query.get("limit", "")):
        query["limit"] = int(query["limit"])
    return {**query, "metadata": metadata} if metadata else query


def _mend(query: dict[str, Any]) -> None:
    """Drop or bend, in place, what would be refused."""
    limit = query.pop("limit", None)
    if isinstance(limit, int):
        query["limit"] = min(max(limit, 1), _MOST)
    if query.get("order") not in ("asc", "desc"):
        query.pop("order", None)
    query["metadata"] = _fitting(query.get("metadata"))


def _fitting(metadata: Any) -> dict[str, str]:
    """Give the pairs that can be metadata."""
    if not isinstance(metadata, dict):
        return {}
    pairs = [(name, value) for name, value in metadata.items() if isinstance(value, str)]
    return {name[:64]: value[:512] for name, value in pairs[:16]}


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def _update(
    call: Call, body: dict[str, Any] | None, wanted: StoredOperation
) -> StoredOperation | Failure:
    if body is None:
        return bad_json()
    if call.lenient:
        return replace(wanted, metadata=_fitting(body.get("metadata")))
    try:
        update = Update.model_validate(body)
    except ValidationError as error:
        return translate(body, error)
    return replace(wanted, metadata=update.metadata or {})


def worded(request: Request | None, failure: Failure) -> Failure:
    """Word what is not found among stored completions, unless it has words already."""
    wanted = None if request is None else request.stored
    if wanted is None or failure.message is not None:
        return failure
    if failure.kind == "not_found" and failure.status in (None, 404):
        what = f" with id '{wanted.named}'" if wanted.named else ""
        message = f"Chat completion{what} not found."
        return replace(failure, kind="bad_request", status=404, message=message)
    if failure.kind == "bad_request" and failure.param == "after":
        what = "message" if wanted.kind == "messages" else "stored chat completion"
        message = f"Invalid value for 'after': expected the ID of a {what}."
        return replace(failure, message=message, code=failure.code or "invalid_value")
    return failure


Told = dict[str, Any]


def told_stored(
    request: Request | None, reply: StoredReply, message: Callable[[Choice], Told]
) -> Told:
    """Give the object of any of these operations; ``message`` gives that of a choice."""
    wanted = None if request is None else request.stored
    named = "" if wanted is None else wanted.named
    match reply:
        case StoredCompletion():
            return _completion(reply, named, message)
        case StoredPage():
            shown = [_completion(each, _named(each.completion), message) for each in reply.items]
            return _page(shown, more=reply.more)
        case MessagePage():
            shown = [_message(reply.stored, number, named) for number in reply.numbers]
            return _page(shown, more=reply.more)
        case Deleted():
            return {"object": "chat.completion.deleted", "id": named, "deleted": True}


def _named(completion: Completion) -> str:
    return f"{_PREFIX}{completion.id}"


def _page(shown: list[Told], *, more: bool) -> Told:
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": more,
    }


def _completion(stored: StoredCompletion, named: str, message: Callable[[Choice], Told]) -> Told:
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
        "choices": [_choice(choice, completion, message) for choice in completion.choices],
        "response_format": asked.body.get("response_format"),
    }


def _seed(stored: StoredCompletion) -> int:
    """Give the seed drawn where none was asked for, of 63 bits."""
    return int(stored.request_id[:16], 16) >> 1


def _number(value: Any, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) else otherwise


def _choice(choice: Choice, completion: Completion, message: Callable[[Choice], Told]) -> Told:
    said = message(choice)
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
