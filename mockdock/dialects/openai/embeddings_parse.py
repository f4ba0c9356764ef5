"""Calls of the embeddings operation.

The shapes of ``input`` are those of OpenAI's specification (2.3.0): a text, texts, tokens,
or lists of tokens. The words of refusals: an array that is too long and an empty text as
public reports of 2026 have them, anything that is no text and no token as pasted since
2023. ASSUMED are the article before "one of a string", and which element an empty text is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from mockdock.dialects.base import Call
from mockdock.dialects.openai.body import json_object
from mockdock.dialects.openai.invalid import bad_request, missing_model, mistyped, translate
from mockdock.dialects.openai.wire_base import Unchecked, Wire
from mockdock.embedding import ToEmbed
from mockdock.reply import Failure
from mockdock.request import Request, Traits

__all__ = ["DEFAULT_MODEL", "EmbeddingRequest", "parse_embeddings"]

DEFAULT_MODEL = "text-embedding-3-small"
"""Answers for a lenient request that names no model."""

_MOST = 2048
_FIXED = "text-embedding-ada-002"
_SHAPES = "one of a string, array of strings, array of integers, or array of integer arrays"

Input = str | tuple[int, ...]


class EmbeddingRequest(Wire):
    """``CreateEmbeddingRequest``, field by field; ``input`` is checked by itself."""

    model: str
    input: Unchecked
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Annotated[int, Field(ge=1)] | None = None
    user: str = ""


def parse_embeddings(call: Call, *, model: str | None = None) -> Request | Failure:
    """Parse an embeddings request; ``model`` stands for that of the body."""
    sent = json_object(call)
    if isinstance(sent, Failure):
        return sent
    body = sent if model is None else {**sent, "model": model}
    if call.lenient:
        return _request(call, sent, *_leniently(call, body))
    try:
        parsed = _strictly(call, sent, body)
    except ValidationError as error:
        parsed = translate(body, error, raw=call.body)
    if isinstance(parsed, Failure) and isinstance(named := body.get("model"), str):
        return replace(parsed, model=named)
    return parsed


def _strictly(call: Call, sent: dict[str, Any], body: dict[str, Any]) -> Request | Failure:
    if body.get("model") in (None, ""):
        return missing_model()
    if "dimensions" in body and body["dimensions"] is None:
        return mistyped("an integer", None, ("dimensions",))
    wire = EmbeddingRequest.model_validate(body)
    inputs = _inputs(wire.input)
    if isinstance(inputs, Failure):
        return inputs
    traits = call.traits(wire.model)
    if traits is None:
        return Failure("model_not_found", wire.model)
    refusal = _against_model(wire, traits)
    if refusal is not None:
        return refusal
    return _request(call, sent, wire.model, inputs, wire.dimensions, wire.encoding_format)


def _against_model(wire: EmbeddingRequest, traits: Traits) -> Failure | None:
    """Refuse a model that makes no embeddings, and a length that it does not have.

    Recorded or pasted: the chat model (ragflow#1835), ada-002 (mteb#3687), the length
    beyond the model's own (of text-embedding-3-small, 2026).
    """
    if traits.kind not in (None, "embedding"):
        return Failure("wrong_model", wire.model, what="embeddings")
    if wire.dimensions is None:
        return None
    if traits.family == _FIXED:
        return bad_request("This model does not support specifying dimensions.")
    if wire.dimensions > traits.dimensions:
        return bad_request(
            f"Invalid value for 'dimensions' = {wire.dimensions}. Must be less than or equal to "
            f"{traits.dimensions}."
        )
    return None


def _inputs(value: Any) -> tuple[Input, ...] | Failure:
    if isinstance(value, str):
        return (value,) if value else _empty("input")
    if not isinstance(value, list):
        return mistyped(_SHAPES, value, ("input",))
    return (tuple(value),) if _are_tokens(value) else _several(value)


def _several(value: list[Any]) -> tuple[Input, ...] | Failure:
    """Read some texts, or the tokens of some; of one input there may be any number of tokens."""
    if len(value) > _MOST:
        return bad_request(f"Invalid 'input': array length must be {_MOST} or less.")
    if value and all(isinstance(each, str) for each in value):
        return _empty(f"input[{value.index('')}]") if "" in value else tuple(value)
    if value and all(isinstance(each, list) and _are_tokens(each) for each in value):
        return tuple(tuple(each) for each in value)
    return Failure("bad_input")


def _are_tokens(value: list[Any]) -> bool:
    """Tell whether these are ids of tokens: there is at least one, and none is below 0."""
    return bool(value) and all(type(each) is int and each >= 0 for each in value)


def _empty(which: str) -> Failure:
    return bad_request(f"Invalid '{which}': input cannot be an empty string.")


Asked = tuple[str, tuple[Input, ...], int | None, Literal["float", "base64"]]


def _leniently(call: Call, body: dict[str, Any]) -> Asked:
    """Read what can be read; anything else to embed is taken as it would be written.

    Of too many inputs the first ones are taken, as any answer to more would be too long.
    """
    model = body.get("model")
    model = model if isinstance(model, str) and model else DEFAULT_MODEL
    value = body.get("input", "")
    several = isinstance(value, list) and not _are_tokens(value)
    found = _inputs(value[:_MOST] if several else value)
    if isinstance(found, Failure):
        found = tuple(
            _loose(each) for each in (value[:_MOST] if isinstance(value, list) else [value])
        )
    length, traits = body.get("dimensions"), call.traits(model) or Traits()
    known = type(length) is int and 1 <= length <= traits.dimensions
    form: Literal["float", "base64"] = "float"
    if body.get("encoding_format") == "base64":
        form = "base64"
    return model, found or ("",), length if known else None, form


def _loose(value: Any) -> Input:
    if isinstance(value, list) and _are_tokens(value):
        return tuple(value)
    return value if isinstance(value, str) else str(value)


def _request(
    call: Call,
    sent: dict[str, Any],
    model: str,
    inputs: tuple[Input, ...],
    dimensions: int | None,
    encoding: Literal["float", "base64"],
) -> Request:
    texts = tuple(each for each in inputs if isinstance(each, str))
    whole = len(texts) == len(inputs)
    return Request(
        dialect=call.dialect,
        api="embeddings",
        model=model,
        embedding=ToEmbed(inputs, dimensions, encoding, texts if whole else ()),
        caller=call.caller,
        headers=call.headers,
        raw=call.body,
        body=sent,
    )
