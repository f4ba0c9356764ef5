"""From cells to what Prometheus reads, by its own client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder

from mockdock.observe.metrics.cells import Cell, Cells, Spread
from mockdock.observe.metrics.families import ENDS, OPEN_SESSIONS, Exposition, Family

__all__ = ["counted", "expose", "spread"]


def expose(cells: Cells, sessions: int, accept: str = "") -> Exposition:
    """Write the numbers of a server, in the form an Accept header asks for.

    The registry is made for this once, and holds nothing else: no other server's numbers,
    none of the process, the platform or the garbage collector.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(cells, sessions))
    try:
        encode, media_type = choose_encoder(accept)
    except (TypeError, ValueError):  # what cannot be a version
        encode, media_type = choose_encoder("")
    return Exposition(encode(registry), media_type)


class _Collector:
    def __init__(self, cells: Cells, sessions: int) -> None:
        self._cells = cells
        self._sessions = sessions

    def collect(self) -> Iterator[Metric]:
        yield from self._cells.collect()
        open_sessions = Cell()
        open_sessions.add(self._sessions)
        yield counted(OPEN_SESSIONS, {(): open_sessions})


def counted(family: Family, cells: Mapping[tuple[str, ...], Cell]) -> Metric:
    """Give the numbers of a counter or gauge by their labels."""
    metric = Metric(family.name, family.told, family.kind)
    for labels, cell in cells.items():
        metric.add_sample(family.sample, _named(family, labels), cell.value)
    return metric


def spread(family: Family, spreads: Mapping[tuple[str, ...], Spread]) -> Metric:
    """Give the numbers of a histogram by their labels; each bucket holds those before it."""
    metric = Metric(family.name, family.told, family.kind)
    for labels, one in spreads.items():
        named, count = _named(family, labels), 0.0
        for end, bucket in zip(ENDS, one.buckets, strict=True):
            count += bucket.value
            metric.add_sample(f"{family.name}_bucket", {**named, "le": end}, count)
        metric.add_sample(f"{family.name}_count", named, count)
        metric.add_sample(f"{family.name}_sum", named, one.total.value)
    return metric


def _named(family: Family, labels: tuple[str, ...]) -> dict[str, str]:
    return dict(zip(family.labels, labels, strict=True))
