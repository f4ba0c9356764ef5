"""From HTTP to a request: OpenAI's, on an account, or a question about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from mockdock.dialects.base import Call
from mockdock.dialects.langdb.account import account_of
from mockdock.dialects.langdb.failures import bad_request
from mockdock.dialects.langdb.questions import ask
from mockdock.dialects.langdb.wire import GatewayRequest
from mockdock.dialects.openai.body import json_object
from mockdock.dialects.openai.embeddings_parse import parse_embeddings
from mockdock.dialects.openai.parse import ChatForm, parse_chat
from mockdock.reply import Failure
from mockdock.request import Request

__all__ = ["parse"]

_FORM = ChatForm(GatewayRequest)
_UNREADABLE = 400
_WIDEST = 1536
_FORMATS = ("text", "json_object")


def parse(call: Call) -> Request | Failure:
    """Parse a call of any operation."""
    if call.operation not in ("chat", "embeddings"):
        return ask(call)
    body = json_object(call)
    if isinstance(body, Failure):
        if body.status != _UNREADABLE:
            return body
        return bad_request("Failed to parse JSON")
    account = account_of(call, body)
    if isinstance(account, Failure):
        return account
    parsed = _chat(call, body) if call.operation == "chat" else _embeddings(call)
    if isinstance(parsed, Failure):
        return parsed
    return replace(parsed, account=account, raw=call.body, body=body)


def _chat(call: Call, body: dict[str, Any]) -> Request | Failure:
    """Parse a chat request: its format may be a word, where OpenAI wants an object."""
    form = body.get("response_format")
    if isinstance(form, str):
        if form not in _FORMATS and not call.lenient:
            known = " or ".join(map(repr, _FORMATS))
            return bad_request(
                f"Invalid value for 'response_format': {form!r}, expected {known}.",
                "response_format",
            )
        spelled = {**body, "response_format": {"type": form}}
        call = replace(call, body=orjson.dumps(spelled))
    return parse_chat(call, form=_FORM)


def _embeddings(call: Call) -> Request | Failure:
    parsed = parse_embeddings(call)
    if isinstance(parsed, Failure) or parsed.embedding is None or call.lenient:
        return parsed
    wanted = parsed.embedding
    if wanted.dimensions is not None and wanted.dimensions > _WIDEST:
        return bad_request(
            f"Invalid value for 'dimensions': {wanted.dimensions} is above {_WIDEST}.",
            "dimensions",
        )
    return parsed
