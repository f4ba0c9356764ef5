"""How a limit counts: token buckets, windows, gauges and budgets. Pure arithmetic.

A meter's state is a tuple of numbers, empty at the start: when it was last
changed, until when it holds everybody off, and what its algorithm keeps. Times
are scenario seconds. An amount fits when it is at most what is left. A clock
that was set back makes nobody wait longer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal, NamedTuple, Protocol

__all__ = [
    "Algorithm",
    "Charge",
    "Level",
    "Reading",
    "State",
    "give_back",
    "left",
    "read",
    "refuse",
    "take",
]

Algorithm = Literal["bucket", "fixed", "sliding", "gauge", "budget"]
State = tuple[float, ...]
Level = tuple[float, float, float]
"""What a reading tells: used, wait and reset."""

SLOTS = 60
"""A sliding window is counted in so many slots; the oldest counts until it has left wholly."""
_CLOSE = 1e-6
_NOISE = 1e-12
"""Sums of floating-point numbers are wrong by less than this part of a limit."""
_GAUGE_WAIT = 1.0
"""Nobody knows when a running request ends: come back in a second."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What a request costs by one meter.

    ``key`` names the meter within the session, or, ``shared``, within the
    server. ``limit`` is what is let through in ``window`` seconds; ``toll`` is
    charged to a request that is refused, by this meter or another. A request
    that comes before it may makes the wait longer by ``extend`` seconds. ``slack`` is
    what sums are wrong by.
    """

    key: str
    algorithm: Algorithm
    limit: float
    cost: float
    window: float = 60.0
    toll: float = 0.0
    extend: float = 0.0
    shared: bool = False
    slack: float = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "slack", max(_CLOSE, self.limit * _NOISE))


class Reading(NamedTuple):
    """A meter at some moment.

    ``used`` of the limit, seconds until the cost ``wait``s no more (infinite
    when it never fits) and until nothing is used (``reset``).
    """

    used: float
    wait: float
    reset: float

    @property
    def fits(self) -> bool:
        """Whether the cost fits now."""
        return self.wait <= 0


def read(charge: Charge, state: State, now: float) -> Reading:
    """Read a meter before its charge; one that holds everybody off has nothing left."""
    reading = _KINDS[charge.algorithm].look(charge, state[2:], now)
    held = _held(state, now)
    if held <= _CLOSE:
        return reading
    _, wait, reset = reading
    return Reading(charge.limit, max(wait, held), max(reset, held))


def left(charge: Charge, used: float) -> int:
    """Give the largest whole cost that fits."""
    room = charge.limit - used + charge.slack
    return math.floor(room) if room > 0 else 0


def take(charge: Charge, state: State, now: float, amount: float) -> State:
    """Use an amount of what is left; more than that is not to be had."""
    rest = _KINDS[charge.algorithm].add(charge, state[2:], now, amount)
    return (now, now + _held(state, now), *rest)


def refuse(charge: Charge, state: State, now: float) -> State:
    """Note that a request was refused by this meter; before its time, that makes it wait longer."""
    after = take(charge, state, now, charge.toll)
    if not charge.extend:
        return after
    held = _held(state, now)
    early = charge.extend if held > _CLOSE else 0.0
    wait = _KINDS[charge.algorithm].look(charge, after[2:], now).wait
    return (now, now + max(held, wait if math.isfinite(wait) else 0.0) + early, *after[2:])


def give_back(charge: Charge, state: State, taken: float, now: float, amount: float) -> State:
    """Correct what was ``taken`` at a moment by an amount too much; below nothing it never goes."""
    rest = _KINDS[charge.algorithm].correct(charge, state[2:], taken, now, amount)
    return (now, now + _held(state, now), *rest)


def _held(state: State, now: float) -> float:
    """Give the seconds for which everybody is held off; by a clock set back no longer than that."""
    if not state:
        return 0.0
    changed, until = state[:2]
    return max(0.0, until - max(now, changed))


class _Kind(Protocol):
    def look(self, charge: Charge, state: State, now: float) -> Reading: ...

    def add(self, charge: Charge, state: State, now: float, amount: float) -> State: ...

    def correct(
        self, charge: Charge, state: State, taken: float, now: float, amount: float
    ) -> State: ...


def _room(charge: Charge, used: float) -> float:
    """Give what is left, and a little more for what sums are wrong by."""
    return charge.limit - used + charge.slack


def _missing(charge: Charge, used: float) -> float:
    """Give how much must become free before the cost fits; 0 when it does."""
    cost, limit = charge.cost, charge.limit
    left = limit - used
    if cost <= left:
        return 0.0
    if cost > _room(charge, 0.0):
        return math.inf
    return 0.0 if cost <= _room(charge, used) else cost - left


class _Bucket:
    """Refills all the time; state: used, at."""

    def _used(self, charge: Charge, state: State, now: float) -> float:
        if not state:
            return 0.0
        used, at = state
        limit = charge.limit
        used = min(used, limit)  # of a limit that was higher
        if now > at:
            used -= (now - at) * limit / charge.window
        return used if used > 0 else 0.0

    def look(self, charge: Charge, state: State, now: float) -> Reading:
        used = self._used(charge, state, now)
        each = charge.window / charge.limit
        return Reading(used, _missing(charge, used) * each, used * each)

    def add(self, charge: Charge, state: State, now: float, amount: float) -> State:
        return min(charge.limit, self._used(charge, state, now) + amount), now

    def correct(
        self,
        charge: Charge,
        state: State,
        taken: float,  # noqa: ARG002
        now: float,
        amount: float,
    ) -> State:
        used = self._used(charge, state, now) - amount
        return min(charge.limit, max(0.0, used)), now


class _Fixed:
    """Windows that follow each other, counted from 0 of the clock; state: start, used."""

    def _start(self, charge: Charge, now: float) -> float:
        return math.floor(now / charge.window + _CLOSE) * charge.window

    def _used(self, charge: Charge, state: State, now: float) -> float:
        return state[1] if state and state[0] == self._start(charge, now) else 0.0

    def look(self, charge: Charge, state: State, now: float) -> Reading:
        used = self._used(charge, state, now)
        left = self._start(charge, now) + charge.window - now
        missing = _missing(charge, used)
        wait = missing if missing in (0.0, math.inf) else max(_CLOSE, left)
        return Reading(used, wait, max(0.0, left) if used else 0.0)

    def add(self, charge: Charge, state: State, now: float, amount: float) -> State:
        used = self._used(charge, state, now)
        return self._start(charge, now), min(charge.limit, used + amount)

    def correct(
        self, charge: Charge, state: State, taken: float, now: float, amount: float
    ) -> State:
        start = self._start(charge, now)
        if amount > 0 and self._start(charge, taken) != start:
            return state
        used = self._used(charge, state, now) - amount
        return start, min(charge.limit, max(0.0, used))


class _Sliding:
    """The time just gone by, in slots; state: pairs of slot and used, the oldest first."""

    def _slot(self, charge: Charge, now: float) -> int:
        return math.floor(now * SLOTS / charge.window + _CLOSE)

    def _left(self, charge: Charge, state: State, now: float) -> dict[int, float]:
        newest = self._slot(charge, now)
        left: dict[int, float] = {}
        for slot, used in zip(state[::2], state[1::2], strict=True):
            if slot >= newest - SLOTS:
                own = min(int(slot), newest)  # a clock that was set back knows no later one
                left[own] = left.get(own, 0.0) + used
        return left

    def look(self, charge: Charge, state: State, now: float) -> Reading:
        left = self._left(charge, state, now)
        used = sum(left.values())
        full = [slot for slot, amount in left.items() if amount]
        reset = self._gone(charge, full[-1], now) if full else 0.0
        missing = _missing(charge, used)
        if missing in (0.0, math.inf):
            return Reading(used, missing, reset)
        leaving = zip(left, accumulate(left.values()), strict=True)
        last = next(slot for slot, gone in leaving if not _missing(charge, used - gone))
        return Reading(used, self._gone(charge, last, now), reset)

    def _gone(self, charge: Charge, slot: int, now: float) -> float:
        """Give the seconds until a slot no longer counts."""
        return max(_CLOSE, (slot + 1 + SLOTS) * charge.window / SLOTS - now)

    def add(self, charge: Charge, state: State, now: float, amount: float) -> State:
        left = self._left(charge, state, now)
        slot = self._slot(charge, now)
        room = charge.limit - sum(left.values())
        left[slot] = left.get(slot, 0.0) + min(amount, max(0.0, room))
        return _flat(left)

    def correct(
        self, charge: Charge, state: State, taken: float, now: float, amount: float
    ) -> State:
        left = self._left(charge, state, now)
        if amount <= 0:
            return self.add(charge, state, now, -amount)
        slot = self._slot(charge, taken)
        if slot in left:
            left[slot] = max(0.0, left[slot] - amount)
        return _flat(left)


def _flat(slots: Mapping[int, float]) -> State:
    return tuple(number for pair in slots.items() for number in pair)


class _Gauge:
    """What is under way now; state: how many."""

    def _used(self, state: State) -> float:
        return state[0] if state else 0.0

    def look(self, charge: Charge, state: State, now: float) -> Reading:  # noqa: ARG002
        used = self._used(state)
        wait = _GAUGE_WAIT if _missing(charge, used) else 0.0
        return Reading(used, wait, _GAUGE_WAIT if used else 0.0)

    def add(
        self,
        charge: Charge,  # noqa: ARG002
        state: State,
        now: float,  # noqa: ARG002
        amount: float,
    ) -> State:
        return (self._used(state) + amount,)

    def correct(
        self,
        charge: Charge,  # noqa: ARG002
        state: State,
        taken: float,  # noqa: ARG002
        now: float,  # noqa: ARG002
        amount: float,
    ) -> State:
        return (max(0.0, self._used(state) - amount),)


class _Budget(_Gauge):
    """What was ever spent; the request that spends the last of it is let through."""

    def look(self, charge: Charge, state: State, now: float) -> Reading:  # noqa: ARG002
        used = self._used(state)
        spent = used >= charge.limit * (1 - _CLOSE)
        return Reading(used, math.inf if spent else 0.0, math.inf)


_KINDS: Mapping[Algorithm, _Kind] = {
    "bucket": _Bucket(),
    "fixed": _Fixed(),
    "sliding": _Sliding(),
    "gauge": _Gauge(),
    "budget": _Budget(),
}
