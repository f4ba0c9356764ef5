"""The body comes in small slices."""

from __future__ import annotations

import math

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Plan, Timed, apart, pieces
from mockdock.fault import Fault
from mockdock.frames import Cut

__all__ = ["slicer"]

_SIZE = 16


def slicer(plan: Plan, fault: Fault) -> Plan:
    """Send slices of ``size`` bytes, else 16, with ``delay`` seconds between two, else none."""
    return replace(plan, timed=_sliced(plan.timed, fault.size or _SIZE, fault.delay or 0.0))


def _sliced(timed: Timed, size: int, delay: float) -> Timed:
    moment = -math.inf
    for due, item in timed:
        if isinstance(item, Cut):
            yield max(due, moment + delay), item
            return
        for part in pieces(item, size):
            moment = max(due, moment + delay)
            yield moment, apart(part)
