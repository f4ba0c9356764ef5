"""A success without a body."""

from __future__ import annotations

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Plan, instead
from mockdock.fault import Fault
from mockdock.frames import Frame, Head

__all__ = ["empty_body"]

_LENGTH = b"content-length"


def empty_body(plan: Plan, _: Fault) -> Plan:
    """Answer 200 with the headers of the reply, and nothing else."""
    head = Head(200, plan.head.headers)
    empty = replace(plan, head=head, timed=instead(plan, Frame(b"")))
    return empty if plan.header(_LENGTH) is None else empty.titled(_LENGTH, b"0")
