"""How limits stand: read off the store, for each they count."""

from __future__ import annotations

import math
from typing import Any

import pytest

from mockdock.engine import Engine, Gauge, gauges
from mockdock.request import Caller, Request
from mockdock.scenario import load
from tests.effort import bounded


def engine_of(*limits: Any, alone: bool = False) -> Engine:
    scenario = load({"mockdock": 1, "limits": list(limits), "rules": [{"reply": "x"}]}).scenario
    return Engine(scenario, alone=alone)


def ask(engine: Engine, session: str = "", key: str = "k", model: str = "gpt-4o") -> None:
    caller = Caller(key=key, session=session)
    engine.decide(Request("openai", "chat", model, caller=caller), age=0.0)


def read(engine: Engine, session: str = "", age: float = 0.0) -> tuple[Gauge, ...]:
    return gauges(engine.scenario.limits, engine.store, session, age, alone=False)


def told(engine: Engine, session: str = "") -> list[tuple[str, dict[str, str], float]]:
    return [(each.meter.measure, dict(each.of), each.used) for each in read(engine, session)]


def test_a_limit_that_was_never_charged_is_told_of_nobody() -> None:
    engine = engine_of({"per": "model", "rpm": 3, "concurrent": 2})
    assert told(engine) == [("rpm", {}, 0.0), ("concurrent", {}, 0.0)]


def test_a_limit_is_told_for_each_it_counts_apart() -> None:
    engine = engine_of({"per": ["key", "model"], "rpm": 3})
    ask(engine)
    ask(engine)
    ask(engine, key='it\'s "k"', model="gpt-4o-mini")
    assert told(engine) == [
        ("rpm", {"key": "k", "model": "gpt-4o"}, 2.0),
        ("rpm", {"key": 'it\'s "k"', "model": "gpt-4o-mini"}, 1.0),
    ]


def test_sessions_count_apart_but_for_what_the_server_counts() -> None:
    engine = engine_of({"per": "session", "rpm": 3}, {"per": "server", "rpm": 9})
    ask(engine, "a")
    ask(engine, "b")
    assert told(engine, "a") == [("rpm", {}, 1.0), ("rpm", {}, 2.0)]
    assert told(engine, "c") == [("rpm", {}, 0.0), ("rpm", {}, 2.0)]


def test_what_is_left_and_how_long_it_takes() -> None:
    engine = engine_of({"rpm": 2}, {"token_budget": 10}, {"cost_budget": 0.5})
    ask(engine)
    ask(engine)
    rpm, tokens, dollars = read(engine)
    assert (rpm.remaining, rpm.wait, rpm.reset) == (0.0, 30.0, 60.0)
    assert (tokens.remaining, tokens.wait, tokens.reset) == (10.0, 0.0, math.inf)
    assert dollars.remaining == 0.5
    assert read(engine, age=30.0)[0].remaining == 1.0


@pytest.mark.parametrize(
    "other", [{"algorithm": "fixed"}, {"algorithm": "sliding"}, {"per": "key"}]
)
def test_a_limit_that_counts_otherwise_begins_anew(other: dict[str, str]) -> None:
    engine = engine_of({"per": "model", "rpm": 3})
    ask(engine)
    more = engine.changed(scenario=engine_of({"per": "model", "rpm": 5}).scenario)
    assert [each.used for each in read(more)] == [1.0]
    otherwise = engine_of({"per": "model", "rpm": 3, **other}).scenario
    assert [each.used for each in read(engine.changed(scenario=otherwise))] == [0.0]


def test_many_limits_of_many_keys_are_read_in_one_go() -> None:
    """A hundred limits of a hundred keys are 10,000 meters, each looked up once."""
    limits = [{"per": "key", "rpm": 1000 + number} for number in range(100)]
    engine = engine_of(*limits)
    for number in range(100):
        ask(engine, key=f"k{number}")
    with bounded(150):
        found = read(engine)
    assert len(found) == 10_000
    assert {each.used for each in found} == {1.0}
    assert [dict(each.of)["key"] for each in found[:100]] == [f"k{number}" for number in range(100)]
