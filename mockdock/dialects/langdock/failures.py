"""Langdock's own words for failures, flat or in OpenAI's form.

From the vendor's specification of its embeddings route: 400, 401, 429 and 500, and that
bodies are flat. Assumed, for want of any record of the chat route: that they are the same there,
every other status, the refusal of browsers, regions and paths, and that what the backend
refuses is told in OpenAI's words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import orjson
from msgspec import structs

from mockdock.dialects.base import Call
from mockdock.dialects.langdock.regions import REGIONS
from mockdock.dialects.openai import failures as openai
from mockdock.dialects.openai.invalid import bad_request, listed
from mockdock.gateways import Langdock
from mockdock.reply import Failure, FailureKind

__all__ = [
    "body",
    "foreign",
    "misroute",
    "no_embedding",
    "oversize",
    "param",
    "status",
    "unsupported",
]

_DEDICATED = "/api/public"
_REGION = re.compile(rf"(?:{_DEDICATED})?/openai/([^/]+)/v1(/.*)?", re.DOTALL)
_SHOWN = 200
_TOO_MANY = "Rate limit for public API exceeded"
_NO_KEY = "The provided API key is invalid."
_WORDS: Mapping[FailureKind, str] = {
    "auth": _NO_KEY,
    "missing_key": _NO_KEY,
    "rate_limit": _TOO_MANY,
    "tokens_limit": _TOO_MANY,
    "request_too_large": _TOO_MANY,
    "server_error": "Internal Server Error",
}


def status(failure: Failure) -> int:
    """Give the HTTP status of a failure."""
    return openai.tell(failure).status


def param(failure: Failure, settings: Langdock) -> str | None:
    """Give the parameter that is wrong where the body has no place for it."""
    return openai.tell(failure).param if settings.errors == "flat" else None


def body(failure: Failure, settings: Langdock) -> bytes:
    """Give the error body; what a failure sets itself wins over the words of its kind."""
    told = openai.tell(failure)
    words = _WORDS.get(failure.kind)
    usual = openai.tell(Failure(failure.kind)).status
    if words is not None and failure.message is None and told.status == usual:
        told = structs.replace(told, message=words)
    if settings.errors == "flat":
        return orjson.dumps({"message": told.message})
    return orjson.dumps(told.body(), option=orjson.OPT_INDENT_2)


def foreign(call: Call) -> Failure | None:
    """Refuse what a browser sends from another origin.

    Its ``Origin`` tells; ``sec-fetch-*`` does not, as Node's fetch sends that too.
    """
    if "origin" not in call.headers or call.gateways.langdock.browsers == "allowed":
        return None
    return Failure(
        "permission",
        message="Requests from browsers are blocked to protect your API key. Send them from "
        "your server.",
        type="invalid_request_error",
        code="browser_origin",
    )


def unsupported(names: Sequence[str], model: str) -> Failure:
    """Refuse parameters that are not supported."""
    plural = len(names) > 1
    message = f"Unsupported parameter{'s' * plural}: {listed(names)} "
    message += f"{'are' if plural else 'is'} not supported."
    return replace(bad_request(message, names[0], "unsupported_parameter"), model=model)


def no_embedding(call: Call, model: str) -> Failure:
    """Refuse a model that makes no embeddings here."""
    found = _REGION.fullmatch(call.path)
    region = REGIONS[0] if found is None else found[1]
    message = f"No embedding models available for the {region} region"
    return replace(bad_request(message, "model", None), model=model)


def oversize(limit: int) -> Failure:
    """Refuse a body of more than ``limit`` bytes."""
    return openai.oversize(limit)


def misroute(call: Call, methods: frozenset[str]) -> Failure:
    """Refuse a region, a path or a method that does not exist."""
    if refused := foreign(call):
        return refused
    if methods:
        return openai.misroute(call, methods)
    found = _REGION.fullmatch(call.path)
    prefix = _DEDICATED if call.path.startswith(_DEDICATED) else ""
    headers = {"x-mockdock-base-url": f"{call.base_url}{prefix}/openai/eu/v1"}
    if found is not None and found[1] not in REGIONS:
        failure = bad_request(
            f"Invalid region '{_cut(found[1])}': there are {listed(REGIONS)}.",
            "region",
            "invalid_value",
        )
        return replace(failure, headers=headers)
    message = f"Not found: {call.method} {_cut(call.path)}."
    if found is not None and found[2] == "/responses":
        message += " This API has chat completions: with the Vercel AI SDK, write .chat(model)."
    if found is None:
        message += f" Paths begin with {prefix}/openai/eu/v1 or {prefix}/openai/us/v1."
    failure = Failure("invalid_url", message=message)
    return failure if found is not None else replace(failure, headers=headers)


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
