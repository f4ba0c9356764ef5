"""The connection is reset: before the head, or at a place in the body."""

from __future__ import annotations

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Plan, instead
from mockdock.delivery.faults.truncate import truncate
from mockdock.fault import After, Fault
from mockdock.frames import Cut

__all__ = ["connection_reset"]


def connection_reset(plan: Plan, fault: Fault) -> Plan:
    """Reset the connection; without ``after`` instead of a reply."""
    if fault.after == After():
        return replace(plan, timed=instead(plan, Cut(reset=True)))
    return truncate(plan, replace(fault, reset=True))
