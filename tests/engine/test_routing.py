"""Which model of a pool answers, by what it costs and what the traffic was."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.content import catalogue
from mockdock.engine import Engine, resolves_long
from mockdock.ledger import Entry
from mockdock.question import Account, CreateModel, NewModel, Price, SetPrices
from mockdock.request import Message, Request, TextPart
from mockdock.routing import Filter, Metric, Pool, Routed
from tests.engine.helpers import engine

NOW = 1_700_000_000.0
MICROS = 1_700_000_000_000_000


def asked(pool: Pool | None, *, project: str = "p") -> Request:
    """Ask for a model of a pool."""
    routed = None if pool is None else Routed("r", pool)
    messages = (Message("user", (TextPart("Hello"),)),)
    account = Account(project, routed=routed)
    return Request("langdb", "chat", "router/dynamic", messages, account=account)


def order(mine: Engine, *models: str, **more: Any) -> list[str]:
    """Name the models in the order in which they would be tried."""
    read = mine.read(asked(Pool(models, **more)), NOW)
    assert read.account is not None
    assert read.account.routed is not None
    assert read.account.routed.pool is None
    return [read.model, *read.account.routed.left]


def seen(mine: Engine, name: str, **fields: Any) -> None:
    """Let the project have seen an exchange with a model."""
    usual: dict[str, Any] = {"project": "p", "started_us": MICROS, "output_tokens": 10}
    provider, model = name.split("/")
    mine.books.add("", Entry(**{**usual, "provider": provider, "model": model, **fields}))


@pytest.fixture
def busy() -> Engine:
    """Make an engine whose project has seen a quick, a slow and a broken model."""
    mine = engine()
    seen(mine, "a/quick", duration_ms=100.0, ttft_ms=10.0)
    seen(mine, "a/slow", duration_ms=1000.0, ttft_ms=500.0)
    seen(mine, "a/slow", duration_ms=3000.0, ttft_ms=700.0)
    seen(mine, "b/broken", duration_ms=1.0, output_tokens=0, error=True)
    seen(mine, "b/broken", duration_ms=200.0)
    return mine


ALL = ("a/slow", "b/broken", "a/quick")


@pytest.mark.parametrize(
    ("metric", "wanted"),
    [
        (None, ["a/slow", "b/broken", "a/quick"]),
        ("latency", ["a/quick", "b/broken", "a/slow"]),
        ("throughput", ["a/slow", "b/broken", "a/quick"]),
        ("error_rate", ["a/quick", "a/slow", "b/broken"]),
        ("requests", ["a/quick", "a/slow", "b/broken"]),
        ("ttft", ["a/quick", "a/slow", "b/broken"]),
    ],
)
def test_models_come_in_the_order_of_what_is_measured(
    busy: Engine, metric: Metric | None, wanted: list[str]
) -> None:
    """Those that sort alike by name; one that was never measured so comes last."""
    assert order(busy, *ALL, sort_by=metric) == wanted


def test_the_largest_may_come_first(busy: Engine) -> None:
    assert order(busy, *ALL, sort_by="throughput", largest=True) == [
        "a/quick",
        "b/broken",
        "a/slow",
    ]
    assert order(busy, *ALL, sort_by="ttft", largest=True)[0] == "a/slow"


def test_a_model_without_traffic_counts_as_measured_with_nothing(busy: Engine) -> None:
    """So it gets some, as LangDB's source has it."""
    assert order(busy, *ALL, "a/new", sort_by="latency")[0] == "a/new"
    assert order(busy, *ALL, "a/new", sort_by="latency", largest=True)[-1] == "a/new"


def test_what_other_projects_and_sessions_did_does_not_count(busy: Engine) -> None:
    read = busy.read(asked(Pool(("a/slow", "a/quick"), sort_by="latency"), project="q"), NOW)
    assert read.model == "a/quick"
    seen(busy, "a/quick", project="q", duration_ms=9000.0)
    read = busy.read(asked(Pool(("a/slow", "a/quick"), sort_by="latency"), project="q"), NOW)
    assert read.model == "a/slow"


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ((Filter("error_rate", "lt", 0.01),), ["a/slow", "a/quick"]),
        ((Filter("error_rate", "gte", 0.5),), ["b/broken"]),
        ((Filter("latency", "lt", 1000), Filter("error_rate", "eq", 0)), ["a/quick"]),
        ((Filter("ttft", "lt", 10_000),), ["a/slow", "a/quick"]),
        ((Filter("requests", "gt", 1),), ["a/slow", "b/broken"]),
        ((Filter("requests", "gt", 9),), ["a/slow", "b/broken", "a/quick"]),
    ],
)
def test_models_that_do_not_pass_are_left_out(
    busy: Engine, filters: tuple[Filter, ...], wanted: list[str]
) -> None:
    """Where none passes all are taken; an unknown time to the first token does not pass."""
    assert order(busy, *ALL, filters=filters) == wanted


def test_the_cheapest_input_comes_first() -> None:
    names = ("openai/gpt-4o", "acme/unknown", "openai/gpt-4o-mini")
    assert order(engine(), *names, sort_by="price") == [
        "openai/gpt-4o-mini",
        "openai/gpt-4o",
        "acme/unknown",
    ]
    assert order(engine(), *names[::2], sort_by="price", largest=True)[0] == "openai/gpt-4o"
    filters = (Filter("price", "lt", 1),)
    assert order(engine(), *names, filters=filters) == ["openai/gpt-4o-mini"]


def test_a_price_of_the_project_counts_at_once() -> None:
    mine = engine()
    prices = SetPrices({"openai/gpt-4o": Price(0.001, 9.0)})
    mine.books.ask("", "p", prices, MICROS - 1)
    names = ("openai/gpt-4o-mini", "openai/gpt-4o")
    assert order(mine, *names, sort_by="price")[0] == "openai/gpt-4o"


def test_a_star_stands_for_the_models_of_a_provider() -> None:
    chatting = [each.id for each in catalogue.load().all() if each.kind == "chat"]
    openai = list(order(engine(), "openai/*"))
    assert openai == [f"openai/{each}" for each in chatting][:9]
    assert order(engine(), "gpt-4o*", "openai/gpt-4o")[0] == "openai/gpt-4o"
    assert all("embedding" not in each for each in order(engine(), "*", sort_by="price"))


def test_a_star_stands_for_models_that_were_made() -> None:
    mine = engine()
    new = NewModel(
        "own", "d", "e2e9129b-6661-4eeb-80a2-0c86964974c9", "p", "completions", "acme", 0
    )
    mine.books.ask("", "p", CreateModel(new), MICROS - 1)
    assert order(mine, "acme/*") == ["acme/own"]


def test_behind_a_star_those_with_traffic_come_alone() -> None:
    mine = engine()
    seen(mine, "openai/gpt-4o-mini", duration_ms=5.0)
    assert order(mine, "openai/*", sort_by="latency") == ["openai/gpt-4o-mini"]


def test_models_are_named_once() -> None:
    assert order(engine(), "a/x", "a/y", "a/x") == ["a/x", "a/y"]


def test_a_pool_of_nothing_is_no_model() -> None:
    mine = engine()
    read = mine.read(asked(Pool(("nobody/*",))), NOW)
    refused = mine.explain(read).refused
    assert refused is not None
    assert (refused.kind, refused.model) == ("model_not_found", "nobody/*")


@pytest.mark.parametrize(
    ("pool", "long"),
    [
        (None, False),
        (Pool(("a/x", "a/y")), False),
        (Pool(("a/*",)), True),
        (Pool(("a/x",), sort_by="price"), True),
        (Pool(("a/x",), (Filter("ttft", "lt", 1),)), True),
    ],
)
def test_a_choice_takes_long_when_the_books_are_asked(pool: Pool | None, *, long: bool) -> None:
    assert resolves_long(asked(pool)) is long
