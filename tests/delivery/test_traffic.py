"""Replies under way: what they slow down, and who has to queue."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import pytest

from mockdock.delivery import Client, Clock, ManualClock, ScaledClock, Traffic


class Guest:
    """A client in the queue, which can leave."""

    def __init__(self, clock: Clock) -> None:
        self._gone = asyncio.Event()
        self.client = Client(self._receive, clock)
        self.inside: bool | None = None

    async def _receive(self) -> MutableMapping[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    def leave(self) -> None:
        """Close the connection."""
        self._gone.set()

    async def enter(self, traffic: Traffic, most: int | None) -> None:
        """Wait for a place."""
        try:
            if traffic.admits(most):
                self.inside = True
            elif most is not None:
                self.inside = await traffic.queue(most, self.client)
        finally:
            self.client.close()


async def turns() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


Case = Callable[[Traffic, Callable[..., tuple[Guest, "asyncio.Task[None]"]]], Awaitable[None]]


def run(case: Case, clock: Clock | None = None) -> Traffic:
    """Run a case; what is left of its tasks must have ended."""
    traffic = Traffic()

    async def whole() -> None:
        tasks: list[asyncio.Task[None]] = []
        lived = clock or ScaledClock(0)

        def comes(most: int | None = 1) -> tuple[Guest, asyncio.Task[None]]:
            guest = Guest(lived)
            tasks.append(asyncio.create_task(guest.enter(traffic, most)))
            return guest, tasks[-1]

        await case(traffic, comes)
        await turns()
        assert all(task.done() for task in tasks)

    asyncio.run(asyncio.wait_for(whole(), 20))
    return traffic


def test_without_a_limit_all_are_inside_at_once() -> None:
    async def case(traffic: Traffic, comes: Any) -> None:
        guests = [comes(None)[0] for _ in range(5)]
        await turns()
        assert all(guest.inside for guest in guests)
        assert traffic.open == 5

    run(case)


@pytest.mark.parametrize(
    "clock", [ScaledClock(0), ScaledClock(1), ManualClock()], ids=["scale 0", "scale 1", "manual"]
)
def test_who_came_first_goes_first_and_never_more_than_allowed(clock: Clock) -> None:
    async def case(traffic: Traffic, comes: Any) -> None:
        guests = [comes(2)[0] for _ in range(6)]
        await turns()
        order = []
        for _ in range(4):
            assert traffic.open == 2
            inside = [number for number, guest in enumerate(guests) if guest.inside]
            order.append(inside)
            traffic.leave()
            await turns()
        assert order == [[*range(count)] for count in (2, 3, 4, 5)]
        assert all(guest.inside for guest in guests)

    run(case, clock)


def test_nobody_overtakes_the_queue_when_a_place_becomes_free() -> None:
    async def case(traffic: Traffic, comes: Any) -> None:
        comes()
        first, _ = comes()
        await turns()
        traffic.leave()
        late, _ = comes()  # before the first in the queue could run
        await turns()
        assert (first.inside, late.inside) == (True, None)
        traffic.leave()

    run(case)


def test_who_leaves_the_queue_makes_room_for_those_behind() -> None:
    async def case(traffic: Traffic, comes: Any) -> None:
        comes()
        gone, _ = comes()
        stays, _ = comes()
        await turns()
        gone.leave()
        await turns()
        assert (gone.inside, stays.inside) == (False, None)
        traffic.leave()
        await turns()
        assert stays.inside
        assert traffic.open == 1

    run(case)


def test_who_would_have_let_in_more_may_be_what_holds_up_those_behind() -> None:
    async def case(traffic: Traffic, comes: Any) -> None:
        comes(1)
        strict, _ = comes(1)
        lax, _ = comes(5)
        await turns()
        assert lax.inside is None, "first come, first served"
        strict.leave()
        await turns()
        assert lax.inside
        assert traffic.open == 2

    run(case)


def test_who_has_left_before_he_queues_does_not_wait() -> None:
    async def case(traffic: Traffic, comes: Any) -> None:
        comes()
        await turns()
        gone = Guest(ScaledClock(0))
        gone.client.left = True
        await gone.enter(traffic, 1)
        assert gone.inside is False
        assert traffic.open == 1

    run(case)


@pytest.mark.parametrize("come", [False, True], ids=["queued", "just called"])
def test_who_is_cancelled_gives_up_his_place(come: bool) -> None:
    """As the server does with replies it can wait for no longer."""

    async def case(traffic: Traffic, comes: Any) -> None:
        comes()
        guest, task = comes()
        behind, _ = comes()
        await turns()
        if come:
            traffic.leave()  # his turn has come, but he has not run since
        task.cancel()
        await turns()
        assert task.cancelled()
        assert guest.inside is None
        if not come:
            traffic.leave()
            await turns()
        assert behind.inside
        assert traffic.open == 1
        traffic.leave()
        assert traffic.open == 0

    run(case)


def test_a_queue_on_a_released_clock_waits_without_turning_the_loop() -> None:
    clock = ManualClock()

    async def case(traffic: Traffic, comes: Any) -> None:
        comes()
        guest, _ = comes()
        await turns()
        clock.release()
        await turns()
        assert guest.inside is None
        assert clock.waiting() == 1, "it waits for its turn, once"
        traffic.leave()

    run(case, clock)


def test_beyond_its_capacity_all_is_slower_in_proportion() -> None:
    traffic = Traffic()
    found = []
    for count in (0, 1, 4, 5, 8, 40):
        traffic.open = count
        found.append(traffic.slowness(4))
        assert traffic.slowness(None) == 1
    assert found == [1, 1, 1, 1.25, 2, 10]
