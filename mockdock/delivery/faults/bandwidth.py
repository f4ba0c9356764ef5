"""Bytes come no faster than a line lets them."""

from __future__ import annotations

import math

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Plan, Timed, pieces
from mockdock.fault import Fault
from mockdock.frames import Cut

__all__ = ["bandwidth"]

_RATE = 1000.0
_PER_SECOND = 10


def bandwidth(plan: Plan, fault: Fault) -> Plan:
    """Let at most ``rate`` bytes of the body pass in a second, else 1000.

    Bytes leave when their time on the line is over, in pieces of a tenth of a second.
    """
    return replace(plan, timed=_paced(plan.timed, fault.rate or _RATE))


def _paced(timed: Timed, rate: float) -> Timed:
    step = max(1, int(rate / _PER_SECOND))
    free = -math.inf
    for due, item in timed:
        if isinstance(item, Cut):
            yield max(free, due), item
            return
        for part in pieces(item, step):
            free = max(free, due) + len(part.data) / rate
            yield free, part
