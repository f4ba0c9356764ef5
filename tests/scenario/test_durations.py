"""Durations, delays and pacing."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError

from mockdock.frames import Delay, Pacing
from mockdock.scenario import (
    DelaySpec,
    PacingSpec,
)
from mockdock.scenario.durations import seconds
from tests.scenario.helpers import refusal


@pytest.mark.parametrize(
    ("text", "length"),
    [("250ms", 0.25), ("1.5s", 1.5), ("2m", 120), ("1h", 3600), ("0ms", 0), ("0s", 0)],
)
def test_duration_is_in_seconds(text: str, length: float) -> None:
    assert seconds(text) == pytest.approx(length)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (300, "a duration needs a unit (write 300ms or 300s)"),
        ("300", "a duration needs a unit (write 300ms or 300s)"),
        (1.5, "a duration needs a unit (write 1.5ms or 1.5s)"),
        ("-5s", "'-5s' is not a duration (such as 250ms, 1.5s, 2m or 1h)"),
        (-5, "-5 is not a duration (such as 250ms, 1.5s, 2m or 1h)"),
        (True, "true is not a duration (such as 250ms, 1.5s, 2m or 1h)"),
        ("soon", "'soon' is not a duration (such as 250ms, 1.5s, 2m or 1h)"),
        ("1 s", "'1 s' is not a duration (such as 250ms, 1.5s, 2m or 1h)"),
        ("\u0661s", "'\u0661s' is not a duration (such as 250ms, 1.5s, 2m or 1h)"),
        ("9000h", "'9000h' is longer than a year"),
        (None, "nothing is not a duration (such as 250ms, 1.5s, 2m or 1h)"),
    ],
)
def test_wrong_duration_says_what_is_right(value: object, message: str) -> None:
    assert refusal(DelaySpec, value) == message


def test_delay_is_fixed_uniform_or_lognormal() -> None:
    assert DelaySpec.model_validate("250ms").delay() == Delay(low=0.25)
    assert DelaySpec(lower="1s", upper="2s").delay() == Delay("uniform", 1, 2)
    curve = DelaySpec(median="300ms", sigma=0.5, max="2s")
    assert curve.delay() == Delay("lognormal", 0.3, 2, 0.5)
    assert DelaySpec(median="300ms", sigma=0).delay() == Delay("lognormal", 0.3, math.inf, 0)
    assert DelaySpec(median="300ms", sigma=10).delay() == Delay("lognormal", 0.3, math.inf, 10)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"lower": "2s", "upper": "1s"}, "upper is shorter than lower"),
        ({"median": "2s", "sigma": 1, "max": "1s"}, "max is shorter than median"),
        (
            {"lower": "1s", "upper": "2s", "sigma": 1},
            "either lower and upper, or median and sigma",
        ),
    ],
)
def test_delay_that_contradicts_itself(value: object, message: str) -> None:
    assert refusal(DelaySpec, value) == message


@pytest.mark.parametrize(
    "value", [{}, {"lower": "1s"}, {"median": "1s"}, {"sigma": 1, "upper": "1s"}, {"max": "1s"}]
)
def test_half_a_delay_is_refused(value: object) -> None:
    assert refusal(DelaySpec, value).startswith("not a whole delay (write 250ms")


def test_pacing_merges_field_by_field() -> None:
    base = PacingSpec(ttft="300ms", itl="20ms", chunk="word")
    fast = PacingSpec(tps=50)
    merged = fast.over(base)
    assert merged == PacingSpec(ttft="300ms", tps=50, chunk="word")
    assert merged.pacing() == Pacing(Delay(low=0.3), Delay(low=0.02))
    assert PacingSpec(chunk=3).over(base) == PacingSpec(ttft="300ms", itl="20ms", chunk=3)
    assert fast.over(None) is fast
    assert PacingSpec().pacing() == Pacing()
    assert PacingSpec(itl="1s").over(PacingSpec(tps=3)).pacing().itl == Delay(low=1)


@pytest.mark.parametrize("chunk", [0, -1, True, "letters", 1.5])
def test_chunk_is_token_word_or_positive(chunk: Any) -> None:
    with pytest.raises(ValidationError, match="unknown chunk"):
        PacingSpec(chunk=chunk)


def test_itl_and_tps_exclude_each_other() -> None:
    assert refusal(PacingSpec, {"itl": "1ms", "tps": 3}) == (
        "itl and tps say the same thing: give one"
    )
