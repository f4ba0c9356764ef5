"""The body of a call that has to be a JSON object."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from mockdock.dialects.base import Call
from mockdock.dialects.openai.invalid import bad_json, bad_request
from mockdock.reply import Failure

__all__ = ["json_object"]


def json_object(call: Call) -> dict[str, Any] | Failure:
    """Read the body, or refuse its content type or what it is; a type left out is taken.

    What was read before is not read again.
    """
    if call.sent is not None:
        return call.sent.value
    if refusal := _wrong_content_type(call):
        return refusal
    try:
        body = orjson.loads(call.body)
    except orjson.JSONDecodeError:
        return bad_json()
    return body if isinstance(body, dict) else bad_json()


def _wrong_content_type(call: Call) -> Failure | None:
    sent = call.headers.get("content-type")
    if sent is None or sent.split(";", 1)[0].strip().lower() == "application/json":
        return None
    refusal = bad_request(
        f"Unsupported content type: '{sent}'. This API method only accepts 'application/json' "
        f"requests, but you specified the header 'Content-Type: {sent}'. Please try again with "
        "a supported content type.",
        code="unsupported_content_type",
    )
    return replace(refusal, status=415)
