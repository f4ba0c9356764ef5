"""Figures by hour and by group, with numbers computed by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, cast

import pytest

from mockdock.errors import UsageError
from mockdock.ledger import Figures, Ledger, Span
from tests.ledger.helpers import EVER, HOUR, NOON, exchange


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Ledger() as opened:
        yield opened


def tuples(ledger: Ledger, *group_by: Any, tags: tuple[str, ...] = ()) -> dict[Any, int]:
    """Give how many requests each group has."""
    found = ledger.summary("p", EVER, group_by, tags)
    return {group.tag_tuple: group.figures.total_requests for group in found}


def test_all_figures_of_an_hour(ledger: Ledger) -> None:
    for entry in (
        exchange(duration_ms=300, cost=0.5, input_tokens=3, error=True, status=500),
        exchange(duration_ms=100, ttft_ms=10, cost=0.125, input_tokens=1, output_tokens=10),
        exchange(duration_ms=400, ttft_ms=20, cost=1, input_tokens=4, output_tokens=1),
        exchange(duration_ms=200, ttft_ms=30, cost=0.25, input_tokens=2, output_tokens=21),
    ):
        ledger.add(entry)
    (hour,) = ledger.analytics("p", EVER)
    assert hour.start_us == NOON
    assert vars_of(hour.figures) == pytest.approx(
        {
            "total_cost": 1.875,
            "total_requests": 4,
            "total_duration": 1000,
            "total_input_tokens": 10,
            "total_output_tokens": 32,
            "error_rate": 25,
            "error_request_count": 1,
            # 100 200 300 400: the places are 1.5, 2.7, 2.85 and 2.97
            "avg_duration": 250,
            "duration": 250,
            "duration_p50": 250,
            "duration_p90": 370,
            "duration_p95": 385,
            "duration_p99": 397,
            # 10 20 30: the places are 1, 1.8, 1.9 and 1.98
            "avg_ttft": 20,
            "ttft": 20,
            "ttft_p50": 20,
            "ttft_p90": 28,
            "ttft_p95": 29,
            "ttft_p99": 29.8,
            # 1 token in 400 ms, 10 in 100, 21 in 200: 2.5 100 105
            "tps": 207.5 / 3,
            "tps_p50": 100,
            "tps_p90": 104,
            "tps_p95": 104.5,
            "tps_p99": 104.9,
            # (200 - 30) / 20, (100 - 10) / 9, 400 / 1: 8.5 10 400
            "tpot": 139.5,
            "tpot_p50": 10,
            "tpot_p90": 322,
            "tpot_p95": 361,
            "tpot_p99": 392.2,
        }
    )


def vars_of(figures: Figures) -> dict[str, float]:
    return {name: getattr(figures, name) for name in Figures.__struct_fields__}


def test_a_measure_that_nothing_has_is_zero(ledger: Ledger) -> None:
    ledger.add(exchange())
    (hour,) = ledger.analytics("p", EVER)
    figures = vars_of(hour.figures)
    assert figures.pop("total_requests") == 1
    assert set(figures.values()) == {0}


def test_one_value_is_all_of_its_percentiles(ledger: Ledger) -> None:
    ledger.add(exchange(duration_ms=7))
    figures = ledger.analytics("p", EVER)[0].figures
    assert figures.duration_p50 == figures.duration_p90 == figures.duration_p99 == 7


@pytest.mark.parametrize(
    ("fields", "tpot"),
    [
        ({"ttft_ms": 40, "output_tokens": 4}, 20),
        ({"ttft_ms": None, "output_tokens": 4}, 25),
        ({"ttft_ms": 40, "output_tokens": 1}, 100),
        ({"ttft_ms": 100.5, "output_tokens": 4}, 25),
        ({"ttft_ms": 40, "output_tokens": 0}, 0),
    ],
)
def test_time_per_output_token(ledger: Ledger, fields: dict[str, Any], tpot: float) -> None:
    """A TTFT beyond the duration, which rounding may give, does not count."""
    ledger.add(exchange(duration_ms=100, **fields))
    assert ledger.analytics("p", EVER)[0].figures.tpot == tpot


def test_a_stream_without_duration_has_no_tokens_per_second(ledger: Ledger) -> None:
    ledger.add(exchange(duration_ms=0, output_tokens=5))
    assert ledger.analytics("p", EVER)[0].figures.tps == 0


def test_hours_are_those_of_utc_and_empty_ones_are_left_out(ledger: Ledger) -> None:
    for started in (NOON + 3 * HOUR, NOON - 1, NOON, NOON + HOUR - 1):
        ledger.add(exchange(started_us=started))
    ledger.add(exchange(project="q", started_us=NOON + HOUR))
    assert [(h.start_us, h.figures.total_requests) for h in ledger.analytics("p", EVER)] == [
        (NOON - HOUR, 1),
        (NOON, 2),
        (NOON + 3 * HOUR, 1),
    ]


def test_both_ends_of_a_range_belong_to_it(ledger: Ledger) -> None:
    for started in (NOON - 1, NOON, NOON + 5, NOON + 6):
        ledger.add(exchange(started_us=started))
    span = Span(NOON, NOON + 5)
    (hour,) = ledger.analytics("p", span)
    (group,) = ledger.summary("p", span, ["provider"])
    assert hour.figures.total_requests == group.figures.total_requests == 2
    assert ledger.analytics("p", Span(NOON + 5, NOON)) == ()


def test_a_summary_by_one_thing(ledger: Ledger) -> None:
    ledger.add(exchange(provider="b", model="m", user_id="u", run="r", label="l", thread="t"))
    ledger.add(exchange(provider="a", model="m", api="embeddings"))
    ledger.add(exchange(provider="b", model="n", error=True))
    assert tuples(ledger, "provider") == {("a",): 1, ("b",): 2}
    assert tuples(ledger, "model") == {("m",): 2, ("n",): 1}
    assert tuples(ledger, "user") == {("",): 2, ("u",): 1}
    assert tuples(ledger, "run") == {("",): 2, ("r",): 1}
    assert tuples(ledger, "label") == {("",): 2, ("l",): 1}
    assert tuples(ledger, "thread") == {("",): 2, ("t",): 1}
    assert tuples(ledger, "api") == {("chat",): 2, ("embeddings",): 1}
    found = ledger.summary("p", EVER, ["provider"])
    assert [group.figures.error_rate for group in found] == [0, 50]


def test_a_summary_by_several_things_is_in_order(ledger: Ledger) -> None:
    for provider, model in (("b", "x"), ("a", "y"), ("a", "x"), ("b", "x")):
        ledger.add(exchange(provider=provider, model=model))
    found = tuples(ledger, "provider", "model")
    assert list(found.items()) == [(("a", "x"), 1), (("a", "y"), 1), (("b", "x"), 2)]


def test_a_summary_by_tags_leaves_out_what_has_none_of_them(ledger: Ledger) -> None:
    ledger.add(exchange(tags=(("env", "dev"), ("team", "x"))))
    ledger.add(exchange(tags=(("env", "dev"),)))
    ledger.add(exchange(tags=(("team", "x"), ("team", "y"))))
    ledger.add(exchange(tags=(("other", "z"),)))
    ledger.add(exchange())
    assert tuples(ledger, "tag", tags=("env",)) == {("dev",): 2}
    assert tuples(ledger, "tag", tags=("env", "team")) == {
        ("", "y"): 1,
        ("dev", ""): 1,
        ("dev", "x"): 1,
    }
    assert tuples(ledger, "model", "tag", "api", tags=("team",)) == {
        ("gpt-4o", "x", "chat"): 1,
        ("gpt-4o", "y", "chat"): 1,
    }
    assert tuples(ledger, "api", tags=("team",)) == {("chat",): 5}


@pytest.mark.parametrize(
    ("group_by", "tags", "told"),
    [
        ([], [], "group_by is empty"),
        (["colour"], [], "not grouped by 'colour'; there are provider, model"),
        (["model", "model"], [], "each thing once"),
        (["tag"], [], "1 to 32 tag_keys"),
        (["tag"], ["k"] * 33, "1 to 32 tag_keys"),
    ],
)
def test_what_cannot_be_grouped_by_is_refused(
    ledger: Ledger, group_by: list[str], tags: list[str], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        ledger.summary("p", EVER, cast("Any", group_by), tags)


def test_nothing_gives_nothing(ledger: Ledger) -> None:
    assert ledger.analytics("p", EVER) == ()
    assert ledger.summary("p", Span(0, sys.maxsize), ["tag"], ["a"]) == ()
