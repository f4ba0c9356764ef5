"""A charge that fits, taken and read in one go, and a charge corrected. Pure arithmetic.

The numbers are those of :mod:`mockdock.engine.meters`, for what nearly every request meets:
a bucket with room that holds nobody off. Everything else is asked there, step by step.
"""

from __future__ import annotations

from mockdock.engine import meters
from mockdock.engine.meters import Charge, Reading, State

__all__ = ["given_back", "spent"]

_NEW = (0.0, 0.0, 0.0, 0.0)


def spent(charge: Charge, state: State, now: float) -> tuple[State, Reading] | None:
    """Give the state after the cost is taken, and what it reads; None where it does not fit."""
    if charge.algorithm == "bucket":
        changed, until, used, at = state or _NEW
        if until <= now or until <= changed:
            limit, window, cost = charge.limit, charge.window, charge.cost
            used = min(used, limit)  # that of a limit that was higher
            if now > at:
                used = max(used - (now - at) * limit / window, 0.0)
            used += cost
            if cost <= limit - used:  # so that it fitted, and fits again
                return (now, now, used, now), Reading(used, 0.0, used * (window / limit))
    if not meters.read(charge, state, now).fits:
        return None
    after = meters.take(charge, state, now, charge.cost)
    return after, meters.read(charge, after, now)


def given_back(charge: Charge, state: State, taken: float, now: float, amount: float) -> State:
    """Correct what was ``taken`` at a moment by an amount too much; below nothing it never goes."""
    if state and charge.algorithm == "bucket":
        changed, until, used, at = state
        if until <= now or until <= changed:
            limit = charge.limit
            used = min(used, limit)
            if now > at:
                used = max(used - (now - at) * limit / charge.window, 0.0)
            return now, now, min(limit, max(0.0, used - amount)), now
    return meters.give_back(charge, state, taken, now, amount)
