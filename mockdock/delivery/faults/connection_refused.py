"""No reply, and for a while nobody listens."""

from __future__ import annotations

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Plan, instead
from mockdock.fault import Fault
from mockdock.frames import Cut

__all__ = ["connection_refused"]

_LASTS = 1.0


def connection_refused(plan: Plan, fault: Fault) -> Plan:
    """Reset the connection, and refuse new ones for ``lasts`` seconds, else for 1."""
    lasts = _LASTS if fault.lasts is None else fault.lasts
    return replace(plan, timed=instead(plan, Cut(reset=True, gate="refuse", lasts=lasts)))
