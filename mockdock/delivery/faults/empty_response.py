"""The connection is closed without a byte."""

from __future__ import annotations

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Plan, instead
from mockdock.fault import Fault
from mockdock.frames import Cut

__all__ = ["empty_response"]


def empty_response(plan: Plan, _: Fault) -> Plan:
    """Close the connection instead of a reply."""
    return replace(plan, timed=instead(plan, Cut()))
