"""Clocks: scaled real time, and time that only a test moves."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from mockdock.delivery import Clock, ManualClock, ScaledClock


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.mark.parametrize("scale", [-1.0, -0.001, float("inf"), float("nan")])
def test_a_scale_is_a_number_from_zero_on(scale: float) -> None:
    with pytest.raises(ValueError, match="time scale must be 0, or"):
        ScaledClock(scale)


@pytest.mark.parametrize(("scale", "seconds"), [(1.0, 10.0), (0.01, 1000.0), (2.0, 5.0)])
def test_ten_real_seconds_are_so_many_scenario_seconds(
    monkeypatch: pytest.MonkeyPatch, scale: float, seconds: float
) -> None:
    real = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: real[0])
    clock = ScaledClock(scale)
    before = clock.now()
    real[0] += 10.0
    assert clock.now() - before == pytest.approx(seconds)
    assert clock.is_due(before + seconds - 0.001)
    assert not clock.is_due(before + seconds + 0.001)
    assert clock.scale == scale


def test_at_scale_zero_every_moment_has_come() -> None:
    clock = ScaledClock(0)
    assert clock.is_due(clock.now() + 1e9)
    assert clock.now() >= 0


def test_the_date_is_real_whatever_the_scale() -> None:
    assert abs(ScaledClock(0.01).time() - time.time()) < 60


@pytest.mark.parametrize(
    ("scale", "ahead", "wait"),
    [(1.0, 20.0, 20.0), (0.01, 20.0, 0.2), (0.0, 20.0, 0.0), (1.0, -5.0, 0.0), (0.01, 0.0, 0.0)],
)
def test_a_wait_is_scaled_and_never_negative(
    monkeypatch: pytest.MonkeyPatch, scale: float, ahead: float, wait: float
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    clock = ScaledClock(scale)

    async def ask() -> float:
        loop = asyncio.get_running_loop()
        asked: list[float] = []
        monkeypatch.setattr(loop, "call_later", lambda delay, _: asked.append(delay))
        clock.call_at(clock.now() + ahead, lambda: None)
        return asked[0]

    assert asyncio.run(ask()) == pytest.approx(wait)


@pytest.mark.parametrize("scale", [0.0, 0.01])
def test_a_scaled_clock_calls_back_and_can_be_called_off(scale: float) -> None:
    async def ask() -> list[str]:
        clock, rung = ScaledClock(scale), []
        done = asyncio.Event()
        clock.call_at(clock.now() + 0.1, lambda: rung.append("off")).cancel()
        clock.call_at(clock.now() + 0.1, done.set)
        await asyncio.wait_for(done.wait(), 5)
        return rung

    assert asyncio.run(ask()) == []


def ringing(clock: ManualClock, *dues: float) -> tuple[list[int], list[Callable[[], None]]]:
    """Ask for wake-ups; give the places of those that came, and how to call each off."""
    rung: list[int] = []
    timers = [clock.call_at(due, partial(rung.append, place)) for place, due in enumerate(dues)]
    return rung, [timer.cancel for timer in timers]


def test_manual_time_stands_still_until_it_is_advanced() -> None:
    clock = ManualClock(epoch=1000.0)
    assert (clock.now(), clock.time(), clock.scale) == (0.0, 1000.0, 1.0)
    assert clock.is_due(0.0)
    assert not clock.is_due(0.001)
    clock.advance(2.5)
    assert (clock.now(), clock.time()) == (2.5, 1002.5)
    assert clock.is_due(2.5)
    assert not clock.is_due(2.6)


def test_small_steps_add_up_to_a_large_one() -> None:
    """Ten steps of 0.1 are not 1.0 in floating point, and must still reach it."""
    clock = ManualClock()
    for _ in range(10):
        assert not clock.is_due(1.0)
        clock.advance(0.1)
    assert clock.now() < 1.0
    assert clock.is_due(1.0)


@pytest.mark.parametrize("seconds", [-0.1, float("nan"), float("inf")])
def test_manual_time_only_goes_on(seconds: float) -> None:
    clock = ManualClock()
    with pytest.raises(ValueError, match="time only goes on"):
        clock.advance(seconds)
    assert clock.now() == 0.0


def test_advancing_wakes_who_is_due_in_order_of_time_then_of_asking() -> None:
    async def ask() -> None:
        clock = ManualClock()
        rung, _ = ringing(clock, 3.0, 1.0, 2.0, 1.0, 9.0)
        await settle()
        assert rung == []
        clock.advance(1.0)
        await settle()
        assert rung == [1, 3]
        clock.advance(4.0)
        await settle()
        assert rung == [1, 3, 2, 0]
        assert clock.waiting() == 1

    asyncio.run(ask())


def test_who_asks_for_the_past_is_woken_at_once() -> None:
    async def ask() -> None:
        clock = ManualClock()
        clock.advance(5.0)
        rung, _ = ringing(clock, 5.0, 1.0)
        await settle()
        assert rung == [0, 1]
        assert clock.waiting() == 0

    asyncio.run(ask())


def test_small_steps_wake_like_a_large_one() -> None:
    async def ask() -> None:
        clock = ManualClock()
        rung, _ = ringing(clock, 1.0)
        for _ in range(10):
            clock.advance(0.1)
        await settle()
        assert rung == [0]

    asyncio.run(ask())


def test_timers_called_off_are_forgotten_though_they_would_never_ring() -> None:
    async def ask() -> None:
        clock = ManualClock()
        rung, _ = ringing(clock, *([5.0] * 100))
        for _ in range(10_000):
            clock.call_at(math.inf, lambda: None).cancel()
        assert len(clock._timers) <= 300
        assert clock.waiting() == 100
        clock.advance(5.0)
        await settle()
        assert rung == list(range(100))

    asyncio.run(ask())


def test_timers_called_off_do_not_ring_and_are_not_waited_for() -> None:
    async def ask() -> None:
        clock = ManualClock()
        rung, cancel = ringing(clock, 1.0, 2.0, 3.0)
        cancel[0]()
        cancel[1]()
        cancel[1]()
        assert clock.waiting() == 1
        clock.advance(5.0)
        await settle()
        assert rung == [2]
        cancel[2]()
        assert clock.waiting() == 0

    asyncio.run(ask())


def test_timers_called_off_are_forgotten_when_their_turn_comes() -> None:
    async def ask() -> None:
        clock = ManualClock()
        for _ in range(100):
            clock.call_at(50.0, lambda: None).cancel()
        ringing(clock, 60.0)
        assert len(clock._timers) == 1

    asyncio.run(ask())


def test_another_thread_can_advance() -> None:
    """In its debug mode the loop refuses calls from other threads that are not safe."""

    async def ask() -> None:
        clock, done = ManualClock(), asyncio.Event()
        clock.call_at(10.0, done.set)
        thread = threading.Thread(target=clock.advance, args=(10.0,))
        thread.start()
        await asyncio.wait_for(done.wait(), 5)
        thread.join()

    asyncio.run(ask(), debug=True)


def test_many_threads_advance_without_losing_a_second() -> None:
    clock = ManualClock()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(clock.advance, [1.0] * 400))
    assert clock.now() == 400.0


def test_a_waiter_whose_loop_is_closed_disturbs_nobody() -> None:
    clock = ManualClock()
    rung: list[str] = []

    async def leave() -> None:
        clock.call_at(1.0, lambda: rung.append("late"))

    asyncio.run(leave())
    clock.advance(1.0)
    assert rung == []
    assert clock.waiting() == 0


def test_a_clock_that_never_waits_can_be_moved_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.0)
    clock = ScaledClock(0)
    clock.advance(60)
    clock.advance(0)
    clock.advance(0.5)
    assert (clock.now(), clock.time()) == (160.5, 1_700_000_060.5)


@pytest.mark.parametrize("scale", [1.0, 0.001, 20.0])
def test_time_that_runs_by_itself_cannot_be_moved(scale: float) -> None:
    with pytest.raises(ValueError, match=f"time runs by itself here .time scale {scale:g}."):
        ScaledClock(scale).advance(1)


@pytest.mark.parametrize("seconds", [-1.0, -1e-9, float("inf"), float("nan")])
def test_no_clock_goes_back_or_to_the_end_of_time(seconds: float) -> None:
    for clock in (ScaledClock(0), ManualClock()):
        before = clock.time()
        with pytest.raises(ValueError, match="time only goes on, by 0 seconds or more"):
            clock.advance(seconds)
        assert clock.time() - before < 60


def test_both_clocks_are_clocks() -> None:
    clocks: list[Clock] = [ScaledClock(), ManualClock()]
    assert all(clock.scale == 1.0 for clock in clocks)


def test_an_infinite_moment_never_comes_not_even_on_a_clock_let_go() -> None:
    clock = ManualClock()
    assert not clock.is_due(float("inf"))
    clock.advance(1e9)
    assert not clock.is_due(float("inf"))
    clock.release()
    assert clock.is_due(1e18)
    assert not clock.is_due(float("inf"))


def test_where_nobody_waits_he_who_comes_back_has_waited_as_long() -> None:
    clock = ScaledClock(0)
    told = clock.now()
    clock.promise(("s", "one"), 20.0)
    clock.promise(("s", "two"), 60.0)
    assert clock.now() < told + 10
    clock.redeem(("s", "one"))
    assert told + 20 <= clock.now() < told + 30
    clock.redeem(("s", "one"))
    clock.redeem(("s", "a stranger"))
    assert clock.now() < told + 30, "a promise is kept once"
    clock.redeem(("s", "two"))
    assert told + 60 <= clock.now() < told + 70, "time passed for all of them"


def test_time_does_not_go_back_for_him_who_comes_late() -> None:
    clock = ScaledClock(0)
    clock.promise(("s", "one"), 5.0)
    clock.advance(100.0)
    before = clock.now()
    clock.redeem(("s", "one"))
    assert before <= clock.now() < before + 5


def test_of_promises_the_last_ten_thousand_count() -> None:
    clock = ScaledClock(0)
    for number in range(10_001):
        clock.promise(("s", str(number)), 100.0)
    before = clock.now()
    clock.redeem(("s", "0"))
    assert clock.now() < before + 50
    clock.redeem(("s", "1"))
    assert clock.now() >= before + 90


@pytest.mark.parametrize("clock", [ScaledClock(1), ManualClock()], ids=["scaled", "manual"])
def test_time_that_is_waited_for_goes_on_by_itself_alone(clock: Clock) -> None:
    before = clock.now()
    clock.promise(("s", "one"), 1000.0)
    clock.redeem(("s", "one"))
    assert clock.now() < before + 100
