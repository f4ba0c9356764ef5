"""Attempts of several sessions, runs and time scales on one clock."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.observe.audit import audit
from tests.observe.audit.helpers import EPOCH, Asked, record


def lived(
    number: int, began: float, at: float, status: int, scale: float = 1.0, **fields: Any
) -> Asked:
    """Make a record of a session that began ``began`` real seconds after EPOCH."""
    made = record(number, began + at * scale, status, **fields)
    return {**made, "at": at, "time_scale": scale}


def test_sessions_are_as_far_apart_as_the_calendar_says() -> None:
    down = [lived(n, 0, n, 500, user=f"q{n}", session="a") for n in range(6)]
    well = [lived(10 + n, 1000, n, 200, user=f"z{n}", session="b") for n in range(6)]
    (outage,) = audit(down + well).figures.outages
    assert (outage.start, outage.end, outage.hit) == (0.0, 1000.0, 6)


def test_the_same_a_day_later_in_one_journal_is_another_call() -> None:
    made = [lived(1, 0, 5, 400), lived(1, 86_400, 9, 200)]
    found = audit(made)
    assert [len(call.attempts) for call in found.calls] == [1, 1]
    assert found.ok


@pytest.mark.parametrize("key", [{}, {"idempotency-key": "k"}, {"x-stainless-retry-count": "1"}])
def test_no_call_outlives_its_session(key: dict[str, str]) -> None:
    made = [lived(1, 0, 5, 503, era=1), lived(1, 2, 5, 200, headers=key, era=2)]
    assert [len(call.attempts) for call in audit(made).calls] == [1, 1]
    made[1]["era"] = 1
    made[0]["request"]["headers"] = key if "idempotency-key" in key else {}
    assert [len(call.attempts) for call in audit(made).calls] == [2]


def test_a_gap_is_by_the_clock_of_the_session_though_the_calendar_was_set() -> None:
    made = [lived(1, 0, 5, 503), lived(2, 0.7, 6, 200)]
    (call,) = audit(made).calls
    assert [gap.taken for gap in call.gaps] == [pytest.approx(1.0)]


def test_a_call_goes_on_where_time_is_scaled_anew() -> None:
    made = [lived(1, 0, 100, 503), lived(2, 90.45, 100.5, 200, 0.1)]
    assert made[1]["started"] - EPOCH == pytest.approx(100.5)
    (call,) = audit(made).calls
    assert [gap.taken for gap in call.gaps] == [pytest.approx(5.0)]


def test_what_did_not_overlap_does_not_at_another_time_scale() -> None:
    slow = [lived(1, 0, 0, 200, 0.01, session="a", length=900.0)]
    found = audit([*slow, lived(2, 10, 0, 200, session="b")])
    first, second = (call.attempts[0] for call in found.calls)
    assert first.end < second.start


def test_there_may_be_nothing() -> None:
    assert audit([]).calls == ()
