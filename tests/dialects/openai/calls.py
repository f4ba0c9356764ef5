"""What the tests of this dialect share: calls to parse, and their refusals."""

from __future__ import annotations

from typing import Any

import orjson
from msgspec.structs import replace

from mockdock.dialects.base import Call
from mockdock.dialects.openai.failures import tell
from mockdock.dialects.openai.parse import parse
from mockdock.reply import Failure
from mockdock.request import Request, Traits

__all__ = [
    "CALL",
    "HELLO",
    "THINKS",
    "answer",
    "asks",
    "call",
    "called",
    "custom",
    "leniently",
    "located",
    "parsed",
    "refused",
    "small",
    "told",
    "tool",
]

HELLO: dict[str, Any] = {"role": "user", "content": "Hello"}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
THINKS = Traits(effort="medium")


def small(**fields: Any) -> dict[str, Any]:
    """Make a small valid body with these fields."""
    return {"model": "gpt-4o", "messages": [HELLO], **fields}


def call(body: Any, content_type: str | None = "application/json", **more: Any) -> Call:
    """Make a call, of the chat operation unless ``more`` says otherwise; bytes go as they are.

    What answers is what the model is called, as far as ``more`` does not say.
    """
    usual: dict[str, Any] = {
        "operation": "chat",
        "method": "POST",
        "path": "/v1/chat/completions",
        "headers": {} if content_type is None else {"content-type": content_type},
        "params": {},
        "body": body if isinstance(body, bytes) else orjson.dumps(body),
        "base_url": "http://localhost",
        "traits": lambda model: Traits(family=model),
    }
    return Call(**{**usual, **more})


def parsed(**fields: Any) -> Request:
    """Parse a valid body."""
    request = parse(call(small(**fields)))
    assert isinstance(request, Request), request
    return request


def leniently(body: Any) -> Request:
    """Parse a body that lenient validation takes."""
    request = parse(call(body, lenient=True))
    assert isinstance(request, Request), request
    return request


def refused(
    body: Any, content_type: str | None = "application/json", traits: Traits | None = None
) -> dict[str, Any]:
    """Parse a body that is not valid, and give the error object with its status."""
    known = traits or Traits()
    failure = parse(
        call(body, content_type, traits=lambda model: replace(known, family=known.family or model))
    )
    assert isinstance(failure, Failure), failure
    told = tell(failure)
    return {"status": told.status, **told.body()["error"]}


def told(
    message: str, param: str | None = None, code: str | None = None, status: int = 400
) -> dict[str, Any]:
    """Write what is expected; the type is the same for all."""
    return {
        "status": status,
        "message": message,
        "type": "invalid_request_error",
        "param": param,
        "code": code,
    }


def tool(**function: Any) -> list[Any]:
    """Offer one function."""
    return [{"type": "function", "function": function}]


def custom(form: Any) -> dict[str, Any]:
    """Offer one custom tool whose input has this format."""
    return {"tools": [{"type": "custom", "custom": {"name": "c", "format": form}}]}


def located(**place: Any) -> dict[str, Any]:
    """Say roughly where the user is."""
    return {"type": "approximate", "approximate": place}


def answer(id_: str, content: str = "42") -> dict[str, Any]:
    """Answer a tool call."""
    return {"role": "tool", "tool_call_id": id_, "content": content}


def asks(content: Any) -> dict[str, Any]:
    """Put content into the third message."""
    return {"messages": [HELLO, HELLO, {"role": "user", "content": content}]}


def called(**entry: Any) -> dict[str, Any]:
    """Send one tool call back."""
    return {"messages": [HELLO, {"role": "assistant", "tool_calls": [entry]}]}
