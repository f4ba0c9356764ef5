"""Lines of events end with CR LF."""

from __future__ import annotations

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Plan, Timed
from mockdock.fault import Fault
from mockdock.frames import Frame

__all__ = ["crlf"]


def crlf(plan: Plan, _: Fault) -> Plan:
    """End every line with CR LF, as the format of events allows."""
    return replace(plan, timed=_ended(plan.timed))


def _ended(timed: Timed) -> Timed:
    for due, item in timed:
        if isinstance(item, Frame):
            yield due, replace(item, data=item.data.replace(b"\n", b"\r\n"))
        else:
            yield due, item
