"""The head names another kind of content."""

from __future__ import annotations

from mockdock.delivery.faults.plan import Plan
from mockdock.fault import Fault

__all__ = ["wrong_content_type"]

_TYPE = "text/html; charset=utf-8"


def wrong_content_type(plan: Plan, fault: Fault) -> Plan:
    """Say that the body is ``content_type``, else HTML; the body stays as it is."""
    told = _TYPE if fault.content_type is None else fault.content_type
    return plan.titled(b"content-type", told.encode())
