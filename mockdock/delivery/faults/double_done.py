"""The stream ends with ``[DONE]`` twice."""

from __future__ import annotations

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Plan, Timed, is_done
from mockdock.fault import Fault

__all__ = ["double_done"]


def double_done(plan: Plan, _: Fault) -> Plan:
    """Send the event that ends a stream once more, however often it comes."""
    return replace(plan, timed=_twice(plan.timed))


def _twice(timed: Timed) -> Timed:
    ended = False
    for due, item in timed:
        yield due, item
        if is_done(item) and not ended:
            ended = True
            yield due, item
