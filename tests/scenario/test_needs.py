"""What several processes have to know together, told in the words of the scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mockdock.engine import Engine
from mockdock.engine.surviving import depends
from mockdock.request import Caller, Message, Request, TextPart
from mockdock.resources import scenarios
from mockdock.scenario import load, pace_needs, shared_needs

FREE = {"canned", "echo", "quickstart", "slow-model", "structured", "weather-agent"}
"""The shipped scenarios that need nothing."""


def needs(*dialects: Any, **scenario: Any) -> list[str]:
    return shared_needs(load({"mockdock": 1, **scenario}).scenario, dialects or ("openai",))


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"replies": ["a", "b"]}, "gives its 2 replies one after the other, per session"),
        (
            {"replies": ["a", "b"], "per": "request"},
            "gives its 2 replies one after the other, per request",
        ),
        ({"reply": "a", "after_last": "pass"}, "counts its answers: after_last: pass"),
        ({"reply": "a", "after_last": "fail"}, "counts its answers: after_last: fail"),
        ({"reply": "a", "times": 3}, "counts its answers: times: 3"),
        ({"reply": "a", "set_state": {"on": True}}, "sets the state on"),
        ({"reply": "a", "when": {"state": {"on": True}}}, "depends on the state on"),
        ({"reply": "a", "when": {"attempt": 2}}, "depends on the attempt: 2"),
        ({"reply": "a", "when": {"attempt": {"at_most": 2}}}, "depends on the attempt: 1 to 2"),
        ({"reply": "a", "when": {"attempt": {"at_least": 2}}}, "depends on the attempt: 2 or more"),
        ({"reply": "${attempt}"}, "tells the number of the attempt: ${attempt}"),
    ],
)
def test_a_rule_that_depends_on_what_came_before_is_told(rule: dict[str, Any], told: str) -> None:
    assert needs(rules=[rule]) == [f"rules[0] {told}"]
    assert needs(rules=[{"name": "mine", **rule}]) == [f"the rule 'mine' {told}"]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"type": "reset", "times": 2}, " counts how often it strikes: times: 2"),
        ({"type": "reset", "when": {"attempt": 1}}, " depends on the attempt: 1"),
        ({"type": "reset", "when": {"state": {"on": 1}}}, " depends on the state on"),
        ("connection_refused", ": connection_refused closes the door for new connections"),
        ("accept_and_close", ": accept_and_close closes the door for new connections"),
    ],
)
def test_a_fault_that_is_counted_or_closes_the_door_is_told_wherever_it_is(
    fault: Any, told: str
) -> None:
    assert needs(faults=["stall", fault]) == [f"faults[1]{told}"]
    reply = {"text": "a", "faults": [fault]}
    assert needs(rules=[{"reply": reply}]) == [f"rules[0]: faults[0]{told}"]
    assert needs(otherwise=reply) == [f"otherwise: faults[0]{told}"]


@pytest.mark.parametrize(
    ("scenario", "told"),
    [
        ({"limits": [{"rpm": 3}]}, "limits[0] counts what is let through"),
        ({"chaos": {"rate": 0.5}}, "chaos goes by how often a request was seen"),
        (
            {"timeline": [{"name": "dusk", "at": "1s", "error": 503}]},
            "timeline[0] (dusk) begins and ends by one clock",
        ),
        (
            {"pacing": {"capacity": 3}},
            "pacing: capacity counts the replies that are under way",
        ),
        (
            {"pacing": "overloaded"},
            "pacing: capacity counts the replies that are under way",
        ),
        (
            {"rules": [{"reply": {"text": "a", "pacing": {"concurrent": 1}}}]},
            "rules[0]: pacing: concurrent counts the replies that are under way",
        ),
    ],
)
def test_what_a_scenario_counts_is_told(scenario: dict[str, Any], told: str) -> None:
    assert needs(**scenario) == [told]


def test_doors_of_chaos_and_of_phases_are_told() -> None:
    mix = {"503": 1, "connection_refused": 1, "accept_and_close": 0}
    chaos = {"rate": 1, "mix": mix}
    told = needs(chaos=chaos, timeline=[{"at": "1s", "faults": ["accept_and_close"]}])
    assert told == [
        "chaos goes by how often a request was seen",
        "timeline[0] begins and ends by one clock",
        "timeline[0]: faults[0]: accept_and_close closes the door for new connections",
        "chaos.mix: connection_refused closes the door for new connections",
    ]


def test_a_dialect_needs_what_it_counts_and_keeps() -> None:
    assert needs("openai", "azure") == []
    assert needs("langdb") == ["LangDB keeps accounts: threads, costs, usage and prices"]
    assert needs("langdock") == [
        (
            "langdock.limits[0] counts what is let through, those of its documents "
            "(langdock: {limits: []} takes them away)"
        )
    ]
    assert needs("langdock", langdock={"limits": []}) == []
    assert needs("langdock", langdock={"limits": [{"rpm": 1}]}) == [
        "langdock.limits[0] counts what is let through (langdock: {limits: []} takes them away)"
    ]


def test_the_place_in_a_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "llm.yaml"
    path.write_text("mockdock: 1\nrules:\n- {name: do, replies: [re, mi]}\n")
    (told,) = shared_needs(load(path).scenario, ["openai"])
    assert told == (f"{path}:3: the rule 'do' gives its 2 replies one after the other, per session")


def test_the_shipped_scenarios_that_need_nothing() -> None:
    free = set()
    for path in scenarios().glob("*.yaml"):
        scenario = load(path.stem).scenario
        if not shared_needs(scenario, ["openai", *scenario.spoken_of]):
            free.add(path.stem)
    assert free == FREE
    assert pace_needs(load("incident").scenario) == [
        "timeline[1] (brown-out): pacing: capacity counts the replies that are under way"
    ]


@pytest.mark.parametrize("name", sorted(FREE))
@pytest.mark.parametrize("otherwise", ["auto", "fail"])
def test_where_nothing_is_needed_no_decision_depends_on_what_came_before(
    name: str, otherwise: Any
) -> None:
    """So that each of several processes decides as any other would."""
    engine = Engine(load(name).scenario, given_otherwise=otherwise)
    for text in ("hello", "weather", "What is the capital of Peru?"):
        messages = (Message("user", (TextPart(text),)),)
        request = Request("openai", "chat", "gpt-4o", messages=messages, caller=Caller(key="k"))
        assert not depends(engine.ask(request).step)


def test_faults_that_nothing_counts_need_nothing() -> None:
    scenario = {"faults": [{"type": "truncate", "probability": 0.5, "when": {"user": "cut"}}]}
    assert needs(**scenario) == []
    engine = Engine(load({"mockdock": 1, **scenario}).scenario)
    request = Request("openai", "chat", "gpt-4o", messages=(Message("user", (TextPart("cut"),)),))
    assert not depends(engine.ask(request).step)
