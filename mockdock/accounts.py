"""The account nouns: what a gateway keeps of its traffic, and what it tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from mockdock.question import Price
from mockdock.request import ToolCall

__all__ = [
    "ContentPart",
    "Figures",
    "Group",
    "Hour",
    "Model",
    "ModelUsage",
    "Said",
    "SaidBy",
    "Span",
    "StoredMessage",
    "Thread",
    "ThreadCost",
    "ThreadPage",
    "TotalUsage",
    "UnitUsage",
    "Usage",
    "micros",
]

SaidBy = Literal["system", "human", "ai", "tool"]
"""Who a message is of."""
_MILLION = 1_000_000
_LAST_SECOND = 253_402_300_799
"""Of the year 9999."""


def micros(seconds: float) -> int:
    """Give a moment in microseconds since 1970, by a clock that shows ``seconds`` since then.

    What is before 1970 or after 9999 can be neither kept nor written: the nearest moment is.

    >>> micros(-1.5), micros(1.5)
    (0, 1500000)
    """
    return round(min(max(0.0, seconds), _LAST_SECOND) * _MILLION)


class ContentPart(NamedTuple):
    """A part of a message that has several: its type, such as "Text", and its value."""

    type: str
    value: str
    detail: str | None = None


class Said(NamedTuple):
    """A message of a conversation.

    ``content`` is its text, empty where it has none. Two messages are the same
    when all but ``content_type`` is.
    """

    type: SaidBy
    content: str = ""
    content_array: tuple[ContentPart, ...] = ()
    tool_call_id: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    content_type: str = "Text"


class Span(NamedTuple):
    """A range of time in microseconds since 1970; both ends belong to it.

    An exchange is in it when it began in it. The end belongs to it because
    "until now" has to hold what happened now, when a clock stands still.
    """

    start_us: int
    end_us: int


class Thread(Struct, frozen=True):
    """A thread. It was created when its first exchange began, updated when its last one ended.

    ``model_name`` is that of the exchange added last.
    """

    id: str
    project: str
    title: str | None
    user_id: str | None
    user_name: str | None
    model_name: str
    score: float | None
    public: bool
    created_us: int
    updated_us: int


class ThreadPage(Struct, frozen=True):
    """Some threads of a project, newest first, of ``total``."""

    threads: tuple[Thread, ...]
    limit: int
    offset: int
    total: int


class StoredMessage(Struct, frozen=True):
    """A message of a thread. ``model_name`` and ``user_id`` are those of its exchange."""

    id: str
    thread: str
    type: SaidBy
    content_type: str
    content: str
    content_array: tuple[ContentPart, ...]
    tool_call_id: str | None
    tool_calls: tuple[ToolCall, ...]
    model_name: str
    user_id: str | None
    created_us: int


class ThreadCost(Struct, frozen=True):
    """What the exchanges of a thread come to, in US dollars and tokens."""

    total_cost: float
    total_output_tokens: int
    total_input_tokens: int


class Figures(Struct, frozen=True):
    """Figures of some exchanges, by the names of LangDB's schema.

    Costs are in US dollars; durations, ``ttft`` and ``tpot`` (time per output
    token) in milliseconds; ``tps`` in output tokens per second; ``error_rate``
    in percent. The plain name of a measure is its mean over the exchanges that
    have it. Where none has it, all of the measure is 0. The README of this room
    defines each.
    """

    total_cost: float
    total_requests: int
    total_duration: float
    total_input_tokens: int
    total_output_tokens: int
    error_rate: float
    error_request_count: int
    avg_duration: float
    duration: float
    duration_p99: float
    duration_p95: float
    duration_p90: float
    duration_p50: float
    avg_ttft: float
    ttft: float
    ttft_p99: float
    ttft_p95: float
    ttft_p90: float
    ttft_p50: float
    tps: float
    tps_p99: float
    tps_p95: float
    tps_p90: float
    tps_p50: float
    tpot: float
    tpot_p99: float
    tpot_p95: float
    tpot_p90: float
    tpot_p50: float


class Hour(Struct, frozen=True):
    """Figures of the exchanges that began in an hour (UTC), and when it began."""

    start_us: int
    figures: Figures


class Group(Struct, frozen=True):
    """Figures of the exchanges that have these values of what they are grouped by."""

    tag_tuple: tuple[str, ...]
    figures: Figures


class Usage(Struct, frozen=True):
    """Tokens, and US dollars."""

    total_input_tokens: int
    total_output_tokens: int
    total_cost: float


class ModelUsage(Struct, frozen=True):
    """Usage of a model. ``price`` holds at the end of the time asked for.

    It is None where the ledger knows none: the catalogue of the asker knows better.
    """

    provider: str
    model_name: str
    usage: Usage
    price: Price | None


class TotalUsage(Struct, frozen=True):
    """Usage by model, and of all."""

    models: tuple[ModelUsage, ...]
    total: Usage


class UnitUsage(Struct, frozen=True):
    """Usage of a model in an hour, day or month (UTC) that began at ``start_us``."""

    start_us: int
    provider: str
    model_name: str
    usage: Usage


class Model(Struct, frozen=True):
    """A model that was made. Its token prices are decimal numbers as text, such as "0.00001".

    ``id`` is a uuid. ``created_us`` is in microseconds since 1970; the model, and
    its price, hold from then on.
    """

    id: str
    created_us: int
    model_name: str
    description: str
    provider_info_id: str
    project_id: str
    model_type: str
    owner_name: str
    priority: int
    public: bool
    request_response_mapping: str | None
    input_token_price: str | None
    output_token_price: str | None
    context_size: int | None
    capabilities: tuple[str, ...]
    input_types: tuple[str, ...]
    output_types: tuple[str, ...]
    tags: tuple[str, ...]
    type_prices: Mapping[str, float] | None
    mp_price: float | None
    model_name_in_provider: str | None
    parameters: Mapping[str, Any]

    @property
    def per_million(self) -> tuple[float, float] | None:
        """What a million tokens of input and of output cost; None where neither has a price."""
        prices = (self.input_token_price, self.output_token_price)
        if prices == (None, None):
            return None
        first, second = (float(Decimal(price or 0) * _MILLION) for price in prices)
        return first, second
