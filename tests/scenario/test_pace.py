"""Pace, as it is written: profiles, and what wins over what."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockdock.engine.pace import pace_of
from mockdock.frames import Delay, Pacing
from mockdock.scenario import PacingSpec, ReplySpec
from mockdock.scenario.pace import PROFILES
from tests.scenario.helpers import refusal


def spec(value: Any) -> PacingSpec:
    return PacingSpec.model_validate(value)


def test_without_anything_a_reply_takes_no_time() -> None:
    assert spec({}).pacing() == Pacing()


def test_everything_can_be_said() -> None:
    whole = {
        "ttft": {"lower": "1s", "upper": "2s"},
        "tps": 50,
        "prefill": 1000,
        "jitter": 0.5,
        "capacity": 10,
        "concurrent": 4,
    }
    assert spec(whole).pacing() == Pacing(Delay("uniform", 1, 2), Delay(low=0.02), 1000, 0.5, 10, 4)
    assert spec({"itl": "20ms"}).pacing() == Pacing(itl=Delay(low=0.02))


@pytest.mark.parametrize(
    ("name", "ttft", "itl"),
    [
        ("fast", Delay(low=0.08), 1 / 250),
        ("gpt-4o", Delay("lognormal", 0.39, 5, 0.35), 1 / 81),
        ("reasoning", Delay("lognormal", 8, 60, 0.6), 1 / 110),
        ("overloaded", Delay("lognormal", 4, 60, 0.8), 1 / 12),
    ],
)
def test_a_profile_is_a_ready_pace(name: str, ttft: Delay, itl: float) -> None:
    pacing = spec(name).pacing()
    assert pacing == spec({"profile": name}).pacing()
    assert (pacing.ttft, pacing.itl) == (ttft, Delay(low=itl))


def test_profiles_differ_in_what_they_are_for() -> None:
    fast, usual, reasoning, overloaded = (spec(name).pacing() for name in PROFILES)
    assert fast.ttft.low < usual.ttft.low < overloaded.ttft.low < reasoning.ttft.low
    assert fast.itl.low < reasoning.itl.low < usual.itl.low < overloaded.itl.low
    assert overloaded.capacity == 20
    assert fast.prefill is None
    assert usual.prefill is not None
    assert overloaded.prefill is not None
    assert usual.prefill > overloaded.prefill
    assert all(each.jitter > 0 for each in (fast, usual, reasoning, overloaded))


def test_what_is_given_beside_a_profile_wins_over_it() -> None:
    pacing = spec({"profile": "gpt-4o", "itl": "1ms", "jitter": 0, "concurrent": 2}).pacing()
    usual = spec("gpt-4o").pacing()
    assert (pacing.itl, pacing.jitter, pacing.concurrent) == (Delay(low=0.001), 0, 2)
    assert (pacing.ttft, pacing.prefill) == (usual.ttft, usual.prefill)


@pytest.mark.parametrize(
    ("mine", "base", "merged"),
    [
        ({"ttft": "1s"}, None, {"ttft": "1s"}),
        ({"ttft": "1s"}, {"ttft": "2s", "tps": 5}, {"ttft": "1s", "tps": 5}),
        ({"itl": "1ms"}, {"tps": 5, "capacity": 3}, {"itl": "1ms", "capacity": 3}),
        ({"tps": 5}, {"itl": "1ms", "chunk": "word"}, {"tps": 5, "chunk": "word"}),
        ({"tps": 5}, "gpt-4o", {"profile": "gpt-4o", "tps": 5}),
        ("fast", {"ttft": "9s", "concurrent": 1}, "fast"),
        ({"profile": "fast", "tps": 9}, "gpt-4o", {"profile": "fast", "tps": 9}),
        ({}, "gpt-4o", "gpt-4o"),
    ],
)
def test_a_pace_over_another_keeps_of_it_what_it_does_not_say(
    mine: Any, base: Any, merged: Any
) -> None:
    assert spec(mine).over(None if base is None else spec(base)) == spec(merged)


parts = st.fixed_dictionaries(
    {},
    optional={
        "profile": st.sampled_from([*PROFILES]),
        "ttft": st.sampled_from(["1s", "2s"]),
        "jitter": st.sampled_from([0.1, 0.2]),
        "concurrent": st.sampled_from([1, 2]),
        "chunk": st.sampled_from(["word", 3]),
    },
)
rates = st.sampled_from([{}, {"tps": 5}, {"itl": "1ms"}])
paces = st.builds(lambda some, rate: spec({**some, **rate}), parts, rates)


@given(paces, paces, paces)
def test_it_does_not_matter_which_are_merged_first(
    one: PacingSpec, two: PacingSpec, three: PacingSpec
) -> None:
    assert one.over(two).over(three) == one.over(two.over(three))
    assert one.over(PacingSpec()) == PacingSpec().over(one) == one.over(one) == one


def test_a_reply_wins_over_the_scenario_and_a_phase_over_both() -> None:
    base = spec({"ttft": "1s", "tps": 10, "chunk": "word"})
    reply = ReplySpec.model_validate({"text": "Hi", "pacing": {"tps": 20}})
    assert pace_of("auto", base).pacing == Pacing(Delay(low=1), Delay(low=0.1))
    paced = pace_of(reply, base)
    assert (paced.pacing, paced.chunk) == (Pacing(Delay(low=1), Delay(low=0.05)), "word")
    slowed = pace_of(reply, base, above=spec({"ttft": "9s"}))
    assert slowed.pacing == Pacing(Delay(low=9), Delay(low=0.05))
    assert pace_of("auto", None).pacing is None
    assert pace_of("auto", None, above=spec({"ttft": "9s"})).pacing == Pacing(Delay(low=9))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("gpt4o", "unknown value 'gpt4o', one of: fast, gpt-4o"),
        ({"profile": "slow"}, "unknown value 'slow', one of: fast, gpt-4o"),
        (5, "expected a pace, got 5 (a profile, or such as {ttft: 300ms, tps: 60})"),
        ({"itl": "1ms", "tps": 5}, "itl and tps say the same thing: give one"),
        ({"tps": 0}, "greater than 0"),
        ({"prefill": 0}, "greater than 0"),
        ({"jitter": -1}, "greater than or equal to 0"),
        ({"jitter": 3.5}, "less than or equal to 3"),
        ({"capacity": 0}, "greater than or equal to 1"),
        ({"concurrent": 1.5}, "valid integer"),
        ({"chunk": "letter"}, "unknown chunk 'letter'"),
        ({"chunk": 0}, "unknown chunk 0"),
        ({"ttft": 5}, "a duration needs a unit"),
    ],
)
def test_a_pace_that_cannot_be_is_refused(value: Any, told: str) -> None:
    assert told in refusal(PacingSpec, value)
