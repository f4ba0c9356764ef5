"""Several events come in one segment."""

from __future__ import annotations

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Plan, Timed
from mockdock.fault import Fault
from mockdock.frames import Frame

__all__ = ["coalesce"]

_SIZE = 3


def coalesce(plan: Plan, fault: Fault) -> Plan:
    """Hold events back until there are ``size``, else 3, and send them together."""
    return replace(plan, timed=_gathered(plan.timed, fault.size or _SIZE))


def _gathered(timed: Timed, size: int) -> Timed:
    held: list[Frame] = []
    moment = 0.0
    for due, item in timed:
        if not isinstance(item, Frame):
            if held:
                yield moment, _joined(held)
                held = []
            yield due, item
            continue
        held.append(item)
        moment = due
        if len(held) == size:
            yield moment, _joined(held)
            held = []
    if held:
        yield moment, _joined(held)


def _joined(held: list[Frame]) -> Frame:
    data = b"".join(frame.data for frame in held)
    return Frame(data, sum(frame.tokens for frame in held), flush=True)
