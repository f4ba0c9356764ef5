"""The statement nouns: what a client is told of an account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from mockdock.accounts import (
    Group,
    Hour,
    Model,
    Span,
    StoredMessage,
    ThreadCost,
    ThreadPage,
    TotalUsage,
    UnitUsage,
)
from mockdock.question import Price, Unit

__all__ = [
    "AccountReply",
    "Analysis",
    "Conversation",
    "OwnPrices",
    "PriceCard",
    "PriceList",
    "PricesSet",
    "Summary",
    "UsageSeries",
    "UsageTotal",
]


class Conversation(Struct, frozen=True):
    """The messages of a thread, in the order they were added."""

    messages: tuple[StoredMessage, ...]


class Analysis(Struct, frozen=True):
    """Figures for each hour with traffic of a range of time."""

    span: Span
    hours: tuple[Hour, ...]


class Summary(Struct, frozen=True):
    """Figures of a range of time for each group."""

    span: Span
    groups: tuple[Group, ...]


class UsageTotal(Struct, frozen=True):
    """What was used in a range of time."""

    span: Span
    usage: TotalUsage


class UsageSeries(Struct, frozen=True):
    """What was used of each model in each hour, day or month of a range of time."""

    span: Span
    unit: Unit
    usages: tuple[UnitUsage, ...]


class OwnPrices(Struct, frozen=True):
    """What a project has of its own: models that were made, and prices set, by name."""

    models: tuple[Model, ...]
    prices: Mapping[str, Price]


class PriceCard(Struct, frozen=True):
    """What is told of a model and its price.

    ``provider`` serves it, ``owner`` made it. ``kind`` is "completions", "embeddings"
    or what a model made by users says of itself.
    """

    model: str
    provider: str
    owner: str
    price: Price
    kind: str
    inputs: tuple[str, ...] = ("text",)
    outputs: tuple[str, ...] = ("text",)
    capabilities: tuple[str, ...] = ()
    context_window: int | None = None
    description: str = ""
    parameters: Mapping[str, Any] | None = None


class PriceList(Struct, frozen=True):
    """The answer to a question for all prices."""

    cards: tuple[PriceCard, ...]


class PricesSet(Struct, frozen=True):
    """Prices of a project were set, by name."""

    prices: Mapping[str, Price]


AccountReply = (
    ThreadPage
    | Conversation
    | ThreadCost
    | Analysis
    | Summary
    | UsageTotal
    | UsageSeries
    | OwnPrices
    | PriceList
    | Model
    | PricesSet
)
"""What is told of a project. :class:`OwnPrices` is told by a ledger, never to a client."""
