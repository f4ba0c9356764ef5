"""The chat completions request as OpenAI's specification (2.3.0) declares it.

Strict types, closed objects. Bounds and enumerations are the specification's.
Where it names none, those of refusals seen in public are checked (a list of
tools holds 1 to 128 of them, a limit of tokens is at least 1), and no others.
"""

from typing import Annotated, Literal

from pydantic import Field, Tag

from mockdock.dialects.openai.wire_base import (
    STRING_OR_STRINGS,
    Metadata,
    Unchecked,
    Wire,
    none_given,
)
from mockdock.dialects.openai.wire_messages import ChatMessage, TextContent
from mockdock.dialects.openai.wire_tools import (
    FunctionChoice,
    LegacyFunction,
    ResponseFormat,
    TextFormat,
    ToolChoice,
    ToolSpec,
)

__all__ = ["MOST_MESSAGES", "ChatRequest", "Penalty", "StreamOptions"]


class StreamOptions(Wire):
    """What else a stream shall carry; the real default of ``include_obfuscation`` is true."""

    include_usage: bool = False
    include_obfuscation: bool = False


class Prediction(Wire):
    """What the answer will mostly be."""

    type: Literal["content"]
    content: TextContent


class Audio(Wire):
    """How spoken answers shall sound."""

    voice: Unchecked
    format: Literal["wav", "aac", "mp3", "flac", "opus", "pcm16"]


class Place(Wire):
    """Roughly where the user is."""

    country: str = ""
    region: str = ""
    city: str = ""
    timezone: str = ""


class UserLocation(Wire):
    """Where the user is."""

    type: Literal["approximate"]
    approximate: Place


class WebSearch(Wire):
    """Where and how much to search."""

    user_location: UserLocation | None = None
    search_context_size: Literal["low", "medium", "high"] = "medium"


class Moderation(Wire):
    """Which model moderates, and by which policy."""

    model: str
    policy: Unchecked = None


class PromptCache(Wire):
    """How long and in what way prompts are kept."""

    ttl: Unchecked = None
    mode: Unchecked = None


# One instance each for all requests: pydantic would copy a default that is a model. What is
# known to be right is constructed, since validating it would build the model at import.
_NO_CACHE = PromptCache.model_construct()
_NO_SEARCH = WebSearch.model_construct()
_TEXT = TextFormat.model_construct(type="text")

Penalty = Annotated[float, Field(ge=-2, le=2)]
Limit = Annotated[int, Field(ge=1)]


MOST_MESSAGES = 2048
"""Remembered from public refusals, without a paste at hand: ASSUMED."""


class ChatRequest(Wire):
    """``CreateChatCompletionRequest``, field by field.

    Null is taken where the specification calls a field nullable, and only there.
    The order is that in which the live API tells what is wrong (measured: see
    ``rules_model``).
    """

    model: str
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MOST_MESSAGES)]
    functions: list[LegacyFunction] = Field(
        default_factory=none_given, min_length=1, max_length=128
    )
    function_call: FunctionChoice = "auto"
    tools: list[ToolSpec] = Field(default_factory=none_given, min_length=1, max_length=128)
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool = True
    max_tokens: Limit | None = None
    max_completion_tokens: Limit | None = None
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    stop: (
        Annotated[
            Annotated[str, Tag("string")]
            | Annotated[Annotated[list[str], Field(min_length=1, max_length=4)], Tag("array")],
            STRING_OR_STRINGS,
        ]
        | None
    ) = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: (
        dict[Annotated[str, Field(pattern="^[0-9]+$")], Annotated[int, Field(ge=-100, le=100)]]
        | None
    ) = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    user: str = ""
    seed: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)] | None = None
    safety_identifier: Annotated[str, Field(max_length=64)] | None = None
    prompt_cache_options: PromptCache = Field(default_factory=lambda: _NO_CACHE)
    prompt_cache_key: str | None = None
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    response_format: ResponseFormat = Field(default_factory=lambda: _TEXT)
    store: bool | None = None
    metadata: Metadata | None = None
    prediction: Prediction | None = None
    modalities: list[Literal["text", "audio"]] | None = None
    audio: Audio | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = (
        None
    )
    verbosity: Literal["low", "medium", "high"] | None = None
    web_search_options: WebSearch = Field(default_factory=lambda: _NO_SEARCH)
    moderation: Moderation | None = None
