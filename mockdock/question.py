"""The question nouns: whose account a request is on, and what is asked of a ledger."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from mockdock.routing import Routed

__all__ = [
    "Account",
    "Analyse",
    "CostOfThread",
    "CreateModel",
    "GroupBy",
    "ListModels",
    "ListPrices",
    "ListThreads",
    "NewModel",
    "Price",
    "Question",
    "ReadThread",
    "SetPrices",
    "SumUsage",
    "SumUsageBy",
    "Unit",
    "Window",
]

GroupBy = Literal["provider", "model", "tag", "user", "thread", "run", "label", "api"]
Unit = Literal["hour", "day", "month"]


class Price(NamedTuple):
    """What a model costs, in US dollars for a million tokens.

    It holds from ``valid_from_us`` on, in microseconds since 1970; None: always.
    """

    per_input_token: float
    per_output_token: float
    valid_from_us: int | None = None


class NewModel(Struct, frozen=True):
    """A model to be made, by the names of LangDB's schema.

    ``input_token_price`` and ``output_token_price`` are in US dollars for one
    token, ``mp_price`` for a megapixel, those in ``type_prices`` for one of a type.
    """

    model_name: str
    description: str
    provider_info_id: str
    project_id: str
    model_type: str
    owner_name: str
    priority: int
    public: bool = False
    request_response_mapping: str | None = None
    input_token_price: float | Decimal | None = None
    output_token_price: float | Decimal | None = None
    context_size: int | None = None
    capabilities: tuple[str, ...] = ()
    input_types: tuple[str, ...] = ()
    output_types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    type_prices: Mapping[str, float] | None = None
    mp_price: float | None = None
    model_name_in_provider: str | None = None
    parameters: Mapping[str, Any] = {}


class Window(Struct, frozen=True):
    """A range of time, some of which may be left open; in microseconds.

    ``last_us`` before now, or from ``start_us`` to ``end_us`` since 1970. Where the
    end is open it is now; where the start is, it is the midnight (UTC) 30 days before.
    """

    last_us: int | None = None
    start_us: int | None = None
    end_us: int | None = None


class ListThreads(Struct, frozen=True):
    """Asks for some threads of a project, newest first."""

    limit: int
    offset: int


class ReadThread(Struct, frozen=True):
    """Asks for the messages of a thread."""

    thread: str


class CostOfThread(Struct, frozen=True):
    """Asks for what a thread came to."""

    thread: str


class Analyse(Struct, frozen=True):
    """Asks for figures: of each group, or of each hour where ``group_by`` is empty."""

    window: Window
    group_by: tuple[GroupBy, ...] = ()
    tag_keys: tuple[str, ...] = ()


class SumUsage(Struct, frozen=True):
    """Asks for the usage of each model, and of all."""

    window: Window


class SumUsageBy(Struct, frozen=True):
    """Asks for the usage of each model in each unit of time."""

    window: Window
    unit: Unit


class ListModels(Struct, frozen=True):
    """Asks for all models, by their names."""


class ListPrices(Struct, frozen=True):
    """Asks for all models and their prices."""


class CreateModel(Struct, frozen=True):
    """Wants a model to be made."""

    new: NewModel


class SetPrices(Struct, frozen=True):
    """Wants prices of a project to be set, by names such as "bedrock/some-model"."""

    prices: Mapping[str, Price]


Question = (
    ListThreads
    | ReadThread
    | CostOfThread
    | Analyse
    | SumUsage
    | SumUsageBy
    | ListModels
    | ListPrices
    | CreateModel
    | SetPrices
)


class Account(Struct, frozen=True):
    """Whose account a request is on, and what is to be kept with it.

    ``project`` is empty where none was named. ``thread``, ``run`` and the rest are what
    the client says of the exchange; an empty ``thread`` is a new one. ``provider`` and
    ``model`` are who answers, once that is known; ``routed`` is how that was found, None where
    the client named it. ``guards`` are ids of what is to pass the request or its answer.
    ``question`` is what is asked of the ledger itself, None where the request is for a model.
    """

    project: str
    thread: str = ""
    run: str | None = None
    label: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    user_id: str | None = None
    user_name: str | None = None
    title: str | None = None
    public: bool | None = None
    provider: str = ""
    model: str = ""
    routed: Routed | None = None
    guards: tuple[str, ...] = ()
    question: Question | None = None
