"""A chunk comes twice."""

from __future__ import annotations

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Plan, rearrange
from mockdock.fault import Fault

__all__ = ["duplicate_chunk"]


def duplicate_chunk(plan: Plan, fault: Fault) -> Plan:
    """Send the chunk after a place, else the one in the middle, twice."""
    return replace(plan, timed=rearrange(plan, fault.after, 1, lambda chunk: iter(chunk * 2)))
