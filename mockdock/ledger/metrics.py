"""What the traffic of a project tells of its models."""

from __future__ import annotations

import sqlite3
from collections import defaultdict

from msgspec import Struct, field

from mockdock.ledger.analytics import TPS
from mockdock.ledger.rows import last_number
from mockdock.routing import Metrics

__all__ = ["Tallies"]

_MOST = 1_000
_MOST_MODELS = 10_000
_WELL = "CASE WHEN NOT error THEN duration_ms END"
_SUMS = (
    f"SELECT provider, model, count(*), count({_WELL}), total({_WELL}), count(ttft_ms), "  # noqa: S608 - ours
    f"total(ttft_ms), count({TPS}), total({TPS}), total(error) FROM exchange WHERE api = 'chat' "
)
_ALL = f"{_SUMS} AND project = ? GROUP BY 1, 2"
_NEW = f"{_SUMS} AND +project = ? AND number > ? GROUP BY 1, 2"
"""The plus keeps SQLite from the index of projects: the new ones are few, all of them last."""

Key = tuple[str, str]


class _Tally(Struct):
    """Sums by provider and name, of exchanges up to a number."""

    last: int
    sums: dict[Key, tuple[float, ...]] = field(default_factory=lambda: defaultdict(tuple))


class Tallies:
    """Sums up what is measured of each model, and goes on from there when asked again.

    What the ledger forgets for want of room still counts. To be used by one thread at a time.
    """

    def __init__(self) -> None:
        self._known: dict[str, _Tally] = {}

    def of(self, connection: sqlite3.Connection, project: str) -> dict[Key, Metrics]:
        """Give what is measured of each model of a project that chats, by provider and name."""
        tally = self._known.pop(project, None)
        last = last_number(connection)
        if tally is None:
            tally = _Tally(last)
            found = connection.execute(_ALL, (project,))
        else:
            found = connection.execute(_NEW, (project, tally.last))
        for provider, model, *sums in found:
            before = tally.sums[provider, model] or (0.0,) * len(sums)
            tally.sums[provider, model] = tuple(map(sum, zip(before, sums, strict=True)))
        tally.last = last
        if len(self._known) >= _MOST:
            self._known.clear()
        if len(tally.sums) <= _MOST_MODELS:
            self._known[project] = tally
        return {key: _metrics(*sums) for key, sums in tally.sums.items()}

    def forget(self) -> None:
        """Begin anew."""
        self._known.clear()


def _metrics(
    count: float,
    answered: float,
    duration: float,
    streamed: float,
    ttft: float,
    spoken: float,
    tps: float,
    errors: float,
) -> Metrics:
    return Metrics(
        count,
        duration / answered if answered else None,
        ttft / streamed if streamed else None,
        tps / spoken if spoken else None,
        errors / count,
    )
