"""Bytes come no faster than a line lets them."""

from __future__ import annotations

import math
from dataclasses import replace

from mockdock.delivery.faults.plan import Plan, Timed, divide
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
        free = max(free, due)
        if isinstance(item, Cut):
            yield free, item
            return
        rest = item
        while len(rest.data) > step:
            part, rest = divide(rest, step)
            free += step / rate
            yield free, part
        free += len(rest.data) / rate
        yield free, rest
