"""What comes before and beside a rule, and that it costs nothing where there is none."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from mockdock.engine.decision import Decision
from mockdock.engine.prepared import Prepared
from mockdock.engine.threshold import Threshold, settle
from mockdock.engine.trouble import Since
from mockdock.reply import Failure
from mockdock.request import Caller, Request
from mockdock.scenario import wishes
from tests.engine.helpers import CREATED, ask, engine, scenario

LIMITED = scenario(limits=[{"per": "server", "rpm": 3}])


def threshold(**settings: Any) -> Threshold:
    return Threshold(Prepared(scenario(**settings)), seed=1)


def test_without_limits_nothing_is_charged_and_nothing_settled() -> None:
    asked = engine("Hi")
    decision = asked.decide(ask())
    model = decision.context.model
    assert threshold().charges(ask(), model, 5) == ()
    assert decision.admission is None
    reply = asked.compose(ask(), decision, CREATED)
    no_store: Any = None
    settle(ask(), decision, reply, no_store, said=1, age=0)


def test_only_chat_costs_anything() -> None:
    limited = Threshold(Prepared(LIMITED), seed=1)
    model = engine().catalogue.resolve("gpt-4o")
    assert limited.charges(Request("openai", "models"), model, 0) == ()
    assert limited.charges(ask(), model, 0) != ()


def test_a_request_that_was_refused_has_nothing_to_settle() -> None:
    asked = engine("Hi", limits=[{"per": "server", "rpm": 1}])
    asked.decide(ask("one"))
    refused = asked.decide(ask("two"))
    assert isinstance(refused.answer, Failure)
    no_store: Any = None
    settle(ask("two"), refused, refused.answer, no_store, said=0, age=0)


def test_nothing_is_met_and_no_state_is_read_where_nothing_happens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nobody(_: str) -> Any:
        raise AssertionError("the state is not asked for")

    asked = engine("Hi")
    monkeypatch.setattr(asked.store, "state", nobody)
    assert asked.decide(ask()).encounter is None


def test_what_is_declared_or_wished_for_is_met() -> None:
    assert engine("Hi", chaos={"rate": 0}).decide(ask()).encounter is not None
    assert engine("Hi").decide(ask(), wishes("429")).encounter is not None
    assert (threshold(chaos={"rate": 0}).eventful, threshold().eventful) == (True, False)


def test_only_the_dialects_that_have_a_limit_are_limited() -> None:
    """Langdock's documents speak of one of its own."""
    assert "langdock" in threshold().limited
    assert "langdock" not in threshold(langdock={"limits": []}).limited
    assert "openai" not in threshold().limited
    assert "openai" in Threshold(Prepared(LIMITED), seed=1).limited


def decided(**settings: Any) -> tuple[Request, Decision]:
    request = ask("Hi", caller=Caller(session="one"))
    return request, engine("Hi", **settings).decide(request)


def test_a_decision_without_trouble_is_left_as_it_is() -> None:
    request, decision = decided()
    no_store: Any = None
    assert asyncio.run(threshold().faults(request, decision, no_store)) is decision
    assert threshold().slowed(decision) is decision


def test_a_phase_without_a_pace_slows_nobody_down() -> None:
    _, decision = decided(timeline=[{"at": "0s", "faults": ["slicer"]}])
    assert decision.encounter is not None
    assert threshold().slowed(decision) is decision


def test_trouble_is_drawn_by_the_name_a_session_was_given() -> None:
    spec = scenario("Hi", chaos={"rate": 0.5, "mix": {503: 1}})

    def blocked(called: str | None, session: str) -> list[bool]:
        made = Threshold(Prepared(spec), seed=1, called=called)
        found = []
        for number in range(40):
            request = replace(ask(), caller=Caller(session=session))
            encounter = made.encounter(request, f"{number}", (), 0.0)
            found.append(encounter.at(Since()).met.error is not None)
        return found

    assert blocked("test_it", "a") == blocked("test_it", "b")
    assert blocked(None, "a") != blocked(None, "b")


def test_what_explains_a_miss_arrives_whole() -> None:
    """A fault would hide it, and a connection error is retried where a 404 is not."""
    asked = engine({"when": {"user": "else"}, "reply": "x"}, otherwise="fail", faults=["reset"])
    asking = ask("this")
    decision = asked.decide(asking)
    assert isinstance(decision.answer, Failure)
    assert asyncio.run(asked.consult(asking, decision)).faults == ()
