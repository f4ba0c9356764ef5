"""Attempts of many sessions on one clock.

A session's clock begins with it, and begins anew when it is reset; another run of a
server knows nothing of the one before. So ``at`` tells how far apart attempts of one
session are, and only the calendar how far apart the sessions are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from mockdock.observe.audit.attempt import Attempt

__all__ = ["on_one_clock"]

_STEP = 1.0
"""Seconds by which the calendar may be off a session's clock from one attempt to the next."""


def on_one_clock(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Give the attempts with ``start`` and ``end`` since the first of them arrived.

    Those of one session are as far apart as by its own clock, also when the calendar was
    set meanwhile by less than a second. Where sessions live at different time scales,
    they are as far apart as the longest count of seconds says: none overlap that did not.
    """
    if not attempts:
        return []
    first = min(_arrival(each) for each in attempts)
    longest = max(each.unit for each in attempts)
    placed = []
    for run in _runs(attempts):
        begin = min(run, key=lambda each: each.start)
        by = (_arrival(begin) - first) * longest - begin.start
        placed += [replace(each, start=each.start + by, end=each.end + by) for each in run]
    return placed


def _arrival(attempt: Attempt) -> float:
    """Give when an attempt arrived in seconds since 1970."""
    return attempt.origin + attempt.start / attempt.unit


def _runs(attempts: Iterable[Attempt]) -> Iterator[list[Attempt]]:
    """Put together what lives on one clock."""
    clocks: defaultdict[tuple[object, ...], list[Attempt]] = defaultdict(list)
    for each in attempts:
        clocks[each.session, each.era, each.unit, each.instant].append(each)
    for found in clocks.values():
        found.sort(key=lambda each: each.origin)
        run: list[Attempt] = []
        for each in found:
            if run and (not each.clocked or each.origin - run[-1].origin > _STEP):
                yield run
                run = []
            run.append(each)
        yield run
