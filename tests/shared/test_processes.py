"""Four processes with one store: a sequence is dealt exactly once, no limit is exceeded."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from mockdock.shared import Link, RedisStore
from tests.shared.worker import LIMITS, RUNNING
from tests.stores import Redis

PROCESSES, CLIENTS, CALLS = 4, 20, 8
ALL = PROCESSES * CLIENTS * CALLS


@pytest.fixture(scope="module")
def told(redis: Redis) -> list[dict[str, Any]]:
    """Run the processes, and give what each of them was given, and what is left after all."""
    url = redis.url()
    store = RedisStore(Link(url, patience=20.0))
    store.set_state("tickets", {"ticket": 1})
    words = (sys.executable, "-m", "tests.shared.worker", url)
    running = [
        subprocess.Popen(
            (*words, f"p{number}", f"{CLIENTS}", f"{CALLS}"), stdout=subprocess.PIPE, text=True
        )
        for number in range(PROCESSES)
    ]
    said = [json.loads(each.communicate()[0]) for each in running]
    left = [each.used for each in store.read("", (RUNNING,), 0)]
    store.link.close()
    return [*said, {"left": left}]


def total(told: list[dict[str, Any]], name: str) -> int:
    return sum(each[name] for each in told[:-1])


def test_four_processes_deal_a_sequence_exactly_once(told: list[dict[str, Any]]) -> None:
    assert sorted(at for each in told[:-1] for at in each["dealt"]) == list(range(ALL))
    assert all(len(each["dealt"]) == CLIENTS * CALLS for each in told[:-1])


def test_four_processes_count_attempts_as_one(told: list[dict[str, Any]]) -> None:
    assert sorted(at for each in told[:-1] for at in each["seen"]) == list(range(1, ALL + 1))


def test_four_processes_never_overrun_times(told: list[dict[str, Any]]) -> None:
    assert total(told, "few") == 400


def test_one_of_four_processes_takes_a_state(told: list[dict[str, Any]]) -> None:
    assert total(told, "tickets") == 1


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.key)
def test_four_processes_are_admitted_up_to_the_limit_exactly(
    told: list[dict[str, Any]], limit: Any
) -> None:
    assert total(told, limit.key) == limit.limit


def test_no_more_run_at_once_than_may_and_none_is_left_behind(told: list[dict[str, Any]]) -> None:
    assert 1 <= max(each["most"] for each in told[:-1]) <= RUNNING.limit
    assert told[-1]["left"] == [0]
