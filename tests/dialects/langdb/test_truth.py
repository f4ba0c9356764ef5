"""What LangDB tells of random traffic is what a plain recomputation over the journal gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.asgi import app_of
from tests.dialects.langdb.recomputed import (
    Price,
    Row,
    costs,
    hours,
    rows_of,
    summary,
    threads,
    units,
    usage,
)
from tests.dialects.langdb.talk import LeapingClock, Talk
from tests.effort import examples
from tests.observe.helpers import kept_here

MILLION = 1_000_000
PACES = {"Hi": 0.3, "Long": 0.3, "Slow": 1.5, "Nothing": 0.3}
"""Seconds before the first token, by what is asked."""
LIST: dict[tuple[str, str], Price] = {
    ("openai", "gpt-4o"): (2.5, 10.0),
    ("openai", "gpt-4o-mini"): (0.15, 0.6),
    ("openai", "text-embedding-3-small"): (0.02, 0.0),
}
"""The catalogue's prices for a million tokens; others cost nothing."""
RULES: list[dict[str, Any]] = [
    {"when": {"user": "Fail"}, "reply": {"error": "server_error"}},
    {"when": {"user": "Later"}, "reply": {"error": "rate_limit"}},
    {"when": {"user": "Dear"}, "reply": {"error": "quota"}},
    {"when": {"user": "Slow"}, "reply": {"text": "One, two.", "pacing": {"ttft": "1500ms"}}},
    {"when": {"user": "Long"}, "reply": {"generate": {"kind": "lorem", "tokens": 40}}},
    {"when": {"user": "Nothing"}, "reply": ""},
    {"when": {"api": "chat"}, "reply": "Hello!"},
]

names = st.sampled_from(["a", "b", "ü &=?"])
projects = st.sampled_from(["p", "q"])
chats = st.fixed_dictionaries(
    {
        "kind": st.just("chat"),
        "project": projects,
        "model": st.sampled_from(
            ["gpt-4o", "openai/gpt-4o", "gpt-4o-mini", "claude-sonnet-4", "x/y"]
        ),
        "text": st.sampled_from([*PACES, "Fail", "Later", "Dear"]),
        "stream": st.booleans(),
    },
    optional={
        "x_thread_id": st.sampled_from(["t1", "t2"]),
        "x_thread_title": st.sampled_from(["One", "Two"]),
        "x_run_id": st.sampled_from(["r1", "r2"]),
        "x_label": st.sampled_from(["l1", "l2"]),
        "x_tags": st.sampled_from(["env=prod", "env=test&v=2", "v=", "v=1&v=3", "other=1"]),
        "user": st.fixed_dictionaries(
            {"id": st.sampled_from(["7", "8"])},
            optional={"tags": st.sampled_from([["a"], ["a", "b"]]), "name": st.just("mr")},
        ),
    },
)
steps = st.one_of(
    chats,
    chats,
    chats,
    st.fixed_dictionaries({"kind": st.just("embed"), "project": projects}),
    st.fixed_dictionaries({"kind": st.just("refused"), "project": projects}),
    st.fixed_dictionaries(
        {"kind": st.just("wait"), "seconds": st.sampled_from([0.25, 59, 1800, 90_000, 86_400 * 20])}
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("price"),
            "project": projects,
            "name": st.sampled_from(["openai/gpt-4o", "gpt-4o", "x/y"]),
            "price": st.sampled_from([(1.0, 2.0), (0.0, 0.5)]),
        }
    ),
)
groups = st.lists(
    st.sampled_from(["provider", "model", "tag", "user", "thread", "run", "label", "api"]),
    min_size=1,
    max_size=3,
    unique=True,
)


class World:
    """A server, what was sent to it, and the prices that a plain list of them gives."""

    def __init__(self) -> None:
        self.clock = LeapingClock(1_738_146_300.125)
        self.app = app_of(*RULES, clock=self.clock, pacing={"ttft": "300ms", "itl": "20ms"})
        self.talks = {project: Talk(self.app, project) for project in ("p", "q")}
        self.set: list[tuple[str, str, int, Price]] = []

    @property
    def now_us(self) -> int:
        """The moment, in microseconds since 1970."""
        return round(self.clock.time() * MILLION)

    def price(self, project: str, provider: str, model: str, at_us: int) -> Price:
        """Give the price that holds: one set for the full name, for the model, or the list's."""
        for name in (f"{provider}/{model}", model):
            for owner, priced, since_us, price in reversed(self.set):
                if (owner, priced) == (project, name) and since_us <= at_us:
                    return price
        return LIST.get((provider, model), (0.0, 0.0))

    def rows(self, project: str) -> list[Row]:
        """Recompute what a project's exchanges were."""
        exchanges = [entry.exchange for entry in kept_here(self.app.journal.entries())]
        rows = rows_of(exchanges, first_token=lambda text: PACES[text] * 1000, price=self.price)
        return [row for row in rows if row.project == project]

    def do(self, step: dict[str, Any]) -> None:
        """Take a step."""
        step = dict(step)
        match step.pop("kind"):
            case "wait":
                self.clock.advance(step["seconds"])
            case "embed":
                body = {"model": "text-embedding-3-small", "input": ["one", "two three"]}
                assert self.talks[step["project"]].post("/v1/embeddings", body).status == 200
            case "refused":
                assert self.talks[step["project"]].chat(temperature=3).status == 400
            case "price":
                project, name, (first, second) = step["project"], step["name"], step["price"]
                prices = {name: {"per_input_token": first, "per_output_token": second}}
                path = f"/projects/{project}/custom_prices"
                assert self.talks[project].post(path, prices).status == 200
                self.set.append((project, name, self.now_us, (first, second)))
            case _:
                talk = self.talks[step.pop("project")]
                user = step.pop("user", None)
                extra: dict[str, Any] = {} if user is None else {"extra": {"user": user}}
                talk.chat(**step, **extra)


@contextmanager
def led(taken: list[dict[str, Any]]) -> Iterator[World]:
    """Take all the steps."""
    world = World()
    try:
        for step in taken:
            world.do(step)
        yield world
    finally:
        world.app.engine.books.close()


def same(told: Any, wanted: Any) -> None:
    """Compare at any depth: texts and counts exactly, the rest up to rounding."""
    if isinstance(wanted, dict):
        assert told.keys() == wanted.keys()
        for name in wanted:
            same(told[name], wanted[name])
    elif isinstance(wanted, list):
        assert len(told) == len(wanted)
        for one, other in zip(told, wanted, strict=True):
            same(one, other)
    elif isinstance(wanted, float):
        assert told == pytest.approx(wanted, rel=1e-7, abs=1e-12)
    else:
        assert told == wanted


many = st.lists(steps, min_size=1, max_size=14)


@settings(max_examples=examples(100), deadline=None)
@given(
    taken=many, by=groups, keys=st.lists(st.sampled_from(["env", "v", "user_tags"]), unique=True)
)
def test_figures_of_random_traffic(
    taken: list[dict[str, Any]], by: list[str], keys: list[str]
) -> None:
    """By hour and by group, in all the time there was."""
    asked: dict[str, Any] = {"groupBy": by, "tag_keys": keys or ["env"], "period": "last_year"}
    with led(taken) as world:
        for project, talk in world.talks.items():
            rows, since_us = world.rows(project), world.now_us - 365 * 86_400 * MILLION
            spans = {
                "start_time": since_us // MILLION,
                "end_time": world.now_us // MILLION,
                "start_time_us": since_us,
                "end_time_us": world.now_us,
            }
            told = talk.told("/analytics", {"period": "last_year"})
            same(told, {"timeseries": hours(rows), **spans})
            told = talk.told("/analytics/summary", asked)
            same(told, {"summary": summary(rows, by, keys or ["env"]), **spans})


@settings(max_examples=examples(60), deadline=None)
@given(taken=many, unit=st.sampled_from(["hour", "day", "month"]))
def test_usage_of_random_traffic(taken: list[dict[str, Any]], unit: str) -> None:
    """Of each model, with the price that holds now, and by unit of time."""
    with led(taken) as world:
        for project, talk in world.talks.items():
            rows, now_us = world.rows(project), world.now_us

            def price(provider: str, model: str, of: str = project, at: int = now_us) -> Price:
                return world.price(of, provider, model, at)

            told = talk.told("/usage/total", {"start_time": 0})
            periods = {
                "period_start": 0,
                "period_end": now_us // MILLION,
                "period_start_us": 0,
                "period_end_us": now_us,
            }
            same(told, {**usage(rows, price), **periods})
            told = talk.told("/usage/models", {"start_time_us": 0, "min_unit": unit})
            same(told, {"models": units(rows, unit), "period_start": 0, "period_end": now_us})


@settings(max_examples=examples(60), deadline=None)
@given(taken=many, limit=st.integers(1, 5), offset=st.integers(0, 3))
def test_threads_of_random_traffic(taken: list[dict[str, Any]], limit: int, offset: int) -> None:
    """A page of them, and what each came to."""
    with led(taken) as world:
        for project, talk in world.talks.items():
            rows = world.rows(project)
            every = threads(rows)
            told = talk.told("/threads", {"limit": limit, "offset": offset})
            page = {"limit": limit, "offset": offset, "total": len(every)}
            same(told, {"data": every[offset : offset + limit], "pagination": page})
            for thread, cost in costs([row for row in rows if row.thread]).items():
                same(talk.told(f"/threads/{thread}/cost"), dict(cost))


@settings(max_examples=examples(60), deadline=None)
@given(taken=many, first=st.integers(0, 13), last=st.integers(0, 13), late=st.integers(-1, 1))
def test_both_ends_of_a_range_belong_to_it(
    taken: list[dict[str, Any]], first: int, last: int, late: int
) -> None:
    """Ranges that begin or end when an exchange began, or a microsecond beside it."""
    with led(taken) as world:
        for project, talk in world.talks.items():
            rows = world.rows(project)
            if not rows:
                continue
            ends = sorted(rows[place % len(rows)].started_us for place in (first, last))
            start_us, end_us = ends[0] + late, max(ends[0] + late, ends[1] - late)
            inside = [row for row in rows if start_us <= row.started_us <= end_us]
            asked = {"start_time_us": start_us, "end_time_us": end_us}
            same(talk.told("/analytics", asked)["timeseries"], hours(inside))
            told = talk.told("/usage/models", asked)
            same(told["models"], units(inside, "hour"))
