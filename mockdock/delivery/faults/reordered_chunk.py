"""Two chunks come in the wrong order."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from mockdock.delivery.faults.plan import Plan, Timed, until
from mockdock.fault import After, Fault
from mockdock.frames import Cut

__all__ = ["reordered_chunk"]


def reordered_chunk(plan: Plan, fault: Fault) -> Plan:
    """Let the chunk after a place, else the one in the middle, come after the next one."""
    return replace(plan, timed=_swapped(plan, fault.after))


def _swapped(plan: Plan, after: After) -> Timed:
    place = yield from until(plan, after, whole=True)
    if place is None:
        return
    _, rest = place
    pair = list(islice(rest, 2))
    if len(pair) == 2 and not any(isinstance(item, Cut) for _, item in pair):  # noqa: PLR2004
        (_, early), (due, late) = pair
        pair = [(due, late), (due, early)]
    yield from pair
    yield from rest
