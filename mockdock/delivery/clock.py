"""Clocks: real, scaled, or moved by a test. Times are scenario seconds."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from mockdock.delivery.pacer import pacer

__all__ = ["Clock", "ManualClock", "ScaledClock", "Timer", "Whom"]

_TICK = 1e-9
"""Manual time is this coarse, in seconds: ten steps of 0.1 reach 1."""
_MOST_PROMISES = 10_000
_FEW = 64
"""So many timers are held, whether they still count or not."""
_LEAST, _MOST = 1e-6, 1e6
"""Beyond these time scales seconds lose their meaning."""


Whom = tuple[str, str]
"""A session and the identity of one of its requests."""


class Timer(Protocol):
    """A wake-up that can be called off."""

    def cancel(self) -> None:
        """Call the wake-up off; harmless when it has rung."""
        ...


class Clock(Protocol):
    """What delivery asks of time."""

    @property
    def scale(self) -> float:
        """Real seconds for one scenario second."""
        ...

    def now(self) -> float:
        """Scenario seconds since some fixed moment; never goes back."""
        ...

    def time(self) -> float:
        """Seconds since 1970, for fields such as ``created``."""
        ...

    def is_due(self, due: float) -> bool:
        """Tell whether the moment ``due`` has come; an infinite one never does."""
        ...

    def call_at(self, due: float, callback: Callable[[], None], *, first: bool = False) -> Timer:
        """Call back at ``due`` in the running event loop.

        Where there is more to do than time, who waits for a ``first`` frame is called first.
        """
        ...

    def advance(self, seconds: float) -> None:
        """Move time on. Raises ValueError where it runs by itself, or cannot go so far."""
        ...

    def promise(self, whom: Whom, seconds: float) -> Awaitable[None] | None:
        """Note that somebody was told to come back in so long; may take its time."""
        ...

    def redeem(self, whom: Whom) -> Awaitable[None] | None:
        """Note that he has come back. Where nobody ever waits, it is as late now as he was told."""
        ...


class _Never:
    def cancel(self) -> None:
        """Nothing to call off."""


_NEVER = _Never()


class ScaledClock:
    """Real time, stretched: a scenario second takes ``scale`` real seconds.

    At scale 0 every moment is due at once and nothing ever waits; such a clock
    can also be advanced. Nobody has to wait for it either: who comes back after
    he was told to wait has waited as long. ``seconds`` gives real ones since some
    fixed moment, those of the machine by default.
    """

    def __init__(self, scale: float = 1.0, seconds: Callable[[], float] | None = None) -> None:
        if scale != 0 and not _LEAST <= scale <= _MOST:
            raise ValueError(f"time scale must be 0, or {_LEAST:g} to {_MOST:g}, got {scale:g}")
        self.scale = scale
        self._seconds = time.monotonic if seconds is None else seconds
        self._divisor = scale or 1.0
        self._ahead = 0.0
        self._lock = threading.Lock()
        self._promises: OrderedDict[Whom, float] = OrderedDict()

    def now(self) -> float:
        """Scenario seconds since that moment, and those advanced."""
        return self._seconds() / self._divisor + self._ahead

    def time(self) -> float:
        """Seconds since 1970, and those advanced."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Move time on, which only a clock of scale 0 can."""
        if self.scale > 0:
            raise ValueError(
                f"time runs by itself here (time scale {self.scale:g}); "
                'to advance it, set the time scale to 0 or "manual"'
            )
        _check_step(seconds)
        with self._lock:
            self._ahead += seconds

    def promise(self, whom: Whom, seconds: float) -> Awaitable[None] | None:
        """Note that somebody was told to come back in so long; the last 10,000 count."""
        if self.scale:
            return None
        with self._lock:
            self._promises[whom] = self.now() + seconds
            if len(self._promises) > _MOST_PROMISES:
                self._promises.popitem(last=False)
        return None

    def redeem(self, whom: Whom) -> Awaitable[None] | None:
        """Note that he has come back: it is at least as late now as he was told."""
        with self._lock:
            until = self._promises.pop(whom, None)
            if until is not None:
                self._ahead += max(0.0, until - self.now())
        return None

    def is_due(self, due: float) -> bool:
        """Tell whether ``due`` has come; at scale 0 always, unless it is infinite."""
        return due <= self.now() if self.scale else due != math.inf

    def call_at(self, due: float, callback: Callable[[], None], *, first: bool = False) -> Timer:
        """Call back after the scaled rest of the time until ``due``, which may be infinite."""
        if due == math.inf:
            return _NEVER
        wait = max(0.0, due - self.now()) * self.scale
        return pacer().call_later(wait, callback, first=first)


class _ManualTimer:
    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self._callback = None

    @property
    def cancelled(self) -> bool:
        return self._callback is None

    def ring(self) -> None:
        callback = self._callback
        if callback is not None:
            with suppress(RuntimeError):  # its loop has been closed: nobody waits any more
                self._loop.call_soon_threadsafe(callback)


class ManualClock:
    """Time stands still until :meth:`advance`, which any thread may call.

    ``epoch`` is what :meth:`time` shows at the start, in seconds since 1970.
    """

    scale = 1.0

    def __init__(self, epoch: float = 1_700_000_000.0) -> None:
        self._epoch = epoch
        self._now = 0.0
        self._released = False
        self._lock = threading.Lock()
        self._timers: list[tuple[float, int, _ManualTimer]] = []
        self._order = itertools.count()
        self._most = _FEW

    def now(self) -> float:
        """Scenario seconds advanced so far."""
        return self._now

    def time(self) -> float:
        """``epoch`` plus the seconds advanced so far."""
        return self._epoch + self._now

    def is_due(self, due: float) -> bool:
        """Tell whether the clock has been advanced to ``due``."""
        return due <= self._now + _TICK or (self._released and due != math.inf)

    def call_at(
        self,
        due: float,
        callback: Callable[[], None],
        *,
        first: bool = False,  # noqa: ARG002 - a test has all the time there is
    ) -> Timer:
        """Call back in the running loop once the clock reaches ``due``, which may be infinite."""
        timer = _ManualTimer(asyncio.get_running_loop(), callback)
        with self._lock:
            if len(self._timers) >= self._most:
                self._sweep()
            heapq.heappush(self._timers, (due, next(self._order), timer))
            rung = self._due()
        _ring(rung)
        return timer

    def advance(self, seconds: float) -> None:
        """Move time on and wake whoever is due."""
        _check_step(seconds)
        with self._lock:
            self._now += seconds
            rung = self._due()
        _ring(rung)

    def promise(self, whom: Whom, seconds: float) -> None:
        """Nothing: who has to wait here waits until time is advanced."""

    def redeem(self, whom: Whom) -> None:
        """Nothing: time is advanced by a test alone."""

    def release(self) -> None:
        """Let nobody wait any more: every moment is due from now on, but an infinite one."""
        with self._lock:
            self._released = True
            rung = self._due()
        _ring(rung)

    def waiting(self) -> int:
        """Count the wake-ups still to come, those that never will too."""
        with self._lock:
            return sum(not timer.cancelled for _, _, timer in self._timers)

    def _sweep(self) -> None:
        """Forget timers that were called off, whenever there are twice as many as after it."""
        self._timers = [each for each in self._timers if not each[2].cancelled]
        heapq.heapify(self._timers)
        self._most = max(_FEW, 2 * len(self._timers))

    def _due(self) -> list[_ManualTimer]:
        rung: list[_ManualTimer] = []
        timers = self._timers
        while timers and (self.is_due(timers[0][0]) or timers[0][2].cancelled):
            rung.append(heapq.heappop(timers)[2])
        return rung


def _check_step(seconds: float) -> None:
    if not 0 <= seconds < math.inf:
        raise ValueError(f"time only goes on, by 0 seconds or more, got {seconds}")


def _ring(timers: list[_ManualTimer]) -> None:
    for timer in timers:
        timer.ring()
