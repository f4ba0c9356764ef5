"""Chaos and the timeline, as they are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from mockdock.errors import ScenarioError
from mockdock.scenario import ChaosSpec, ErrorSpec, FaultSpec, PhaseSpec, Scenario, load
from mockdock.scenario.chaos import Burst
from tests.scenario.helpers import refusal


def test_chaos_needs_nothing_but_a_rate() -> None:
    spec = ChaosSpec.model_validate({"rate": 0.1})
    assert (spec.burst, spec.when) == (None, None)
    assert spec.wishes == (
        (ErrorSpec(error=429), 2),
        (ErrorSpec(error=500), 1),
        (ErrorSpec(error=503), 1),
        (FaultSpec(type="connection_reset"), 1),
    )


def test_a_mix_names_errors_by_kind_or_status_and_faults_with_their_options() -> None:
    mix = {429: 3, "overloaded": 1, "reset": 0, "stall;for=5s": 0.5}
    assert ChaosSpec.model_validate({"rate": 1, "mix": mix}).wishes == (
        (ErrorSpec(error=429), 3),
        (ErrorSpec(error="overloaded"), 1),
        (FaultSpec(type="connection_reset"), 0),
        (FaultSpec.model_validate({"type": "stall", "for": "5s"}), 0.5),
    )


@pytest.mark.parametrize(
    ("chaos", "told"),
    [
        ({"rate": 0.5, "mix": {}}, "expected errors and faults with weights, got a mapping"),
        ({"rate": 0.5, "mix": ["reset"]}, "got a list (such as {429: 3, 503: 1, reset: 1})"),
        ({"rate": 0.5, "mix": {"reset": 0}}, "nothing in the mix has a weight"),
        ({"rate": 0.5, "mix": {"rest": 1}}, "'rest' is no error and no fault (did you mean"),
        ({"rate": 0.5, "mix": {200: 1}}, "200 is not an HTTP error"),
        ({"rate": 0.5, "mix": {True: 1}}, "'True' is no error and no fault"),
        ({"rate": 0.5, "mix": {"stall;for=5": 1}}, "'stall;for=5': for: a duration needs a unit"),
        ({"rate": 0.5, "mix": {"a" * 10_000: 1}}, "is no error and no fault"),
        ({"rate": 0.5, "mix": {429: 1, "429": 5}}, "'429' twice, as a number and as a text"),
    ],
)
def test_a_mix_that_cannot_be_is_refused(chaos: Any, told: str) -> None:
    message = refusal(ChaosSpec, chaos)
    assert told in message
    assert len(message) < 400


@pytest.mark.parametrize("rate", [-0.1, 1.1, "half", None, True, float("nan")])
def test_a_rate_is_a_share(rate: object) -> None:
    assert refusal(ChaosSpec, {"rate": rate})


@pytest.mark.parametrize("weight", [-1, "three", float("inf"), None, 1e308, 10**400])
def test_a_weight_is_a_number_from_zero_on(weight: object) -> None:
    assert refusal(ChaosSpec, {"rate": 0.5, "mix": {"reset": weight}})


@pytest.mark.parametrize(("every", "lasts"), [("10s", "11s"), ("10s", "0s"), ("0s", "0s")])
def test_a_burst_ends_before_the_next_begins(every: str, lasts: str) -> None:
    told = refusal(Burst, {"every": every, "for": lasts})
    assert told == "a burst lasts some time, at most until the next"


def test_a_burst_may_last_until_the_next() -> None:
    burst = Burst.model_validate({"every": "10s", "for": "10s"})
    assert (burst.every, burst.for_) == (10, 10)


@pytest.mark.parametrize("error", [503, "overloaded", {"error": "overloaded", "message": "busy"}])
def test_the_error_of_a_phase_may_be_written_in_short(error: Any) -> None:
    phase = PhaseSpec.model_validate({"at": "0s", "error": error})
    whole = error if isinstance(error, dict) else {"error": error}
    assert phase.error == ErrorSpec.model_validate(whole)


@pytest.mark.parametrize("empty", [{}, {"name": "calm", "for": "1s"}, {"when": {"user": "a"}}])
def test_a_phase_in_which_nothing_happens_is_refused(empty: dict[str, Any]) -> None:
    told = refusal(PhaseSpec, {"at": "0s", **empty})
    assert told == "a phase needs one of: error, faults, chaos, pacing"


@pytest.mark.parametrize(
    ("phase", "told"),
    [
        ({"error": 503}, "Field required"),
        ({"at": 30, "error": 503}, "a duration needs a unit"),
        ({"at": "0s", "error": 200}, "200 is not an HTTP error"),
        ({"at": "0s", "error": True}, "expected a text or a status, got true"),
        ({"at": "0s", "error": ["a"]}, "should be a valid dictionary"),
        ({"at": "0s", "faults": ["rest"]}, "did you mean 'reset'?"),
        ("outage", "should be a valid dictionary"),
    ],
)
def test_a_phase_that_cannot_be_is_refused(phase: Any, told: str) -> None:
    assert told in refusal(PhaseSpec, phase)


def problems(text: dict[str, Any]) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load({"mockdock": 1, **text})
    return [f"{each.path}: {each.message}" for each in caught.value.problems]


def test_what_is_wrong_is_told_with_its_place() -> None:
    chaos = {"rate": 2, "mix": {"reset": -1}, "burts": {}}
    assert problems({"chaos": chaos, "timeline": [{"at": "0s", "error": 503, "fro": "1s"}]}) == [
        "chaos.rate: 2 is not at most 1",
        "chaos.mix.reset: -1 is not at least 0",
        "chaos.burts: unknown key 'burts'",
        "timeline[0].fro: unknown key 'fro'",
    ]
    assert problems({"chaos": {"rate": 1, "mix": {"rest": 1}}}) == [
        "chaos.mix.rest: 'rest' is no error and no fault (did you mean 'reset'?)"
    ]


def test_an_error_of_a_phase_has_no_match_to_speak_of() -> None:
    error = {"error": 503, "message": "no ${match.1}"}
    (told,) = problems({"timeline": [{"at": "0s", "error": error}]})
    assert told == "timeline[0].error.message: '${match.1}' without a 'matches' condition"
    said = {"error": 503, "message": "no ${user}"}
    assert load({"mockdock": 1, "timeline": [{"at": "0s", "error": said}]}).scenario.timeline


def test_a_scenario_with_trouble_survives_being_written_and_read() -> None:
    scenario = Scenario.model_validate(
        {
            "mockdock": 1,
            "pacing": {"profile": "overloaded", "ttft": {"lower": "1s", "upper": "2s"}},
            "faults": ["reset", {"type": "bandwidth", "rate": "1KB/s", "probability": 0.5}],
            "chaos": {
                "rate": 0.5,
                "mix": {429: 1, "stall;for=5s": 2},
                "burst": {"every": "1h", "for": "1m"},
                "when": {"attempt": 1},
            },
            "timeline": [
                {"at": "30s", "for": "1m", "error": {"error": 503, "retry_after": "20s"}},
                {"at": "90s", "chaos": {"rate": 1}, "pacing": "overloaded", "faults": ["stall"]},
            ],
            "triggers": "header",
        }
    )
    written = scenario.model_dump(mode="json", by_alias=True, exclude_unset=True)
    again = load(written).scenario
    assert again == scenario
    assert again.chaos is not None
    assert scenario.chaos is not None
    assert again.chaos.wishes == scenario.chaos.wishes


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ({"limits": {"rpm": 3}}, "limits: expected a list, got a mapping"),
        ({"faults": "reset"}, "faults: expected a list, got 'reset'"),
        ({"timeline": {"at": "1s"}}, "timeline: expected a list, got a mapping"),
    ],
)
def test_what_should_be_a_list_is_told_with_one(text: dict[str, Any], told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load({"mockdock": 1, **text})
    (found,) = caught.value.problems
    assert f"{found.path}: {found.message}" == told
    assert found.hint.startswith("write a list, such as [")
    example = yaml.safe_load(found.hint.removeprefix("write a list, such as "))
    assert load({"mockdock": 1, found.path: example})


def test_what_is_mistaken_for_another_thing_is_told_with_what_would_be_right() -> None:
    def hint(**text: Any) -> str:
        with pytest.raises(ScenarioError) as caught:
            load({"mockdock": 1, **text})
        (found,) = caught.value.problems
        return found.hint

    assert hint(faults=[{"type": "reset", "probability": "10%"}]) == "write 0.1"
    assert hint(chaos={"rate": "2.5 %"}) == "write 0.025"
    assert hint(chaos={"rate": "some"}) == ""
    assert hint(timeline=[{"at": "0s", "error": "reset"}]) == "write faults: [reset]"
    assert hint(rules=[{"reply": {"error": "truncate"}}]) == "write faults: [truncate]"


@pytest.mark.parametrize("place", ["scenario", "reply", "phase", "phases"])
def test_so_many_faults_and_no_more_compose(place: str) -> None:
    """Each is a stage within the one before."""
    calm = {"at": "9s", "faults": ["slicer"] * 64}
    burst = {"at": "0s", "for": "9s", "faults": ["slicer"] * 32}
    made: dict[str, Callable[[list[str]], dict[str, Any]]] = {
        "scenario": lambda faults: {"faults": faults},
        "reply": lambda faults: {"rules": [{"reply": {"text": "x", "faults": faults}}]},
        "phase": lambda faults: {"timeline": [{"at": "0s", "faults": faults}]},
        "phases": lambda faults: {
            "timeline": [burst, calm, {"at": "1s", "for": "8s", "faults": faults[32:]}]
        },
    }
    assert load({"mockdock": 1, **made[place](["slicer"] * 64)})
    (told,) = problems(made[place](["slicer"] * 65))
    assert told.endswith(
        "timeline[2].faults: 65 faults of phases at the same time, at most 64 compose"
        if place == "phases"
        else "faults: the list has 65 items, at most 64 are allowed"
    )


def test_a_phase_takes_some_time() -> None:
    (told,) = problems({"timeline": [{"at": "1s", "for": "0s", "error": 503}]})
    assert told == "timeline[0].for: a phase takes some time"


def test_a_key_that_is_no_text_is_told_where_it_is() -> None:
    """The place was workspaces[1]['[key]']."""
    assert problems({"workspaces": {1: ["k"]}}) == ["workspaces[1]: expected a text, got 1"]
