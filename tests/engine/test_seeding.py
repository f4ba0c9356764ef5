"""From what a scenario says of the past to what the books hold."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.accounts import ThreadCost
from mockdock.content import catalogue
from mockdock.engine.seedbed import Seedbed
from mockdock.errors import UsageError
from mockdock.ledger import Books, Price
from mockdock.question import (
    Analyse,
    CostOfThread,
    ListModels,
    ListThreads,
    ReadThread,
    SumUsage,
    Window,
)
from mockdock.scenario.langdb import LangDBSpec

NOW = 1_738_152_000.0
NOW_US = 1_738_152_000_000_000
DAY = 86_400_000_000
PRICES = {"per_input_token": 1, "per_output_token": 2}


class Sown:
    """Books with what a scenario says of them."""

    def __init__(self, *, books: Books | None = None, seed: int = 0, **said: Any) -> None:
        self.books = Books() if books is None else books
        spec = LangDBSpec.model_validate({"project": "p", **said})
        self.bed = Seedbed(spec, self.books, catalogue.load(), seed)
        if self.bed.is_due(""):
            self.bed.sow("", NOW)
        assert not self.bed.is_due("")

    def ask(self, question: Any, project: str = "p") -> Any:
        """Ask the books."""
        return self.books.ask("", project, question, NOW_US)

    def usage(self, project: str = "p") -> Any:
        """Give the tokens and costs of all that was."""
        return self.ask(SumUsage(Window(start_us=0)), project).usage.total

    def figures(self, *groups: str, tags: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
        """Give figures of all that was, by group."""
        told = self.ask(Analyse(Window(start_us=0), groups, tags))  # type: ignore[arg-type]
        return {group.tag_tuple: group.figures for group in told.groups}


def test_without_anything_to_sow_nothing_is_due() -> None:
    books = Books()
    for said in (None, LangDBSpec.model_validate({"project": "p"})):
        bed = Seedbed(said, books, catalogue.load(), 0)
        assert not bed.is_due("")
        bed.sow("", NOW)
    assert books._ledger is None


def test_a_thread_is_there_with_its_messages() -> None:
    messages = [
        {"type": "human", "content": "Weather?"},
        {"type": "ai", "tool_calls": [{"name": "f", "arguments": {"a": 1}}, {"name": "g"}]},
        {"type": "tool", "content": "wet", "tool_call_id": "c"},
    ]
    first = {"id": "t", "title": "Trip", "user_id": "u", "user_name": "Ann", "ago": "3d"}
    sown = Sown(
        threads=[
            {**first, "score": 0.5, "public": True, "model_name": "o3", "messages": messages},
            {"created_at": "2025-01-01"},
            {},
            {},
        ]
    )
    (thread,) = [each for each in sown.ask(ListThreads(10, 0)).threads if each.id == "t"]
    assert (thread.title, thread.user_id, thread.user_name) == ("Trip", "u", "Ann")
    assert (thread.score, thread.public, thread.model_name) == (0.5, True, "o3")
    assert thread.created_us == NOW_US - 3 * DAY
    said = sown.ask(ReadThread("t")).messages
    assert [(each.type, each.content, each.tool_call_id) for each in said] == [
        ("human", "Weather?", None),
        ("ai", "", None),
        ("tool", "wet", "c"),
    ]
    calls = said[1].tool_calls
    assert [(each.name, each.arguments) for each in calls] == [("f", '{"a":1}'), ("g", "{}")]
    assert len({each.id for each in calls}) == 2
    times = sorted(each.created_us for each in sown.ask(ListThreads(10, 0)).threads)
    assert times == [1_735_689_600_000_000, NOW_US - 3 * DAY, NOW_US, NOW_US]


def test_a_model_can_be_called_and_priced() -> None:
    model = {"model_name": "m", "owner_name": "acme", "context_size": 9, "tags": ["x"]}
    sown = Sown(models=[{**model, "input_token_price": 1e-5}])
    made = sown.books.model("", "p", "m")
    assert made is not None
    assert (made.owner_name, made.context_size, made.tags) == ("acme", 9, ("x",))
    assert made.created_us == NOW_US - 365 * DAY
    assert sown.books.price("", "p", "acme", "m", NOW_US) == Price(10, 0, made.created_us)
    assert [each.model_name for each in sown.ask(ListModels()).models] == ["m"]
    assert sown.books.model("", "q", "m") is None


def test_prices_hold_since_they_are_told_to() -> None:
    sown = Sown(
        prices={
            "p": {"a/b": PRICES, "c": {**PRICES, "ago": "1d"}},
            "q": {"a/b": {**PRICES, "valid_from": "2025-01-01"}},
        }
    )
    assert sown.books.price("", "p", "a", "b", 0) == Price(1, 2, 0)
    assert sown.books.price("", "p", "x", "c", NOW_US) == Price(1, 2, NOW_US - DAY)
    assert sown.books.price("", "p", "x", "c", NOW_US - DAY - 1) is None
    assert sown.books.price("", "q", "a", "b", 1_735_689_600_000_000 - 1) is None
    assert sown.books.price("", "q", "a", "b", 1_735_689_600_000_000) is not None


@pytest.mark.parametrize(
    ("model", "ago", "cost"),
    [
        ("openai/gpt-4o", "1d", 0.0125),  # of the catalogue: $2.50 and $10
        ("gpt-4o", "1d", 0.0125),
        ("acme/m", "1d", 0.03),
        ("m", "1d", 0.03),
        ("m", "400d", 0.0),
        ("z/priced", "1d", 0.003),
        ("z/priced", "3d", 0.0),
        ("public", "1d", 0.001),
        ("other", "1d", 0.0),
    ],
)
def test_a_past_exchange_costs_what_it_would_have(model: str, ago: str, cost: float) -> None:
    made = {"owner_name": "acme", "input_token_price": 1e-5, "output_token_price": 2e-5}
    sown = Sown(
        models=[
            {**made, "model_name": "m"},
            {
                "model_name": "public",
                "owner_name": "x",
                "project_id": "q",
                "public": True,
                "output_token_price": 1e-6,
            },
            {**made, "model_name": "other", "project_id": "q"},
        ],
        prices={"p": {"z/priced": {**PRICES, "ago": "2d"}}},
        usage=[{"model": model, "ago": ago, "input_tokens": 1000, "output_tokens": 1000}],
    )
    assert sown.usage().total_cost == pytest.approx(cost)


def test_a_past_exchange_is_told_with_all_it_says() -> None:
    used = {
        "model": "openai/gpt-4o",
        "started_at": "2025-01-01T00:30:00Z",
        "thread_id": "t",
        "run_id": "r",
        "label": "l",
        "tags": {"env": "prod"},
        "user": {"id": "7", "name": "Ann"},
        "duration": "2s",
        "ttft": "500ms",
        "output_tokens": 5,
        "cost": 0.25,
    }
    failed = {"model": "gpt-4o", "ago": "1d", "status": 429, "api": "embeddings"}
    sown = Sown(usage=[used, used, failed], threads=[{"id": "t", "title": "T"}])
    assert sown.ask(CostOfThread("t")) == ThreadCost(0.5, 10, 0)
    figures = sown.figures("run", "label", "user", "api")
    assert set(figures) == {("r", "l", "7", "chat"), ("", "", "", "embeddings")}
    one = figures["r", "l", "7", "chat"]
    assert (one.avg_duration, one.ttft, one.total_requests) == (2000, 500, 2)
    assert figures["", "", "", "embeddings"].error_request_count == 1
    assert set(sown.figures("tag", tags=("env",))) == {("prod",)}


def test_a_history_is_of_its_projects_and_their_prices() -> None:
    history = {
        "days": 3,
        "per_day": 50,
        "models": [{"model": "acme/m", "share": 3}, "gpt-4o"],
        "users": ["Ann"],
        "tags": [{"env": "prod"}],
        "labels": ["l"],
        "error_rate": 0,
    }
    sown = Sown(
        history={**history, "projects": ["p", "q"]},
        prices={"p": {"acme/m": PRICES}},
    )
    figures = sown.figures("provider", "model", "user", "label")
    assert set(figures) == {("acme", "m", "Ann", "l"), ("openai", "gpt-4o", "Ann", "l")}
    one = figures["acme", "m", "Ann", "l"]
    priced = (one.total_input_tokens + 2 * one.total_output_tokens) / 1e6
    assert one.total_cost == pytest.approx(priced)
    assert sown.usage("q").total_input_tokens not in (0, sown.usage().total_input_tokens)
    assert sown.usage("q").total_cost < sown.usage().total_cost * 2


def test_the_same_seed_gives_the_same_past_and_another_seed_another() -> None:
    history = {"days": 2, "per_day": 50}
    one, same, other = (Sown(history=history, seed=seed).usage() for seed in (1, 1, 2))
    assert one == same != other


def test_a_changed_scenario_sows_what_is_new() -> None:
    books = Books()
    used = {"model": "m", "ago": "1d", "input_tokens": 1}
    before: dict[str, Any] = {
        "usage": [used],
        "threads": [{"title": "a"}],
        "prices": {"p": {"m": PRICES}},
    }
    Sown(books=books, **before)
    after = Sown(
        books=books,
        usage=[{**used, "input_tokens": 10}, used, used],
        threads=[{"title": "b"}, {"title": "a"}],
        prices={"p": {"m": {**PRICES, "per_input_token": 7}}},
    )
    assert after.usage().total_input_tokens == 12
    assert sorted(each.title for each in after.ask(ListThreads(9, 0)).threads) == ["a", "b"]
    assert books.price("", "p", "x", "m", NOW_US) == Price(7, 2, 0)


def test_a_history_before_time_began_is_refused() -> None:
    books = Books()
    bed = Seedbed(
        LangDBSpec.model_validate({"project": "p", "history": {}}), books, catalogue.load(), 0
    )
    with pytest.raises(UsageError, match="before 1970"):
        bed.sow("", 0)
    assert bed.is_due("")
