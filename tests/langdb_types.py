"""LangDB's replies as its specification declares them, in our own words; and OpenAI's as its.

Sources: the config/*.yaml of langdb/api-specifications (167f6e0) and, for what a stream and
an error look like, the open gateway (8f3a206). A field that neither has is refused at any
depth, and so is one that is not of the very type.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

__all__ = ["as_langdb", "check_langdb"]

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_ERROR = 400

Uuid = Annotated[str, StringConstraints(pattern=f"^{_UUID}$")]
Moment = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$")]
DateTime = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")]
Hour = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d \d\d:00:00$")]
Unit = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d(-\d\d( \d\d:00:00)?)?$")]
Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]
Decimals = Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)?$")]


class Told(BaseModel):
    """An object with these fields and no others."""

    model_config = ConfigDict(extra="forbid", strict=True)


# --- completions.yaml


class Function(Told):
    """What is called."""

    name: str
    arguments: str


class ToolCall(Told):
    """A call; custom tools are of OpenAI's form, as LangDB's documents know none."""

    id: str
    type: Literal["function", "custom"]
    function: Function | None = None
    custom: dict[str, str] | None = None


class IndexedCall(ToolCall):
    """A call of a stream."""

    index: Count


class Message(Told):
    """An answer. Refusals and sound, which the specification lacks, are of OpenAI's form."""

    role: Literal["assistant"]
    content: str | None
    refusal: str | None = None
    tool_calls: Annotated[list[ToolCall], Field(min_length=1)] | None = None
    function_call: Function | None = None
    annotations: list[dict[str, Any]] | None = None
    audio: dict[str, Any] | None = None


class Logprobs(Told):
    """How likely the tokens were; the entries are OpenAI's."""

    content: list[dict[str, Any]] | None
    refusal: list[dict[str, Any]] | None


Finish = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]


class Choice(Told):
    """One of the answers."""

    index: Count
    message: Message
    finish_reason: Finish
    logprobs: Logprobs | None = None


class PromptDetails(Told):
    """Of the tokens of a prompt."""

    cached_tokens: Count
    cache_creation_tokens: Count
    audio_tokens: Count


class CompletionDetails(Told):
    """Of the tokens of an answer."""

    accepted_prediction_tokens: Count
    audio_tokens: Count
    reasoning_tokens: Count
    rejected_prediction_tokens: Count


class Usage(Told):
    """Tokens, and what they cost."""

    prompt_tokens: Count
    completion_tokens: Count
    total_tokens: Count
    prompt_tokens_details: PromptDetails
    completion_tokens_details: CompletionDetails
    cost: Amount


class Completion(Told):
    """A plain answer; its model is named with the provider. Usage is left out by a fault alone."""

    id: Uuid
    object: Literal["chat.completion"]
    created: Count
    model: str
    choices: list[Choice]
    usage: Usage | None = None


class Delta(Told):
    """A part of an answer; the role is in each that says something."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    tool_calls: list[IndexedCall] | None = None
    function_call: Function | None = None


class EventChoice(Told):
    """A part of one of the answers."""

    index: Count
    delta: Delta
    finish_reason: Finish | None
    logprobs: Logprobs | None


class Event(Told):
    """An event of a stream."""

    id: Uuid
    object: Literal["chat.completion.chunk"]
    created: Count
    model: str
    choices: list[EventChoice]
    usage: Usage | None = None


class Vector(Told):
    """An embedding: numbers, or their bytes as text."""

    object: Literal["embedding"]
    embedding: list[float] | str
    index: Count


class EmbeddingUsage(Told):
    """Tokens, and what they cost."""

    prompt_tokens: Count
    total_tokens: Count
    cost: Amount


class Embeddings(Told):
    """Embeddings; their model has no provider."""

    object: Literal["list"]
    data: list[Vector]
    model: str
    usage: EmbeddingUsage


# --- threads.yaml


class Thread(Told):
    """A thread; an id is what a client named it."""

    id: str
    created_at: DateTime
    updated_at: DateTime
    model_name: str
    project_id: str
    score: float | None
    title: str
    user_id: str


class Pagination(Told):
    """Which of how many."""

    limit: Annotated[int, Field(ge=1)]
    offset: Count
    total: Count


class Threads(Told):
    """A page of threads."""

    data: list[Thread]
    pagination: Pagination


class StoredMessage(Told):
    """A message. Its parts are tuples, its calls objects as in the gateway's source, or text."""

    id: Uuid
    model_name: str
    thread_id: str
    user_id: str
    content_type: Literal["Text", "ImageUrl", "InputAudio"]
    content: str
    content_array: list[Annotated[list[str | None], Field(min_length=3, max_length=3)]]
    type: Literal["system", "human", "ai", "tool"]
    tool_call_id: str | None
    tool_calls: Annotated[list[dict[str, Any]], Field(min_length=1)] | str | None
    created_at: Moment


class ThreadCost(Told):
    """What a thread came to."""

    total_cost: Amount
    total_output_tokens: Count
    total_input_tokens: Count


# --- analytics.yaml


class Figures(Told):
    """Figures; durations in milliseconds, the rate in percent."""

    tag_tuple: list[str]
    total_cost: Amount
    total_requests: Annotated[int, Field(ge=1)]
    total_duration: Amount
    total_input_tokens: Count
    total_output_tokens: Count
    error_rate: Annotated[float, Field(ge=0, le=100)]
    error_request_count: Count
    avg_duration: Amount
    duration: Amount
    duration_p99: Amount
    duration_p95: Amount
    duration_p90: Amount
    duration_p50: Amount
    avg_ttft: Amount
    ttft: Amount
    ttft_p99: Amount
    ttft_p95: Amount
    ttft_p90: Amount
    ttft_p50: Amount
    tps: Amount
    tps_p99: Amount
    tps_p95: Amount
    tps_p90: Amount
    tps_p50: Amount
    tpot: Amount
    tpot_p99: Amount
    tpot_p95: Amount
    tpot_p90: Amount
    tpot_p50: Amount


class HourFigures(Figures):
    """Figures of an hour."""

    hour: Hour


class Range(Told):
    """A range of time, in seconds and in microseconds."""

    start_time: Count
    end_time: Count
    start_time_us: Count
    end_time_us: Count


class Analytics(Range):
    """Figures by hour."""

    timeseries: list[HourFigures]


class Summary(Range):
    """Figures by group."""

    summary: list[Figures]


class Used(Told):
    """Tokens, and what they cost."""

    total_input_tokens: Count
    total_output_tokens: Count
    total_cost: Amount


class ModelUsed(Used):
    """Usage of a model, and its price."""

    provider: str
    model_name: str
    cost_per_input_token: Amount
    cost_per_output_token: Amount


class TotalUsage(Told):
    """Usage of all models; the period in seconds and in microseconds."""

    models: list[ModelUsed]
    total: Used
    period_start: Count
    period_end: Count
    period_start_us: Count
    period_end_us: Count


class UnitUsed(Used):
    """Usage of a model in an hour, a day or a month."""

    hour: Unit
    provider: str
    model_name: str


class UsageSeries(Told):
    """Usage by unit of time; the period in microseconds."""

    models: list[UnitUsed]
    period_start: Count
    period_end: Count


# --- misc.yaml and enterprise.yaml


class Price(Told):
    """What a million tokens cost."""

    per_input_token: Amount
    per_output_token: Amount


class DatedPrice(Price):
    """A price, and since when it holds."""

    valid_from: DateTime | None


class Provider(Told):
    """Who serves a model; in the gateway's source."""

    provider: str
    model_name: str
    endpoint: str | None


class Limits(Told):
    """How much a model reads."""

    max_context_size: int | None


class PriceCard(Told):
    """A model and its price; the last fields are in the gateway's source alone."""

    model: str
    provider: str
    model_provider: str
    inference_provider: Provider
    price: DatedPrice
    input_formats: list[str]
    output_formats: list[str]
    capabilities: list[str]
    type: str
    limits: Limits
    description: str
    parameters: dict[str, Any] | None = None


class ModelCard(Told):
    """A model in a list."""

    id: str
    object: Literal["model"]
    created: Count
    owned_by: str


class ModelList(Told):
    """All models."""

    object: Literal["list"]
    data: list[ModelCard]


class Model(Told):
    """A model that was made; its prices are decimal numbers as text."""

    id: Uuid
    model_name: str
    description: str
    provider_info_id: str
    model_type: str
    input_token_price: Decimals | None
    output_token_price: Decimals | None
    context_size: int | None
    capabilities: list[str]
    input_types: list[str]
    output_types: list[str]
    tags: list[str]
    type_prices: dict[str, float] | None
    mp_price: float | None
    model_name_in_provider: str | None
    owner_name: str
    priority: int
    parameters: dict[str, Any]


class PricesReport(Told):
    """What setting prices is answered by, in the enterprise specification."""

    success: Literal[True]
    message: str
    updated_models: list[str]


class Error(Told):
    """A failure, in the gateway's source."""

    error: str


class EnterpriseError(Told):
    """A failure, in the enterprise specification."""

    code: Annotated[int, Field(ge=_ERROR)]
    message: str


class GuardError(Told):
    """A guard that did not let a call pass, in the gateway's source; or one there is not."""

    guard_id: str
    message: str | None = None
    error: str | None = None
    details: Any = None


_ENTERPRISE = ("admin.models", "custom_prices")
_REPLIES: Mapping[str, Any] = {
    "chat": Completion,
    "embeddings": Embeddings,
    "models": ModelList,
    "threads": Threads,
    "messages": list[StoredMessage],
    "cost": ThreadCost,
    "analytics": Analytics,
    "summary": Summary,
    "usage": TotalUsage,
    "usage.models": UsageSeries,
    "pricing": list[PriceCard],
    "admin.models": Model,
    "custom_prices": dict[str, Price] | PricesReport,
}
_TYPES = {name: TypeAdapter(kind) for name, kind in _REPLIES.items()}


def check_langdb(operation: str, status: int, content_type: str, body: bytes) -> Any:
    """Check an answer; give its JSON, of a stream the list of its events, of text the text.

    ``operation`` is empty where the path or the method does not exist.
    """
    if content_type.startswith("text/plain"):
        assert status >= _ERROR, "only failures are plain text"
        return body.decode()
    if content_type.startswith("text/event-stream"):
        assert (operation, status) == ("chat", 200)
        *events, done, rest = body.decode().split("\n\n")
        assert (done, rest) == ("data: [DONE]", "")
        assert all(event.startswith("data: {") for event in events)
        chunks = [json.loads(event.removeprefix("data: ")) for event in events]
        for chunk in chunks:
            _check_event(chunk)
        assert len({chunk["id"] for chunk in chunks}) == len(chunks), "each has an id of its own"
        return chunks
    assert content_type == "application/json"
    told = json.loads(body)
    if status >= _ERROR:
        _check_error(operation, status, told)
    else:
        _TYPES[operation].validate_python(told)
        if operation == "chat":
            assert [each["index"] for each in told["choices"]] == [*range(len(told["choices"]))]
            _check_usage(told.get("usage"))
    return told


def _check_error(operation: str, status: int, told: Any) -> None:
    if operation in _ENTERPRISE and set(told) != {"error"}:
        assert EnterpriseError.model_validate(told).code == status
    elif "guard_id" in told:
        GuardError.model_validate(told)
    else:
        Error.model_validate(told)


def _check_event(chunk: Any) -> None:
    Event.model_validate(chunk)
    usage = chunk.get("usage")
    assert usage is None or chunk["choices"] == [], "usage comes in an event of its own"
    _check_usage(usage)
    for choice in chunk["choices"]:
        assert ("role" in choice["delta"]) == bool(choice["delta"]), "each delta names the role"
        assert choice["delta"] or choice["finish_reason"]


def _check_usage(usage: Any) -> None:
    if usage is not None:
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def as_langdb(completion: Mapping[str, Any]) -> dict[str, Any]:
    """Give what LangDB's gateway would make of OpenAI's plain completion, without its cost.

    As its source serialises it: what is null is left out, but the content.
    """
    usage = completion["usage"]
    details = usage["prompt_tokens_details"]
    return {
        "choices": [_choice(choice) for choice in completion["choices"]],
        "usage": {
            **{name: usage[name] for name in ("prompt_tokens", "completion_tokens")},
            "total_tokens": usage["total_tokens"],
            "prompt_tokens_details": {
                "cached_tokens": details["cached_tokens"],
                "cache_creation_tokens": 0,
                "audio_tokens": details["audio_tokens"],
            },
            "completion_tokens_details": {
                name: usage["completion_tokens_details"][name]
                for name in CompletionDetails.model_fields
            },
        },
    }


def _choice(choice: Mapping[str, Any]) -> dict[str, Any]:
    message = choice["message"]
    kept = {name: value for name, value in message.items() if value not in (None, [])}
    told = {
        "index": choice["index"],
        "message": {"role": "assistant", "content": message["content"], **kept},
        "finish_reason": choice["finish_reason"],
    }
    return {**told, "logprobs": choice["logprobs"]} if choice.get("logprobs") else told
