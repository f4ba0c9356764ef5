"""The stream ends without ``[DONE]``."""

from __future__ import annotations

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Plan, is_done
from mockdock.fault import Fault

__all__ = ["missing_done"]


def missing_done(plan: Plan, _: Fault) -> Plan:
    """Leave out the event that ends a stream."""
    return replace(plan, timed=((due, item) for due, item in plan.timed if not is_done(item)))
