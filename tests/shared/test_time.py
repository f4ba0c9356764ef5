"""The seconds that processes share: near those of Redis, and never going back."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockdock.shared.time import SharedTime


class Own:
    """A clock of a process, moved by the test."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        """Tell it."""
        return self.now


def test_before_anything_is_known_the_machine_tells_the_time() -> None:
    assert SharedTime(Own())() == pytest.approx(time.time(), abs=5)


def test_it_is_reckoned_from_what_redis_told_in_the_middle() -> None:
    own = Own()
    shared = SharedTime(own)
    shared.learn(1000.0, asked=50.0, heard=52.0)
    own.now = 61.0
    assert shared() == pytest.approx(1010.0)


def test_what_may_be_right_stays() -> None:
    own = Own()
    shared = SharedTime(own)
    shared.learn(1000.0, asked=50.0, heard=52.0)
    shared.learn(1001.0, asked=50.0, heard=54.0)
    own.now = 61.0
    assert shared() == pytest.approx(1010.0)


Look = tuple[float, float, float, float]
looks = st.lists(
    st.tuples(st.floats(0, 10), st.floats(0, 5), st.floats(0, 5), st.floats(-3, 3)), max_size=20
)


@given(looks)
def test_it_never_goes_back_and_is_never_further_off_than_the_last_look_was_long(
    story: list[Look],
) -> None:
    own, true = Own(), 1000.0
    shared = SharedTime(own)
    last = 0.0
    for pause, there, back, drift in story:
        own.now += pause
        true += pause + drift
        asked, told = own.now, true + there
        own.now += there + back
        true += there + back
        before = last
        shared.learn(told, asked, own.now)
        last = shared()
        assert last >= before
        assert last == before or abs(last - true) <= there + back + 1e-6


def test_something_is_done_as_of_a_moment_in_one_thread_only() -> None:
    shared = SharedTime(Own())
    shared.learn(1000.0, asked=50.0, heard=50.0)
    seen: list[float] = []
    with shared.as_of(7.0):
        thread = threading.Thread(target=lambda: seen.append(shared()))
        thread.start()
        thread.join()
        assert shared() == 7.0
    assert seen == [1000.0]
    assert shared() == 1000.0
