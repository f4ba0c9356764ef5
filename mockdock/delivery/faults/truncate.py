"""The connection ends before the reply does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Plan, Timed, offset, until
from mockdock.fault import After, Fault
from mockdock.frames import Cut

__all__ = ["truncate"]

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_CONTINUES = re.compile(rb"[\x80-\xbf]")


def truncate(plan: Plan, fault: Fault) -> Plan:
    """End the connection at a place, else in the middle of the body, with FIN or RST.

    With ``inside`` at the first place from there on that is within a JSON
    string, or within a UTF-8 code point; where there is none, at the place. Without
    a place and none after the middle, at the first of the body.
    """
    timed = _cut(plan, fault) if fault.inside is None else _cut_within(plan, fault)
    return replace(plan, timed=timed)


def _cut(plan: Plan, fault: Fault) -> Timed:
    place = yield from until(plan, fault.after)
    if place is not None:
        moment, _ = place
        yield moment, Cut(fault.reset)


def _cut_within(plan: Plan, fault: Fault) -> Timed:
    items = list(plan.timed)
    least = offset(plan, items, fault.after)
    if least is None:
        yield from items
        return
    body = b"".join(item.data for _, item in items)
    inner = _in_strings if fault.inside == "string" else _in_characters
    starts = (least, 0) if fault.after == After() else (least,)
    places = chain.from_iterable(inner(body, start) for start in starts)
    after = After(bytes=next(places, least))
    yield from _cut(replace(plan, timed=iter(items)), replace(fault, after=after))


def _in_strings(data: bytes, least: int) -> Iterator[int]:
    """Give where JSON strings can be cut in two, from a place on."""
    for found in _STRING.finditer(data):
        if least < found.end():
            yield max(least, found.start() + 1)


def _in_characters(data: bytes, least: int) -> Iterator[int]:
    """Give where code points of several bytes can be cut in two, from a place on."""
    for found in _CONTINUES.finditer(data, least):
        yield found.start()
