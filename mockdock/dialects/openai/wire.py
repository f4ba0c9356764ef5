"""The chat completions request as OpenAI's specification (2.3.0) declares it.

Strict types, closed objects. Bounds and enumerations are the specification's.
Where it names none, those of refusals seen in public are checked (a list of
tools holds 1 to 128 of them, a limit of tokens is at least 1), and no others.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag

from mockdock.dialects.openai.wire_base import STRING_OR_STRINGS, Unchecked, Wire
from mockdock.dialects.openai.wire_messages import ChatMessage, TextContent
from mockdock.dialects.openai.wire_tools import (
    FunctionChoice,
    LegacyFunction,
    ResponseFormat,
    ToolChoice,
    ToolSpec,
)

__all__ = ["ChatRequest"]


class StreamOptions(Wire):
    """What else a stream shall carry."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class Prediction(Wire):
    """What the answer will mostly be."""

    type: Literal["content"]
    content: TextContent


class Audio(Wire):
    """How spoken answers shall sound."""

    voice: Unchecked
    format: Literal["wav", "aac", "mp3", "flac", "opus", "pcm16"]


class WebSearch(Wire):
    """Where and how much to search."""

    user_location: dict[str, Unchecked] | None = None
    search_context_size: Literal["low", "medium", "high"] | None = None


Penalty = Annotated[float, Field(ge=-2, le=2)]
Limit = Annotated[int, Field(ge=1)]


class ChatRequest(Wire):
    """``CreateChatCompletionRequest``, field by field."""

    model: str
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    audio: Audio | None = None
    frequency_penalty: Penalty | None = None
    function_call: FunctionChoice | None = None
    functions: Annotated[list[LegacyFunction], Field(min_length=1, max_length=128)] | None = None
    logit_bias: dict[str, Annotated[float, Field(ge=-100, le=100)]] | None = None
    logprobs: bool | None = None
    max_completion_tokens: Limit | None = None
    max_tokens: Limit | None = None
    metadata: (
        Annotated[
            dict[
                Annotated[str, Field(max_length=64)],
                Annotated[str, Field(max_length=512)],
            ],
            Field(max_length=16),
        ]
        | None
    ) = None
    modalities: list[Literal["text", "audio"]] | None = None
    moderation: dict[str, Unchecked] | None = None
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    parallel_tool_calls: bool = True
    prediction: Prediction | None = None
    presence_penalty: Penalty | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: dict[str, Unchecked] | None = None
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = (
        None
    )
    response_format: ResponseFormat | None = None
    safety_identifier: Annotated[str, Field(max_length=64)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)] | None = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None = None
    stop: (
        Annotated[
            Annotated[str, Tag("string")]
            | Annotated[Annotated[list[str], Field(min_length=1, max_length=4)], Tag("array")],
            STRING_OR_STRINGS,
        ]
        | None
    ) = None
    store: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    tool_choice: ToolChoice | None = None
    tools: (
        Annotated[
            list[ToolSpec],
            Field(min_length=1, max_length=128),
        ]
        | None
    ) = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    user: str | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    web_search_options: WebSearch | None = None
