"""The head announces gzip, the body is plain."""

from __future__ import annotations

from mockdock.delivery.faults.plan import Plan
from mockdock.fault import Fault

__all__ = ["false_gzip"]


def false_gzip(plan: Plan, _: Fault) -> Plan:
    """Announce a compression that is not there."""
    return plan.titled(b"content-encoding", b"gzip")
