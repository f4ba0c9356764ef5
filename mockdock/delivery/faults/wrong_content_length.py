"""The head announces more bytes than come, or less."""

from __future__ import annotations

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Plan, Timed
from mockdock.fault import Fault
from mockdock.frames import Cut, Frame, Raw

__all__ = ["wrong_content_length"]

_BY = 1
_LENGTH = b"content-length"


def wrong_content_length(plan: Plan, fault: Fault) -> Plan:
    """Announce ``by`` bytes too many (negative: too few), else one; the connection ends then."""
    length = plan.header(_LENGTH)
    if length is None:
        return plan
    told = max(0, int(length) + (_BY if fault.by is None else fault.by))
    return replace(plan.titled(_LENGTH, b"%d" % told), timed=_unframed(plan))


def _unframed(plan: Plan) -> Timed:
    moment = plan.start
    for moment, item in plan.timed:
        yield moment, Raw(item.data, item.tokens) if isinstance(item, Frame) else item
        if isinstance(item, Cut):  # a fault before has ended the connection already
            return
    yield moment, Cut()
