"""Calls of the moderations operation.

As recorded in August 2026 (cykod/ALLM): unknown fields are ignored, a model may be left
out, texts get a verdict each, and parts get one together; a model that does not judge is
refused with these words. The shapes of ``input`` are those of OpenAI's specification.
ASSUMED: the words for an input that has none of them, that there are at most 2,048, and
that the older models, which the service has shut down, take no images.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mockdock.dialects.base import Call
from mockdock.dialects.openai.body import json_object
from mockdock.dialects.openai.invalid import bad_request, mistyped
from mockdock.moderation import Judged, ToModerate
from mockdock.reply import Failure
from mockdock.request import Request

__all__ = ["DEFAULT_MODEL", "parse_moderations"]

DEFAULT_MODEL = "omni-moderation-latest"
"""Answers for a request that names no model."""

_MOST = 2048
_OLDER = "text-moderation"
_SHAPES = "one of a string, array of strings, or array of objects"

Inputs = tuple[Judged, ...]


def parse_moderations(call: Call) -> Request | Failure:
    """Parse a moderations request."""
    body = json_object(call)
    if isinstance(body, Failure):
        return body
    model = body.get("model")
    if call.lenient:
        named = model if isinstance(model, str) and model else DEFAULT_MODEL
        return _request(call, body, named, _leniently(body.get("input")))
    model = DEFAULT_MODEL if model is None else model
    if not isinstance(model, str):
        return mistyped("a string", model, ("model",))
    found = _strictly(call, body, model)
    if isinstance(found, Failure):
        return replace(found, model=model)
    return _request(call, body, model, found)


def _strictly(call: Call, body: dict[str, Any], model: str) -> Inputs | Failure:
    traits = call.traits(model)
    if traits is None or traits.kind not in (None, "moderation"):
        return bad_request(
            f"Invalid value for 'model' = {model}. Please check the OpenAI documentation and try "
            "again.",
            "model",
        )
    if "input" not in body:
        return bad_request(
            "Missing required parameter: 'input'.", "input", "missing_required_parameter"
        )
    found = _inputs(body["input"])
    if isinstance(found, Failure) or not traits.family.startswith(_OLDER):
        return found
    return Failure("bad_input") if any(each.images for each in found) else found


def _inputs(value: Any) -> Inputs | Failure:
    if isinstance(value, str):
        return (Judged(value),)
    if not isinstance(value, list):
        return mistyped(_SHAPES, value, ("input",))
    if len(value) > _MOST:
        return bad_request(f"Invalid 'input': array length must be {_MOST} or less.")
    if value and all(isinstance(each, str) for each in value):
        return tuple(Judged(each) for each in value)
    parts = [_part(each) for each in value]
    known = [each for each in parts if each is not None]
    return _together(known) if known and len(known) == len(parts) else Failure("bad_input")


def _part(value: Any) -> Judged | None:
    """Read a part: a text, or an image by its URL; None is neither."""
    match value:
        case {"type": "text", "text": str(text)}:
            return Judged(text)
        case {"type": "image_url", "image_url": {"url": str(url)}}:
            return Judged(None, (url,))
    return None


def _together(parts: list[Judged]) -> Inputs:
    texts = [each.text for each in parts if each.text is not None]
    images = tuple(url for each in parts for url in each.images)
    return (Judged("\n".join(texts) if texts else None, images),)


def _leniently(value: Any) -> Inputs:
    """Read what can be read; anything else is taken as it would be written.

    Of too many inputs the first ones are taken, as any answer to more would be too long.
    """
    if not isinstance(value, list):
        return (Judged("" if value is None else str(value)),)
    found = _inputs(value[:_MOST])
    if isinstance(found, Failure):
        found = tuple(Judged(str(each)) for each in value[:_MOST])
    return found or (Judged(""),)


def _request(call: Call, sent: dict[str, Any], model: str, inputs: Inputs) -> Request:
    return Request(
        dialect=call.dialect,
        api="moderations",
        model=model,
        moderation=ToModerate(inputs),
        caller=call.caller,
        headers=call.headers,
        raw=call.body,
        body=sent,
    )
