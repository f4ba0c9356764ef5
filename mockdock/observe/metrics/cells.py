"""Cells: where the numbers are while they are counted."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from mockdock.observe.metrics.families import BOUNDS, Family

if TYPE_CHECKING:
    from prometheus_client.core import Metric

__all__ = ["Cell", "Cells", "OwnCells", "Spread"]

Labels = tuple[str, ...]


class Cell:
    """A number that is added to."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def add(self, amount: float) -> None:
        """Add to it."""
        self.value += amount


class Spread:
    """How seconds are spread: one cell for each of BOUNDS, and one for their sum."""

    __slots__ = ("buckets", "total")

    def __init__(self, buckets: Sequence[Cell], total: Cell) -> None:
        self.buckets = buckets
        self.total = total

    def add(self, seconds: float) -> None:
        """Count one more that took so long."""
        self.buckets[bisect_left(BOUNDS, seconds)].add(1)
        self.total.add(seconds)


class Cells(Protocol):
    """Gives out cells. Each is asked for once; not for several threads, but for collecting."""

    def cell(self, family: Family, labels: Labels) -> Cell:
        """Give the cell of a counter or gauge."""
        ...

    def spread(self, family: Family, labels: Labels) -> Spread:
        """Give the cells of a histogram."""
        ...

    def collect(self) -> Iterable[Metric]:
        """Read all there is."""
        ...

    def close(self) -> None:
        """Count no more."""
        ...


class OwnCells:
    """Cells of this process only: plain numbers."""

    def __init__(self) -> None:
        self._cells: dict[Family, dict[Labels, Cell]] = defaultdict(dict)
        self._spreads: dict[Family, dict[Labels, Spread]] = defaultdict(dict)

    def cell(self, family: Family, labels: Labels) -> Cell:
        """Give the cell of a counter or gauge."""
        cell = self._cells[family][labels] = Cell()
        return cell

    def spread(self, family: Family, labels: Labels) -> Spread:
        """Give the cells of a histogram."""
        spread = Spread(tuple(Cell() for _ in BOUNDS), Cell())
        self._spreads[family][labels] = spread
        return spread

    def collect(self) -> Iterator[Metric]:
        """Read all there is. Who counts meanwhile is not held up: copies are made in one step."""
        from mockdock.observe.metrics.exposing import counted, spread  # noqa: PLC0415 - heavy

        for family, cells in self._cells.copy().items():
            yield counted(family, cells.copy())
        for family, spreads in self._spreads.copy().items():
            yield spread(family, spreads.copy())

    def close(self) -> None:
        """Count no more: nothing is to be let go of."""
