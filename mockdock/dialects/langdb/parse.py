"""From HTTP to a request: OpenAI's and what LangDB adds, on an account, or a question about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
from msgspec import structs

from mockdock.dialects.base import Call, Sent
from mockdock.dialects.langdb.account import account_of
from mockdock.dialects.langdb.failures import bad_request
from mockdock.dialects.langdb.questions import ask
from mockdock.dialects.langdb.virtual import Meant, meant
from mockdock.dialects.langdb.wire import GatewayRequest
from mockdock.dialects.openai.body import json_object
from mockdock.dialects.openai.embeddings_parse import parse_embeddings
from mockdock.dialects.openai.parse import ChatForm, parse_chat
from mockdock.question import Account
from mockdock.reply import Failure
from mockdock.request import Request, ResponseFormat, Traits

__all__ = ["parse"]

_FORM = ChatForm(GatewayRequest)
_UNREADABLE = 400
_WIDEST = 1536
_FORMATS = ("text", "json_object")
_SHOWN = 100


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
    call = structs.replace(call, traits=partial(_any, call.traits), sent=Sent(body))
    if call.operation == "chat":
        return _chat(call, body, account)
    return _embeddings(call, account)


def _any(known: Callable[[str], Traits | None], model: str) -> Traits:
    """Tell of any model: whether there is one is for its account to say, which may have its own."""
    return known(model) or Traits()


def _chat(call: Call, body: dict[str, Any], account: Account) -> Request | Failure:
    """Parse a chat request.

    One whose model a router is still to choose is not judged by what models refuse.
    """
    found = meant(call, body)
    if isinstance(found, Failure):
        return found
    spelled, routed = found.body, found.routed
    form = spelled.get("response_format")
    if isinstance(form, str):
        if form not in _FORMATS and not call.lenient:
            return _no_format(form)
        # Not as OpenAI's object: the example of the specification asks for JSON in no message.
        spelled = {name: value for name, value in spelled.items() if name != "response_format"}
    asked = call
    if spelled is not body:
        told = account_of(call, spelled)
        if isinstance(told, Failure):
            return told
        try:
            asked = structs.replace(call, body=orjson.dumps(spelled), sent=Sent(spelled))
        except TypeError:
            return bad_request("Invalid body: it is nested more than 250 levels deep.")
        account = told
    if routed is not None and routed.pool is not None:
        asked = structs.replace(asked, traits=lambda _: Traits())
    parsed = parse_chat(asked, form=_FORM)
    if isinstance(parsed, Failure):
        return parsed
    own: dict[str, Any] = {} if spelled is body else {"raw": call.body, "body": body}
    if form == "json_object":
        own["response_format"] = ResponseFormat("json_object")
    return _routed(parsed, own, account, found)


def _routed(parsed: Request, own: dict[str, Any], account: Account, found: Meant) -> Request:
    """Give a request with its ``own`` fields, on its account; few have anything to replace."""
    if found.extras.ignored:
        own["ignored"] = found.extras.ignored
    if own:
        parsed = replace(parsed, **own)
    if found.routed is not None or found.extras.guards:
        account = structs.replace(account, routed=found.routed, guards=found.extras.guards)
    return parsed.but(account=account)


def _no_format(form: str) -> Failure:
    known = " or ".join(map(repr, _FORMATS))
    return bad_request(
        f"Invalid value for 'response_format': {form[:_SHOWN]!r}, expected {known}.",
        "response_format",
    )


def _embeddings(call: Call, account: Account) -> Request | Failure:
    parsed = parse_embeddings(call)
    if isinstance(parsed, Failure):
        return parsed
    parsed = parsed.but(account=account)
    wanted = parsed.embedding
    if wanted is None or call.lenient:
        return parsed
    if wanted.dimensions is not None and wanted.dimensions > _WIDEST:
        return bad_request(
            f"Invalid value for 'dimensions': {wanted.dimensions} is above {_WIDEST}.",
            "dimensions",
        )
    return parsed
