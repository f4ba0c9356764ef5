"""One timer for all who wait in an event loop, who are woken a few at a time."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import threading
import time
import weakref
from collections.abc import Callable

__all__ = ["SLICE", "Pacer", "Wait", "pacer"]

SLICE = 48
"""So many are woken before connections and new requests get their turn: a few ms of work."""
_RESERVED = 8
"""So many of them are no first ones, however many of these are due."""
_STEP = 0.001
"""Seconds: event loops wait for whole ones of these, and may wake one too early."""
_FEW = 64
"""So many that were called off are held, whether they still count or not."""


class Wait:
    """Somebody waits; he can be called off."""

    __slots__ = ("_pacer", "callback", "when")

    def __init__(self, pacer: Pacer, when: float, callback: Callable[[], None]) -> None:
        self._pacer = pacer
        self.when = when
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Wait no longer; harmless once woken."""
        if self.callback is not None:
            self.callback = None
            self._pacer.forget()


_Queue = list[tuple[float, int, Wait]]


class Pacer:
    """Calls back at moments of :func:`time.monotonic`, for the loop it is used in.

    When more are due than fit into a slice, those whose first frame is due go first, then
    who has waited longest. Meanwhile more of a stream becomes due, which leaves together:
    the later it gets, the less there is to do. While nobody waits there is no timer.
    """

    def __init__(self) -> None:
        self._firsts: _Queue = []
        self._others: _Queue = []
        self._order = itertools.count()
        self._alive = 0
        self._timer: asyncio.Handle | None = None
        self._set = math.inf  # when the timer rings

    def call_later(self, delay: float, callback: Callable[[], None], *, first: bool) -> Wait:
        """Call back in so many seconds, before others if it is for a ``first`` frame."""
        now = time.monotonic()
        wait = Wait(self, now + delay, callback)
        heapq.heappush(
            self._firsts if first else self._others, (wait.when, next(self._order), wait)
        )
        self._alive += 1
        if wait.when < self._set:
            self._arm(wait.when, now)
        return wait

    def forget(self) -> None:
        """Take notice that somebody was called off."""
        self._alive -= 1
        if not self._alive:
            self._firsts.clear()
            self._others.clear()
            self._disarm()
        elif len(self._firsts) + len(self._others) > 2 * self._alive + _FEW:
            for queue in (self._firsts, self._others):
                queue[:] = [each for each in queue if each[2].callback is not None]
                heapq.heapify(queue)

    def _work(self) -> None:
        """Wake who is due, as many as a slice takes, and be woken for the others."""
        self._timer, self._set = None, math.inf
        now = time.monotonic()
        try:
            woken = self._wake(self._firsts, SLICE - _RESERVED, now)
            self._wake(self._others, SLICE - woken, now)
        finally:
            heads = [queue[0][0] for queue in (self._firsts, self._others) if queue]
            if heads:
                self._arm(min(heads), now)

    def _wake(self, queue: _Queue, most: int, now: float) -> int:
        woken = 0
        while queue and queue[0][0] <= now and woken < most:
            wait = heapq.heappop(queue)[2]
            callback, wait.callback = wait.callback, None
            if callback is not None:
                self._alive -= 1
                woken += 1
                callback()
        return woken

    def _arm(self, when: float, now: float) -> None:
        self._disarm()
        left = when - now
        if left > 0:  # else it is the next turn of the loop
            left = max(math.ceil(left / _STEP - _STEP), 1) * _STEP
        self._timer = asyncio.get_running_loop().call_later(max(left, 0.0), self._work)
        self._set = when

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._set = None, math.inf


class _Latest(threading.local):
    """The pacer of the loop that a thread has run last."""

    pacer: Pacer | None = None
    loop: weakref.ref[asyncio.AbstractEventLoop] | None = None


_latest = _Latest()


def pacer() -> Pacer:
    """Give the pacer of the running loop."""
    loop = asyncio.get_running_loop()
    if _latest.pacer is None or _latest.loop is None or _latest.loop() is not loop:
        _latest.pacer, _latest.loop = Pacer(), weakref.ref(loop)
    return _latest.pacer
