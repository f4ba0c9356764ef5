"""The chunked encoding breaks: a chunk has a size that is no number."""

from __future__ import annotations

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Plan, Timed, until
from mockdock.fault import After, Fault
from mockdock.frames import Cut, Raw

__all__ = ["malformed_chunk"]

_NO_SIZE = b"zz\r\n"


def malformed_chunk(plan: Plan, fault: Fault) -> Plan:
    """Break the encoding at a place, else in the middle, and close the connection.

    A plain reply comes in chunks for it, too.
    """
    chunked = plan.titled(b"content-length", None)
    return replace(chunked, timed=_broken(plan, fault.after))


def _broken(plan: Plan, after: After) -> Timed:
    place = yield from until(plan, after)
    if place is not None:
        moment, _ = place
        yield moment, Raw(_NO_SIZE)
        yield moment, Cut()
