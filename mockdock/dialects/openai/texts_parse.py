"""Calls of the legacy completions operation.

The parameters are those of OpenAI's specification (2.3.0). The words for a chat model are
pasted in public. ASSUMED: those for more choices than are made, which are remembered
without a paste at hand, those for ``best_of`` in a stream, and that there are at most
128 prompts, and 128 texts in all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, Tag, ValidationError

from mockdock.completing import ToComplete
from mockdock.dialects.base import Call
from mockdock.dialects.openai.body import json_object
from mockdock.dialects.openai.invalid import bad_request, missing_model, mistyped, translate
from mockdock.dialects.openai.wire import Penalty, StreamOptions
from mockdock.dialects.openai.wire_base import STRING_OR_STRINGS, Unchecked, Wire
from mockdock.reply import Failure
from mockdock.request import Request

__all__ = ["DEFAULT_MODEL", "TextRequest", "parse_texts"]

DEFAULT_MODEL = "gpt-3.5-turbo-instruct"
"""Answers for a lenient request that names no model."""

_USUAL_LIMIT = 16
_MOST = 128
_MOST_DIGITS = 9
_SHAPES = "one of a string, array of strings, array of integers, or array of integer arrays"

Prompt = str | tuple[int, ...]


class TextRequest(Wire):
    """``CreateCompletionRequest``, field by field; ``prompt`` is checked by itself."""

    model: str
    prompt: Unchecked = None
    best_of: Annotated[int, Field(ge=0, le=20)] | None = None
    echo: bool | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: (
        dict[Annotated[str, Field(pattern="^[0-9]+$")], Annotated[int, Field(ge=-100, le=100)]]
        | None
    ) = None
    logprobs: Annotated[int, Field(ge=0, le=5)] | None = None
    max_tokens: Annotated[int, Field(ge=0)] | None = None
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    presence_penalty: Penalty | None = None
    seed: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)] | None = None
    stop: (
        Annotated[
            Annotated[str, Tag("string")]
            | Annotated[Annotated[list[str], Field(min_length=1, max_length=4)], Tag("array")],
            STRING_OR_STRINGS,
        ]
        | None
    ) = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    suffix: str | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    user: str = ""


def parse_texts(call: Call, *, model: str | None = None) -> Request | Failure:
    """Parse a legacy completions request; ``model`` stands for that of the body."""
    sent = json_object(call)
    if isinstance(sent, Failure):
        return sent
    body = sent if model is None else {**sent, "model": model}
    if call.lenient:
        wire = _leniently(body)
        found = _prompts(wire.prompt)
        if isinstance(found, Failure):
            found = (str(wire.prompt),)
        made = max(wire.n or 1, wire.best_of or 1)
        return _request(call, sent, wire, found[: max(1, _MOST // made)])
    if body.get("model") in (None, ""):
        return missing_model()
    try:
        parsed = _strictly(call, sent, body)
    except ValidationError as error:
        parsed = translate(body, error, raw=call.body)
    if isinstance(parsed, Failure) and isinstance(body["model"], str):
        return replace(parsed, model=body["model"])
    return parsed


def _strictly(call: Call, sent: dict[str, Any], body: dict[str, Any]) -> Request | Failure:
    wire = TextRequest.model_validate(body)
    traits = call.traits(wire.model)
    if traits is None:
        return Failure("model_not_found", wire.model)
    if traits.kind not in (None, "completion"):
        return Failure("wrong_model", wire.model, what="completions")
    prompts = _prompts(wire.prompt)
    if isinstance(prompts, Failure):
        return prompts
    return _contradiction(wire, prompts) or _request(call, sent, wire, prompts)


def _contradiction(wire: TextRequest, prompts: tuple[Prompt, ...]) -> Failure | None:
    """Refuse parameters that do not go together."""
    n, best_of = wire.n or 1, wire.best_of
    if best_of and best_of < n:
        return bad_request(
            "You requested that the server return more choices than it will generate (HINT: you "
            f"must set 'n' (currently {n}) to be at most 'best_of' (currently {best_of}), or omit "
            "either parameter if you don't specifically want to use them.)"
        )
    if wire.stream and best_of and best_of > n:
        return bad_request("Results cannot be streamed when 'best_of' is greater than 'n'.")
    if wire.stream_options is not None and not wire.stream:
        return bad_request(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "stream_options",
        )
    if len(prompts) * max(n, best_of or 1) > _MOST:
        return bad_request(f"Invalid 'prompt': at most {_MOST} completions can be made at once.")
    return None


def _prompts(value: Any) -> tuple[Prompt, ...] | Failure:
    if value is None or isinstance(value, str):
        return (value or "",)
    if not isinstance(value, list):
        return mistyped(_SHAPES, value, ("prompt",))
    if value and all(isinstance(each, str) for each in value):
        return tuple(value)
    lists = [value] if value and type(value[0]) is int else value
    if lists and all(isinstance(each, list) and _are_tokens(each) for each in lists):
        return tuple(tuple(each) for each in lists)
    return mistyped(_SHAPES, value, ("prompt",))


def _are_tokens(value: list[Any]) -> bool:
    return bool(value) and all(type(each) is int and each >= 0 for each in value)


def _leniently(body: dict[str, Any]) -> TextRequest:
    """Read what can be read; what is wrong is dropped."""
    known = {name: body[name] for name in body.keys() & TextRequest.model_fields.keys()}
    try:
        return TextRequest.model_validate({"model": DEFAULT_MODEL, **known})
    except ValidationError as error:
        wrong = {each["loc"][0] for each in error.errors(include_url=False)}
        right = {name: value for name, value in known.items() if name not in wrong}
        return TextRequest.model_validate({"model": DEFAULT_MODEL, **right})


def _request(
    call: Call, sent: dict[str, Any], wire: TextRequest, prompts: tuple[Prompt, ...]
) -> Request:
    texts = tuple(each for each in prompts if isinstance(each, str))
    n = wire.n or 1
    best_of = max(n, wire.best_of or 1)
    options, bias = wire.stream_options, wire.logit_bias or {}
    stop = (wire.stop,) if isinstance(wire.stop, str) else tuple(wire.stop or ())
    return Request(
        dialect=call.dialect,
        api="completions",
        model=wire.model,
        completing=ToComplete(
            prompts, texts if len(texts) == len(prompts) else (), n, best_of, bool(wire.echo)
        ),
        max_tokens=_USUAL_LIMIT if wire.max_tokens is None else wire.max_tokens,
        stop=stop,
        n=len(prompts) * best_of,
        seed=wire.seed,
        temperature=wire.temperature,
        top_p=wire.top_p,
        logit_bias={int(token): by for token, by in bias.items() if len(token) <= _MOST_DIGITS},
        logprobs=wire.logprobs is not None,
        top_logprobs=wire.logprobs or 0,
        stream=bool(wire.stream),
        include_usage=bool(wire.stream and options is not None and options.include_usage),
        caller=call.caller,
        headers=call.headers,
        raw=call.body,
        body=sent,
    )
