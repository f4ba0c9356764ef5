"""The reply stops, and goes on later or never."""

from __future__ import annotations

import math

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Plan, Timed, until
from mockdock.fault import After, Fault
from mockdock.frames import Frame

__all__ = ["stall"]


def stall(plan: Plan, fault: Fault) -> Plan:
    """Hold back what comes after a place, else the whole reply, for ``lasts`` seconds or for good.

    A stall without a length holds at any time scale, until the client leaves.
    """
    lasts = math.inf if fault.lasts is None else fault.lasts
    if fault.after == After():
        return replace(plan, timed=_later(plan.timed, lasts))
    return replace(plan, timed=_stalled(plan, fault.after, lasts))


def _stalled(plan: Plan, after: After, lasts: float) -> Timed:
    place = yield from until(plan, after)
    if place is not None:
        moment, rest = place
        yield moment + lasts, Frame(b"")  # the end of the body comes late as well
        yield from _later(rest, lasts)


def _later(timed: Timed, lasts: float) -> Timed:
    for due, item in timed:
        yield due + lasts, item
