"""From HTTP to a request: OpenAI's, less what Langdock does not support."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from msgspec import structs

from mockdock.dialects.base import Call, Sent
from mockdock.dialects.langdock.failures import foreign, no_embedding, unsupported
from mockdock.dialects.langdock.wire import DocumentedRequest, SpecifiedRequest
from mockdock.dialects.openai.body import json_object
from mockdock.dialects.openai.parse import ChatForm, parse_chat
from mockdock.dialects.openai.parse import parse as parse_openai
from mockdock.reply import Failure
from mockdock.request import Request

__all__ = ["EMBEDDING", "UNSUPPORTED", "parse"]

UNSUPPORTED = ("n", "service_tier", "parallel_tool_calls", "stream_options")
"""The parameters that all of the documents call not supported, in their order."""

_DOCUMENTED = ChatForm(DocumentedRequest, frozenset(UNSUPPORTED))
_SPECIFIED = ChatForm(SpecifiedRequest, frozenset(UNSUPPORTED))
EMBEDDING = "text-embedding-ada-002"
"""The only model there is for embeddings, so the documents say."""
_OF_MODELS = frozenset({"model_not_found", "wrong_model"})
_HINT = "OpenAI's specification takes this: langdock: {requests: openai}"


def parse(call: Call) -> Request | Failure:
    """Parse a call of any operation, unless a browser sent it."""
    if refused := foreign(call):
        return refused
    if call.operation == "chat":
        return _chat(call)
    return _embeddings(call) if call.operation == "embeddings" else parse_openai(call)


def _embeddings(call: Call) -> Request | Failure:
    """Parse a request for embeddings: there is one model for them, in every region."""
    parsed = parse_openai(call)
    if isinstance(parsed, Request) and parsed.model == EMBEDDING:
        return parsed
    if isinstance(parsed, Failure) and parsed.kind not in _OF_MODELS:
        return parsed
    return no_embedding(call, parsed.model)


def _chat(call: Call) -> Request | Failure:
    settings = call.gateways.langdock
    if settings.unsupported == "reject":
        body = json_object(call)
        if isinstance(body, Failure):
            return body
        if names := _unsupported(body):
            model = body.get("model")
            return unsupported(names, model if isinstance(model, str) else "")
        call = structs.replace(call, sent=Sent(body))
    narrow = settings.requests == "documents"
    parsed = parse_chat(call, form=_DOCUMENTED if narrow else _SPECIFIED)
    if isinstance(parsed, Request):
        names = _unsupported(parsed.body)
        return replace(parsed, ignored=names) if names else parsed
    if narrow and isinstance(parse_chat(call, form=_SPECIFIED), Request):
        return replace(parsed, headers={**parsed.headers, "x-mockdock-hint": _HINT})
    return parsed


def _unsupported(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Name what is not supported of a body; null is as good as nothing."""
    return tuple(name for name in UNSUPPORTED if body.get(name) is not None)
