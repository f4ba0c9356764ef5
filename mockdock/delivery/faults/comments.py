"""Comments between the events, as gateways send them to keep a connection alive."""

from __future__ import annotations

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Plan, Timed
from mockdock.fault import Fault
from mockdock.frames import Frame

__all__ = ["comments"]

_BEFORE = b":\n\n: keep-alive\n"


def comments(plan: Plan, _: Fault) -> Plan:
    """Put an empty comment before every event, and a comment line into it."""
    return replace(plan, timed=_commented(plan.timed))


def _commented(timed: Timed) -> Timed:
    for due, item in timed:
        if isinstance(item, Frame) and item.data:
            yield due, replace(item, data=_BEFORE + item.data)
        else:
            yield due, item
