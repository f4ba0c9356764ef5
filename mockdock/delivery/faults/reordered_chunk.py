"""Two chunks come in the wrong order."""

from __future__ import annotations

from msgspec.structs import replace

from mockdock.delivery.faults.plan import Item, Plan, Timed, rearrange
from mockdock.fault import Fault
from mockdock.frames import Cut

__all__ = ["reordered_chunk"]


def reordered_chunk(plan: Plan, fault: Fault) -> Plan:
    """Let the chunk after a place, else the one in the middle, come after the next one."""
    return replace(plan, timed=rearrange(plan, fault.after, 2, _swapped))


def _swapped(pair: list[tuple[float, Item]]) -> Timed:
    if len(pair) == 2 and not any(isinstance(item, Cut) for _, item in pair):  # noqa: PLR2004
        (_, early), (due, late) = pair
        pair = [(due, late), (due, early)]
    return iter(pair)
