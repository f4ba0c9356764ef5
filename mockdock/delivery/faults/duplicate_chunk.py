"""A chunk comes twice."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from mockdock.delivery.faults.plan import Plan, Timed, until
from mockdock.fault import After, Fault

__all__ = ["duplicate_chunk"]


def duplicate_chunk(plan: Plan, fault: Fault) -> Plan:
    """Send the chunk after a place, else the one in the middle, twice."""
    return replace(plan, timed=_repeating(plan, fault.after))


def _repeating(plan: Plan, after: After) -> Timed:
    place = yield from until(plan, after, whole=True)
    if place is None:
        return
    _, rest = place
    again = list(islice(rest, 1))
    yield from again
    yield from again
    yield from rest
