"""Cells of several processes: files in a directory they share, added up by who is asked."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from mockdock.errors import UsageError
from mockdock.observe.metrics.cells import Cell, Spread
from mockdock.observe.metrics.families import ENDS, Family

if TYPE_CHECKING:
    from prometheus_client.core import Metric

__all__ = ["FileCells", "bury"]

_PREFIX = {"counter": "counter", "histogram": "histogram", "gauge": "gauge_livesum"}
"""By what a file of prometheus_client begins; gauges count of those who live."""
_TAKEN: set[tuple[Path, str]] = set()


def bury(directory: Path, process: object) -> None:
    """Forget the gauges of a process that has ended; what it counted stays counted."""
    mark_process_dead(process, glob.escape(str(directory)))  # type: ignore[no-untyped-call]


class FileCells:
    """Cells of this process that all see who share a directory.

    Its files are opened at the first cell, so that a process may fork before. ``process``
    gives what tells it from the others that live: a number or a word without
    underscores. Who comes after a process of the same goes on counting where that ended; of
    streams it has none. Raises UsageError where there is no directory, and where
    another server of this process counts in it.
    """

    def __init__(self, directory: Path, process: Callable[[], object] = os.getpid) -> None:
        if not directory.is_dir():
            raise UsageError(f"{directory} is no directory; metrics of several processes need one")
        self._directory = directory
        self._process = process
        self._place = directory.resolve(), str(process())
        if self._place in _TAKEN:
            raise UsageError(f"{directory}: another server of this process counts there already")
        _TAKEN.add(self._place)
        self._files: dict[str, Any] = {}

    def cell(self, family: Family, labels: tuple[str, ...]) -> Cell:
        """Give the cell of a counter or gauge."""
        return self._cell(family, family.sample, family.labels, labels)

    def spread(self, family: Family, labels: tuple[str, ...]) -> Spread:
        """Give the cells of a histogram."""
        named, name = (*family.labels, "le"), f"{family.name}_bucket"
        buckets = [self._cell(family, name, named, (*labels, end)) for end in ENDS]
        return Spread(buckets, self._cell(family, f"{family.name}_sum", family.labels, labels))

    def collect(self) -> Iterable[Metric]:
        """Add up what all have counted, and the gauges of those who live."""
        if self._process is os.getpid:
            _bury_dead(self._directory)
        files = [str(path) for path in self._directory.glob("*.db")]
        merged: Iterable[Metric] = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
        return merged

    def close(self) -> None:
        """Count no more; what was counted is kept by the files."""
        for file in self._files.values():
            file.close()
        self._files.clear()
        _TAKEN.discard(self._place)
        bury(self._directory, self._process())

    def _cell(
        self, family: Family, sample: str, names: tuple[str, ...], labels: tuple[str, ...]
    ) -> Cell:
        key = mmap_key(family.name, sample, list(names), list(labels), family.told)
        return _FileCell(self._file(_PREFIX[family.kind]), key)

    def _file(self, prefix: str) -> Any:
        if prefix not in self._files:
            path = self._directory / f"{prefix}_{self._process()}.db"
            if prefix.startswith("gauge"):
                path.unlink(missing_ok=True)  # of one that was killed
            if not path.exists():
                # A file appears as a whole: one without a beginning cannot be read.
                fresh = path.with_suffix(".new")
                MmapedDict(str(fresh)).close()  # type: ignore[no-untyped-call]
                fresh.replace(path)
            self._files[prefix] = MmapedDict(str(path))  # type: ignore[no-untyped-call]
        return self._files[prefix]


class _FileCell(Cell):
    """A number that is in a file as well."""

    __slots__ = ("_key", "_write")

    def __init__(self, file: Any, key: str) -> None:
        super().__init__()
        self.value = file.read_value(key)[0]
        self._key = key
        self._write = file.write_value

    def add(self, amount: float) -> None:
        """Add to it."""
        self.value += amount
        self._write(self._key, self.value, 0.0)


def _bury_dead(directory: Path) -> None:
    """Forget the gauges of processes that nobody saw the end of."""
    for path in directory.glob("gauge_live*_*.db"):
        process = path.stem.rpartition("_")[2]
        if process.isascii() and process.isdecimal() and not _lives(int(process)):
            bury(directory, process)


def _lives(process: int) -> bool:
    """Tell whether there is a process; where that cannot be told, there is."""
    if os.name != "posix":
        return True  # to ask would be to end it
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return True
