"""JSON that ends too early, in a reply that is whole otherwise."""

from __future__ import annotations

from itertools import islice

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Plan, Timed, offset, until
from mockdock.fault import After, Fault
from mockdock.frames import Frame

__all__ = ["invalid_json"]

_DATA = b"data: "
_LENGTH = b"content-length"


def invalid_json(plan: Plan, fault: Fault) -> Plan:
    """Leave out the end of the JSON, in a stream of one event, from a place on, else the middle.

    The framing of the reply is right: its length, and the end of the event.
    """
    if plan.stream:
        return replace(plan, timed=_one_event(plan, fault.after))
    return _shorter(plan, fault.after)


def _one_event(plan: Plan, after: After) -> Timed:
    place = yield from until(plan, after, whole=True)
    if place is None:
        return
    _, rest = place
    for due, item in islice(rest, 1):
        yield due, replace(item, data=_halved(item.data)) if isinstance(item, Frame) else item
    yield from rest


def _halved(event: bytes) -> bytes:
    text = event.rstrip(b"\r\n")
    start = text.find(_DATA) + len(_DATA)
    return text[: (start + len(text)) // 2] + event[len(text) :]


def _shorter(plan: Plan, after: After) -> Plan:
    """Cut a plain body, which is no JSON then: its last bracket at least is missing."""
    items = list(plan.timed)
    whole = replace(plan, timed=iter(items))
    kept = offset(plan, items, after)
    if kept is None:
        return whole
    body = b"".join(item.data for _, item in items if isinstance(item, Frame))
    kept = max(0, min(kept, len(body.rstrip()) - 1))
    short = replace(plan, timed=until(whole, After(bytes=kept)))
    return short if plan.header(_LENGTH) is None else short.titled(_LENGTH, b"%d" % kept)
