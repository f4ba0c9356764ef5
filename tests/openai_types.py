"""The one assertion on what is sent: raw JSON against the types of the openai package.

The SDK's own strict mode (``_strict_response_validation``) lets numbers stand
for texts and keeps fields it does not know. Here a value has the very type of
its field, and a field the types lack is refused at any depth, except those of
``LACKING``. What [SPEC] requires and the types do not is asked for as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeVar

import httpx2
from openai import AsyncOpenAI, OpenAI
from openai.types import (
    Completion,
    CreateEmbeddingResponse,
    ErrorObject,
    Model,
    ModelDeleted,
    ModerationCreateResponse,
)
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionDeleted,
    ChatCompletionStoreMessage,
)
from pydantic import BaseModel, ConfigDict

__all__ = [
    "LACKING",
    "CheckedAsyncOpenAI",
    "CheckedOpenAI",
    "check_answer",
    "check_chunk",
    "check_completion",
    "check_embeddings",
    "check_error",
    "check_models",
    "check_moderations",
    "check_stored",
    "check_text",
]

LACKING = {
    "choices[].delta.tool_calls[].custom": (
        "a custom tool's call streams as its message tells it: type 'custom', its name and its "
        "input; the types of chunks know functions alone"
    ),
}
"""Fields that are sent although the types of the package lack them, and why."""

_OF_STORED = {
    "request_id",
    "tool_choice",
    "seed",
    "top_p",
    "temperature",
    "presence_penalty",
    "frequency_penalty",
    "input_user",
    "tools",
    "response_format",
}
"""What the API reference's examples of stored completions show, and the types lack."""

_OF_ERROR = {"message", "type", "param", "code"}
_ERROR = 400

_Typed = TypeVar("_Typed", bound=BaseModel)


class _CustomDelta(BaseModel):
    """What ``LACKING`` says of a custom call in a chunk."""

    model_config = ConfigDict(extra="forbid", strict=True)

    input: str
    name: str | None = None


def check_answer(status: int, content_type: str, body: bytes) -> Any:
    """Check a whole answer of any kind; give its JSON, of a stream the list of its events."""
    if content_type.startswith("text/event-stream"):
        *events, done, rest = body.decode().split("\n\n")
        assert (done, rest) == ("data: [DONE]", "")
        assert all(event.startswith("data: {") for event in events)
        chunks = [json.loads(event.removeprefix("data: ")) for event in events]
        for chunk in chunks:
            (check_text if chunk["object"] == "text_completion" else check_chunk)(chunk)
        return chunks
    assert content_type == "application/json"
    told = json.loads(body)
    if status >= _ERROR:
        check_error(told)
    elif told.get("object") == "chat.completion" and "request_id" not in told:
        check_completion(told)
    elif told.get("object") == "list" and "usage" in told:
        check_embeddings(told)
    elif told.get("object") == "text_completion":
        check_text(told)
    elif "results" in told:
        check_moderations(told)
    elif "has_more" in told or told["object"].startswith("chat.completion"):
        check_stored(told)
    else:
        check_models(told)
    return told


def check_completion(body: Any) -> ChatCompletion:
    """Check a plain completion."""
    told = _typed(ChatCompletion, body)
    assert [choice["index"] for choice in body["choices"]] == [*range(len(body["choices"]))]
    for choice in body["choices"]:
        assert {"role", "content", "refusal"} <= set(choice["message"])
        assert choice["message"].get("tool_calls") != [], "absent where there are none"
    _check_usage(body["usage"])
    return told


def check_chunk(chunk: Any) -> ChatCompletionChunk:
    """Check one event of a stream; the one that tells of an error is none."""
    told = _typed(ChatCompletionChunk, _without_custom_calls(chunk))
    for choice in chunk["choices"]:
        # Null as long as there is more to come; the types say where it is left out.
        ends_audio = set(choice["delta"].get("audio", ())) == {"expires_at"}
        assert ("finish_reason" in choice) is not ends_audio
    if chunk.get("usage") is not None:
        assert chunk["choices"] == []
        _check_usage(chunk["usage"])
    return told


def check_embeddings(body: Any) -> CreateEmbeddingResponse:
    """Check vectors; the types know them as numbers, though base64 is what clients ask for."""
    assert [each["index"] for each in body["data"]] == [*range(len(body["data"]))]
    written = [isinstance(each["embedding"], str) for each in body["data"]]
    assert len(set(written)) == 1, "all in one form"
    data = [{**each, "embedding": []} for each in body["data"]] if written[0] else body["data"]
    return _typed(CreateEmbeddingResponse, {**body, "data": data})


def check_moderations(body: Any) -> ModerationCreateResponse:
    """Check verdicts; the types do not know that older models tell no types of input."""
    assert [*body] == ["id", "model", "results"]
    older = body["model"].startswith("text-moderation")
    for each in body["results"]:
        assert ("category_applied_input_types" in each) is not older
        assert each["categories"].keys() == each["category_scores"].keys()
        assert len(each["categories"]) == (11 if older else 13)
        assert each["flagged"] is any(each["categories"].values())
        assert all(0 <= score <= 1 for score in each["category_scores"].values())
    results = [_as_newer(each) if older else each for each in body["results"]]
    return _typed(ModerationCreateResponse, {**body, "results": results})


def _as_newer(verdict: Any) -> Any:
    """Add to a verdict of an older model what the types expect of every one."""
    newer = {"illicit": 0.0, "illicit/violent": 0.0}
    types = {name: ["text"] for name in (*verdict["categories"], *newer)}
    scores = {**verdict["category_scores"], **newer}
    return {**verdict, "category_scores": scores, "category_applied_input_types": types}


def check_text(body: Any) -> Completion:
    """Check a legacy completion, or an event of one; the types do not know what is null."""
    assert body["id"].startswith("cmpl-")
    choices = [_without_nulls(choice) for choice in body["choices"]]
    usage = body.get("usage")
    if usage is not None:
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    return _typed(Completion, {**body, "choices": choices})


def _without_nulls(choice: Any) -> Any:
    """Fill in what is null while a stream lasts, and of the first token of an echo."""
    likely = choice["logprobs"]
    if likely is not None:
        lists = [each for each in likely.values() if each is not None]
        assert len(set(map(len, lists))) == 1
        tops = likely["top_logprobs"]
        likely = {
            **likely,
            "token_logprobs": [0.0 if each is None else each for each in likely["token_logprobs"]],
            "top_logprobs": None if tops is None else [each or {} for each in tops],
        }
    return {**choice, "logprobs": likely, "finish_reason": choice["finish_reason"] or "stop"}


def check_error(body: Any) -> ErrorObject:
    """Check the body of an error: these four fields and no other, also where they are null."""
    assert set(body) == {"error"}
    assert set(body["error"]) == _OF_ERROR
    assert body["error"]["message"]
    return _typed(ErrorObject, body["error"])


def check_stored(body: Any) -> None:
    """Check a stored completion, its messages, a page of either, or a deletion."""
    match body.get("object"):
        case "list":
            assert [*body] == ["object", "data", "first_id", "last_id", "has_more"]
            ids = [each["id"] for each in body["data"]] or [None]
            assert (body["first_id"], body["last_id"]) == (ids[0], ids[-1])
            for each in body["data"]:
                check_stored(each)
        case "chat.completion":
            assert set(body) >= _OF_STORED
            _typed(ChatCompletion, _without(body, _OF_STORED))
        case "chat.completion.deleted":
            _typed(ChatCompletionDeleted, body)
        case _:
            # The type knows the assistant's messages alone; the reference shows a user's.
            sent = {**_without(body, {"name", "tool_call_id"}), "role": "assistant"}
            _typed(ChatCompletionStoreMessage, sent)


def _without(body: Any, names: set[str]) -> Any:
    return {name: value for name, value in body.items() if name not in names}


def check_models(body: Any) -> None:
    """Check a model, a list of them, or that one was deleted."""
    if "deleted" in body:
        _typed(ModelDeleted, body)
        return
    if body["object"] == "list":
        assert set(body) == {"object", "data"}
    for card in body["data"] if body["object"] == "list" else [body]:
        _typed(Model, card)


def _typed(kind: type[_Typed], value: Any) -> _Typed:
    told = kind.model_validate(value, strict=True)
    unknown = [*_unknown(told, "")]
    assert unknown == [], f"fields that {kind.__name__} does not know"
    return told


def _unknown(value: object, at: str) -> Iterator[str]:
    """Name the fields at any depth that no type declares."""
    match value:
        case BaseModel():
            yield from (f"{at}.{name}".lstrip(".") for name in value.model_extra or ())
            for name in type(value).model_fields:
                yield from _unknown(getattr(value, name), f"{at}.{name}")
        case list():
            for each in value:
                yield from _unknown(each, f"{at}[]")


def _without_custom_calls(chunk: Any) -> Any:
    """Check custom calls by what ``LACKING`` says, and write them as function calls."""
    choices = [
        {**choice, "delta": {**delta, "tool_calls": [*map(_as_function, delta["tool_calls"])]}}
        if (delta := choice["delta"]).get("tool_calls")
        else choice
        for choice in chunk["choices"]
    ]
    return {**chunk, "choices": choices}


def _as_function(call: Any) -> Any:
    if "custom" not in call:
        return call
    custom = _CustomDelta.model_validate(call["custom"])
    assert call.get("type", "custom") == "custom"
    assert ("type" in call) == ("id" in call) == (custom.name is not None), "all in the first"
    rest = {name: value for name, value in call.items() if name not in ("custom", "type")}
    return {**rest, "function": {"arguments": custom.input}}


def _check_usage(usage: Any) -> None:
    """Check that all counts of a usage are there."""
    for side in ("prompt", "completion"):
        assert usage[f"{side}_tokens"] >= 0
        assert all(count >= 0 for count in usage[f"{side}_tokens_details"].values())


class _Checked:
    """Leads what a client of the SDK receives through the same assertion."""

    def _process_response_data(
        self, *, data: object, cast_to: type[Any], response: httpx2.Response
    ) -> Any:
        if cast_to is ChatCompletion:
            check_completion(data)
        if cast_to is ChatCompletionChunk:
            check_chunk(data)
        return super()._process_response_data(  # type: ignore[misc]
            data=data, cast_to=cast_to, response=response
        )


class CheckedOpenAI(_Checked, OpenAI):
    """A strict client whose answers are checked."""

    def __init__(self, **options: Any) -> None:
        super().__init__(_strict_response_validation=True, **options)


class CheckedAsyncOpenAI(_Checked, AsyncOpenAI):
    """A strict client whose answers are checked, for event loops."""

    def __init__(self, **options: Any) -> None:
        super().__init__(_strict_response_validation=True, **options)
