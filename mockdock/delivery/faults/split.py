"""Every event comes in two segments."""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Plan, Timed, apart, divide
from mockdock.fault import Fault
from mockdock.frames import Frame

__all__ = ["split"]


def split(plan: Plan, _: Fault) -> Plan:
    """Cut every event in two, anywhere, and send the parts apart."""
    return replace(plan, timed=_parted(plan.timed, plan.rng))


def _parted(timed: Timed, rng: Random) -> Timed:
    for due, item in timed:
        if isinstance(item, Frame) and len(item.data) > 1:
            for part in divide(item, rng.randrange(1, len(item.data))):
                yield due, apart(part)
        else:
            yield due, item
