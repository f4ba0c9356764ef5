"""Numbers of all processes: how they are named in Redis, and how they are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import orjson

from mockdock.observe.metrics.cells import OwnCells, Spread
from mockdock.observe.metrics.families import ENDS, FAMILIES, STORE_UP, Family

if TYPE_CHECKING:
    from prometheus_client.core import Metric

__all__ = ["SUM", "Totals", "field_of", "metrics", "unpack_totals"]

SUM = "sum"
"""Names the sum of a histogram, beside its buckets by their ends."""

Totals = Mapping[str, float]
"""Numbers by field."""


def field_of(family: Family, labels: tuple[str, ...], part: str = "") -> str:
    """Name a number, with the name of its rule, which may be any, at the end.

    ``part`` is which one it is of a histogram.

    >>> field_of(REQUESTS, ("openai", "two words", "200"))
    'mockdock_requests openai 200 two words'
    """
    dialect, name, *rest = labels
    return f"{family.name} {dialect} {part or ''.join(rest)} {name}"


def unpack_totals(told: bytes) -> tuple[Totals, Totals]:
    """Read what all have counted, and what is open in those that live."""
    counted, running = orjson.loads(told)
    open_now: Counter[str] = Counter()
    for each in running:
        open_now.update(_pairs(each))
    return _pairs(counted), open_now


def metrics(totals: Totals, *, up: bool) -> Iterator[Metric]:
    """Tell totals, and whether the store is up; what another version counted is left out."""
    cells, spreads = OwnCells(), dict[tuple[str, str, str], Spread]()
    cells.cell(STORE_UP, ()).add(up)
    for field in sorted(totals):
        name, dialect, rest, rule = field.split(" ", 3)
        family = _BY_NAME.get(name)
        if family is None:
            continue
        if family.kind != "histogram":
            labels = (dialect, rule, rest)[: len(family.labels)]
            cells.cell(family, labels).add(totals[field])
            continue
        spread = spreads.get((name, dialect, rule))
        if spread is None:
            spread = spreads[name, dialect, rule] = cells.spread(family, (dialect, rule))
        if rest == SUM:
            spread.total.add(totals[field])
        elif rest in ENDS:
            spread.buckets[ENDS.index(rest)].add(totals[field])
    return cells.collect()


_BY_NAME = {family.name: family for family in FAMILIES}


def _pairs(flat: Iterable[str]) -> dict[str, float]:
    """Read a hash, of which an empty one is no list."""
    each = iter(flat)
    return {field: float(number) for field, number in zip(each, each, strict=True)}
