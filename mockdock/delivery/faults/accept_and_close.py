"""No reply, and for a while every new connection is closed as soon as it is made."""

from __future__ import annotations

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Plan, instead
from mockdock.fault import Fault
from mockdock.frames import Cut

__all__ = ["accept_and_close"]

_LASTS = 1.0


def accept_and_close(plan: Plan, fault: Fault) -> Plan:
    """Close the connection without a reply, and new ones for ``lasts`` seconds, else for 1."""
    lasts = _LASTS if fault.lasts is None else fault.lasts
    return replace(plan, timed=instead(plan, Cut(gate="close", lasts=lasts)))
