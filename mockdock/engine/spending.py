"""The meters of one process: charged and corrected in one go, or step by step.

The numbers are those of :mod:`mockdock.engine.meters`. What nearly every request meets is
reckoned here: a bucket with room that holds nobody off. Everything else is asked there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat

from mockdock.engine import meters
from mockdock.engine.bounded import Bounded
from mockdock.engine.meters import Charge, Level, Reading, State

__all__ = ["Till", "corrected"]

_NEW = (0.0, 0.0, 0.0, 0.0)
"""A bucket nobody was charged by: when it was changed, until when it holds off, what is used,
and since when that is so. It never ends to hold off before it was changed: where that is over,
no clock was set back."""
_NONE = repeat(0.0)


class Till(Bounded[State]):
    """States of meters by place: the serial of the session, 0 for the server, and the key."""

    __slots__ = ()

    def __init__(self, most: int) -> None:
        super().__init__((), most)

    def pay(
        self,
        serial: int,
        charges: Sequence[Charge],
        now: float,
        surpluses: Iterable[float] | None = None,
    ) -> tuple[Level, ...] | None:
        """Charge everything and tell the levels then; nothing where any of it does not fit.

        What of each charge is known to be too much is given back at once.
        """
        values = self.values
        known = values.get
        taken: list[tuple[tuple[int, str], State]] = []
        levels: list[Level] = []
        for charge, surplus in zip(charges, surpluses or _NONE, strict=False):
            place = (0 if charge.shared else serial, charge.key)
            state = known(place, ())
            if charge.algorithm == "bucket":
                _, until, used, at = state or _NEW
                limit, cost = charge.limit, charge.cost
                if until <= now and used <= limit:  # it is not held, nor was its limit lowered
                    used -= (now - at) * limit / charge.window
                    used = used + cost if used > 0 else cost
                    if cost <= limit - used:  # so that it fitted, and fits again
                        level = used, 0.0, used * (charge.window / limit)
                        if surplus:
                            level = corrected(charge, level, surplus)
                            used = level[0]
                        taken.append((place, (now, now, used, now)))
                        levels.append(level)
                        continue
            if not meters.read(charge, state, now).fits:
                return None
            state = meters.take(charge, state, now, charge.cost)
            level = meters.read(charge, state, now)
            if surplus:
                level = corrected(charge, level, surplus)
                state = meters.give_back(charge, state, now, now, surplus)
            taken.append((place, state))
            levels.append(level)
        if len(values) < self.few:
            values.update(taken)
        else:
            for place, state in taken:
                self.set(place, state)
        return tuple(levels)

    def refuse(
        self, serial: int, charges: Sequence[Charge], now: float
    ) -> tuple[tuple[Level, ...], tuple[int, ...]]:
        """Charge the tolls where not everything fits; tell the levels then, and what did not."""
        rows = self._rows(serial, charges, now)
        levels = []
        for charge, place, state, reading in rows:
            if reading.fits:
                after = meters.take(charge, state, now, charge.toll)
            else:
                after = meters.refuse(charge, state, now)
            self.set(place, after)
            levels.append(meters.read(charge, after, now))
        return tuple(levels), _refusers(rows)

    def look(
        self, serial: int, charges: Sequence[Charge], now: float
    ) -> tuple[tuple[Reading, ...], tuple[int, ...]]:
        """Read meters before their charges, and tell what would not fit; nothing is charged."""
        rows = self._rows(serial, charges, now)
        return tuple([reading for *_, reading in rows]), _refusers(rows)

    def give_back(
        self, serial: int, charge: Charge, taken: float, now: float, amount: float
    ) -> None:
        """Correct what was ``taken`` at a moment by an amount too much."""
        values = self.values
        place = (0 if charge.shared else serial, charge.key)
        state = values.get(place, ())
        if state and charge.algorithm == "bucket":
            _, until, used, at = state
            limit = charge.limit
            if until <= now and used <= limit:
                used -= (now - at) * limit / charge.window
                used = used - amount if used > 0 else -amount
                if used <= limit:
                    self.set(place, (now, now, used if used > 0 else 0.0, now))
                    return
        self.set(place, meters.give_back(charge, state, taken, now, amount))

    def _rows(
        self, serial: int, charges: Sequence[Charge], now: float
    ) -> list[tuple[Charge, tuple[int, str], State, Reading]]:
        rows = []
        for charge in charges:
            place = (0 if charge.shared else serial, charge.key)
            state = self.get(place)
            rows.append((charge, place, state, meters.read(charge, state, now)))
        return rows


def _refusers(rows: Sequence[tuple[Charge, tuple[int, str], State, Reading]]) -> tuple[int, ...]:
    """Give the places of the charges that do not fit."""
    return tuple([number for number, (*_, reading) in enumerate(rows) if not reading.fits])


def corrected(charge: Charge, level: Level, amount: float) -> Level:
    """Tell the level of a meter that was just charged, once it is corrected by an amount."""
    used, wait, reset = level
    limit = charge.limit
    used -= amount
    if used < 0:
        used = 0.0
    elif used > limit:
        used = limit
    if charge.algorithm == "bucket":
        reset = used * charge.window / limit
    elif not used:
        reset = 0.0
    return used, wait, reset
