"""Who wakes those that wait, with time and a loop of the test's own: nothing waits really."""

from __future__ import annotations

import asyncio
import math
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

import pytest

from mockdock.delivery import Client, ScaledClock, deliver
from mockdock.delivery.pacer import SLICE, Pacer, pacer
from mockdock.frames import Frame, Head, Outcome

MANY = 5 * SLICE


class _Timer:
    """What a loop gives who asks to be called later."""

    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class _Loop:
    """Timers, and a time that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[_Timer] = []
        self.turns = 0

    def call_later(self, delay: float, callback: Callable[[], None]) -> _Timer:
        self.timers.append(_Timer(self.now + delay, callback))
        return self.timers[-1]

    def set_timers(self) -> list[float]:
        """Give in how many seconds timers ring."""
        return [each.when - self.now for each in self.timers if each.callback is not None]

    def turn(self) -> None:
        """Let those timers ring that are due, as one turn of a loop does."""
        due, self.turns = self.timers, self.turns + 1
        self.timers = [each for each in due if each.when > self.now]
        for each in due:
            if each.when <= self.now and each.callback is not None:
                each.callback()


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> _Loop:
    made = _Loop()
    monkeypatch.setattr(time, "monotonic", lambda: made.now)
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: made)
    return made


def test_all_who_wait_share_one_timer_which_rings_for_the_earliest(loop: _Loop) -> None:
    paced, rung = Pacer(), list[str]()
    for name, delay in (("b", 0.5), ("c", 0.75), ("a", 0.25), ("d", 0.75)):
        paced.call_later(delay, partial(rung.append, name), first=False)
    for delay, woken in ((0.25, "a"), (0.25, "ab"), (0.25, "abcd")):
        assert loop.set_timers() == pytest.approx([delay])
        loop.now += delay
        loop.turn()
        assert "".join(rung) == woken
    assert loop.set_timers() == []


def test_a_slice_is_woken_in_a_turn_and_the_others_in_the_next_ones(loop: _Loop) -> None:
    paced, rung = Pacer(), list[int]()
    for number in range(2 * SLICE + 1):
        paced.call_later(0.1, partial(rung.append, number), first=False)
    loop.now += 1.0
    for many in (SLICE, 2 * SLICE, 2 * SLICE + 1):
        assert loop.set_timers()
        assert max(loop.set_timers()) <= 0.0, "the next turn of the loop, not a later moment"
        loop.turn()
        assert rung == list(range(many)), "who has waited longest goes first"
    assert loop.set_timers() == []


def test_first_frames_go_before_others_that_have_waited_longer(loop: _Loop) -> None:
    paced, rung = Pacer(), list[str]()
    for _ in range(MANY):
        paced.call_later(0.1, partial(rung.append, "other"), first=False)
    paced.call_later(0.9, partial(rung.append, "first"), first=True)
    paced.call_later(1.1, partial(rung.append, "not yet"), first=True)
    loop.now += 1.0
    loop.turn()
    assert rung == ["first", *["other"] * (SLICE - 1)]


def test_first_frames_leave_some_room_for_others(loop: _Loop) -> None:
    """Or streams under way would stand still where new ones never end."""
    paced, rung = Pacer(), list[str]()
    for _ in range(MANY):
        paced.call_later(0.1, partial(rung.append, "first"), first=True)
        paced.call_later(0.1, partial(rung.append, "other"), first=False)
    loop.now += 1.0
    loop.turn()
    assert len(rung) == SLICE
    assert 0 < rung.count("other") < SLICE / 2


def test_who_comes_meanwhile_makes_no_turn_longer(loop: _Loop) -> None:
    paced, rung = Pacer(), list[int]()

    def again() -> None:
        rung.append(loop.turns)
        paced.call_later(0.0, again, first=False)

    paced.call_later(0.0, again, first=False)
    loop.turn()
    loop.turn()
    assert rung == [1] * SLICE + [2] * SLICE


def test_a_timer_that_rings_too_early_wakes_nobody_and_rings_again_in_a_while(loop: _Loop) -> None:
    """As uvloop's do, which count in whole milliseconds."""
    paced, rung = Pacer(), list[str]()
    paced.call_later(0.0102, partial(rung.append, "a"), first=False)
    assert loop.set_timers() == pytest.approx([0.011])
    timer = loop.timers.pop()
    assert timer.callback is not None
    loop.now += 0.01
    timer.callback()
    assert rung == []
    assert loop.set_timers() == pytest.approx([0.001])
    loop.now += 0.001
    loop.turn()
    assert rung == ["a"]


def test_who_is_called_off_is_not_woken_and_with_the_last_one_the_timer_goes(loop: _Loop) -> None:
    paced, rung = Pacer(), list[str]()
    waits = [
        paced.call_later(0.1 * number, partial(rung.append, str(number)), first=number == 3)
        for number in range(1, 4)
    ]
    waits[0].cancel()
    waits[0].cancel()
    loop.now += 0.2
    loop.turn()
    assert rung == ["2"]
    waits[1].cancel()  # who has been woken already
    assert len(loop.set_timers()) == 1
    waits[2].cancel()
    assert loop.set_timers() == []
    loop.now += 1.0
    loop.turn()
    assert rung == ["2"]


def test_who_is_called_off_is_forgotten_long_before_his_moment(loop: _Loop) -> None:
    paced, rung = Pacer(), list[str]()
    paced.call_later(5.0, partial(rung.append, "stays"), first=False)
    for number in range(10_000):
        paced.call_later(9.0, partial(rung.append, "gone"), first=number % 2 > 0).cancel()
    assert len(paced._firsts) + len(paced._others) < 100
    loop.now += 10.0
    loop.turn()
    assert rung == ["stays"]


def test_what_fails_when_woken_does_not_keep_others_waiting(loop: _Loop) -> None:
    def fail() -> None:
        raise ValueError("inside")

    paced, rung = Pacer(), list[str]()
    paced.call_later(0.1, fail, first=False)
    paced.call_later(0.1, partial(rung.append, "after"), first=False)
    loop.now += 1.0
    with pytest.raises(ValueError, match="inside"):
        loop.turn()
    loop.turn()
    assert rung == ["after"]


def test_every_loop_has_a_pacer_of_its_own() -> None:
    async def ask() -> tuple[Pacer, Pacer]:
        return pacer(), pacer()

    one, same = asyncio.run(ask())
    other, _ = asyncio.run(ask())
    assert one is same
    assert other is not one


class _Skipping(selectors.DefaultSelector):
    """Where a loop would wait, time goes on at once; a turn of it takes a little."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0

    def select(self, timeout: float | None = None) -> Any:
        self.now += max(timeout or 0.0, 1e-5)
        return super().select(0)


class _Machine:
    """A loop whose time passes only where something is done or waited for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._selector = _Skipping()
        monkeypatch.setattr(time, "monotonic", lambda: self._selector.now)
        self.loop = asyncio.SelectorEventLoop(self._selector)

    @property
    def now(self) -> float:
        return self._selector.now

    def work(self, seconds: float) -> None:
        """Take the only core for so long."""
        self._selector.now += seconds

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self.loop.run_until_complete(work)

    async def stream(self, cost: float, itl: float, tokens: int) -> _Streamed:
        """Deliver a stream, each write of which costs so many seconds."""
        clock, seen = ScaledClock(), _Streamed(self.now)
        never = self.loop.create_future()

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                self.work(cost)
                seen.writes.append(self.now - seen.began)

        def frames() -> Iterator[tuple[float, Frame]]:
            for number in range(tokens):
                yield seen.began + number * itl + 0.2, Frame(b"x", 1)

        client = Client(lambda: never, clock)
        head = Head(200, ())
        await deliver(
            head, frames(), clock=clock, client=client, send=send, record=seen.outcomes.append
        )
        return seen


class _Streamed:
    """When writes of a stream were done, in seconds after it began."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.writes: list[float] = []
        self.outcomes: list[Outcome] = []


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Machine]:
    made = _Machine(monkeypatch)
    yield made
    made.loop.close()


def test_where_there_is_time_for_all_every_frame_leaves_by_itself(machine: _Machine) -> None:
    async def work() -> None:
        streams = [machine.stream(1e-5, 0.02, 50) for _ in range(100)]
        for seen in await asyncio.gather(*streams):
            assert len(seen.writes) == 50
            assert seen.writes[-1] == pytest.approx(0.2 + 49 * 0.02, abs=0.005)

    machine.run(work())


def test_a_machine_that_cannot_keep_up_writes_less_often_and_ends_in_time(
    machine: _Machine,
) -> None:
    """5,000 frames a second are due, of which it could write a fifth one by one."""

    async def work() -> None:
        streams = [machine.stream(1e-3, 0.02, 100) for _ in range(100)]
        for seen in await asyncio.gather(*streams):
            assert seen.outcomes == [Outcome("completed", 100, 100)]
            assert len(seen.writes) < 40
            assert seen.writes[0] < 0.2 + 0.11, "a round of all takes a tenth of a second"
            assert seen.writes[-1] < (0.2 + 99 * 0.02) * 1.06

    machine.run(work())


def test_a_new_stream_and_whoever_else_gets_a_turn_between_slices(machine: _Machine) -> None:
    """Though 1,000 streams have frames that are due, a new one begins in time."""
    gaps: list[float] = []

    async def others() -> None:
        while True:
            before = machine.now
            await asyncio.sleep(0)
            gaps.append(machine.now - before)

    async def work() -> None:
        streams = [machine.loop.create_task(machine.stream(1e-4, 0.02, 100)) for _ in range(1000)]
        await asyncio.sleep(1.0)
        looking = machine.loop.create_task(others())
        seen = await machine.stream(1e-4, 0.02, 100)
        looking.cancel()
        assert max(gaps) < (SLICE + 1) * 1e-4 + 0.002
        assert seen.writes[0] - 0.2 < 2 * SLICE * 1e-4, "a round of all would take 0.1 s"
        assert seen.writes[-1] < 0.2 + 99 * 0.02 + 0.12
        await asyncio.gather(*streams)

    machine.run(work())


def test_nothing_is_left_of_a_client_that_leaves_while_it_waits(machine: _Machine) -> None:
    async def work() -> None:
        task = machine.loop.create_task(machine.stream(1e-5, 1000.0, 2))
        await asyncio.sleep(0.5)
        assert pacer()._alive == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert pacer()._alive == 0
        assert pacer()._timer is None
        assert pacer()._set == math.inf

    machine.run(work())
