"""Outages: times in which nothing succeeded, and how long it took to get over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from mockdock.observe.audit.call import Call

__all__ = ["Outage", "outages"]

_LEAST = 5
_FAILED = frozenset({"refused", "broken", "cut", "spoiled"})
_MISTAKE = range(400, 500)
_NO_MISTAKES = frozenset({408, 409, 425, 429})


class Outage(Struct, frozen=True):
    """At least 5 attempts of 2 calls or more that failed, and no success between them.

    From the first failure (``start``) to the arrival of the first attempt that
    succeeded after them (``end``, None when none did). ``recovered`` of the calls
    it ``hit`` succeeded in the end, the last of them ``recovery`` seconds after
    ``end``. What is the client's own mistake, such as a 400, is no failure here.
    """

    start: float
    end: float | None
    hit: int
    recovered: int
    recovery: float | None

    def to_json(self) -> dict[str, Any]:
        """Write it as plain JSON values."""
        return asdict(self)


def outages(calls: Sequence[Call]) -> tuple[Outage, ...]:
    """Find the outages, oldest first."""
    events = sorted(
        (each.end, each.number, index, each.start, each.kind == "succeeded")
        for index, call in enumerate(calls)
        for each in call.attempts
        if each.kind == "succeeded"
        or (each.kind in _FAILED and (each.status in _NO_MISTAKES or each.status not in _MISTAKE))
    )
    found: list[Outage] = []
    run: list[tuple[float, int]] = []
    for end, _, index, start, well in events:
        if not well:
            run.append((end, index))
            continue
        if run and start >= run[0][0]:
            found += _outage(run, start, calls)
            run = []
    found += _outage(run, None, calls)
    return tuple(found)


def _outage(
    run: Sequence[tuple[float, int]], end: float | None, calls: Sequence[Call]
) -> list[Outage]:
    hit = sorted({index for _, index in run})
    if len(run) < _LEAST or len(hit) == 1:
        return []
    ends = [calls[index].attempts[-1].end for index in hit if calls[index].outcome == "succeeded"]
    recovery = max(ends) - end if ends and end is not None else None
    return [Outage(run[0][0], end, len(hit), len(ends), recovery)]
