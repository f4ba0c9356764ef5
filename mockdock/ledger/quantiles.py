"""Percentiles, as an aggregate function of SQL."""

from __future__ import annotations

import json
from collections.abc import Callable

__all__ = ["LEVELS", "Quantiles"]

LEVELS = (0.99, 0.95, 0.9, 0.5)
"""The levels of p99, p95, p90 and p50."""


class Quantiles:
    """``quantiles(x)``: the percentiles at LEVELS of all x that are not NULL, as a JSON array.

    Each is interpolated between the two values next to it, as ClickHouse's
    ``quantileExactInclusive`` does (R-7): of n sorted values, counted from 0,
    the one at (n - 1) * level. NULL where there is no value.

    SQLite has no such function of its own. With its window functions the same
    takes six times as long.
    """

    def __init__(self) -> None:
        self._values: list[float | None] = []
        self.step: Callable[[float | None], None] = self._values.append

    def finalize(self) -> str | None:
        """Give the percentiles, highest first."""
        values = sorted(value for value in self._values if value is not None)
        return json.dumps([_at(values, level) for level in LEVELS]) if values else None


def _at(values: list[float], level: float) -> float:
    place = (len(values) - 1) * level
    below = int(place)
    low, high = values[below], values[min(below + 1, len(values) - 1)]
    return low + (place - below) * (high - low)
