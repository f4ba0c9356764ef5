"""Counting: what each exchange adds to the numbers."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Self

from mockdock.embedding import Embeddings
from mockdock.observe.exchange import Exchange
from mockdock.observe.metrics import families
from mockdock.observe.metrics.cells import Cell, Cells, OwnCells, Spread
from mockdock.observe.metrics.families import Exposition
from mockdock.reply import Completion, Failure

__all__ = ["Metrics"]

_MOST = 1000
"""So many rules of a dialect, and so many limits, have numbers of their own."""
_LONGEST = 200
"""Letters of a rule's name."""
_OTHER = "other"
_DONE = (Completion, Embeddings)


class Metrics:
    """The numbers of a server, since it began: forgetting a session takes nothing back.

    They go by dialect and by the rule's name ("" where none answered). Beyond 1,000
    such pairs further rules are counted together as "other", and so are limits; models
    are what a client says, and sessions come and go: nothing goes by these. Any thread
    may call any method.
    """

    def __init__(self, cells: Cells | None = None) -> None:
        self._cells = OwnCells() if cells is None else cells
        self._lock = threading.Lock()
        self._rows: dict[tuple[str, str], _Row] = {}
        self._limited: dict[tuple[str, str, str], Cell] = {}
        self._over = False

    @classmethod
    def shared(cls, directory: str | Path, process: Callable[[], object] = os.getpid) -> Self:
        """Count together with all processes that share a directory, as FileCells does.

        Nothing is opened before the first request. Raises UsageError for one there is not.
        """
        from mockdock.observe.metrics.files import FileCells  # noqa: PLC0415 - heavy

        return cls(FileCells(Path(directory), process))

    def count(self, exchange: Exchange) -> None:
        """Count an exchange that is about to be complete."""
        dialect, rule, reply = exchange.dialect, exchange.rule or "", exchange.reply
        status, came, now = exchange.head.status, exchange.came, monotonic()
        with self._lock:
            if self._over:
                return
            row = self._rows.get((dialect, rule)) or self._row(dialect, rule)
            (row.requests.get(status) or row.status(status)).add(1)
            if isinstance(reply, _DONE):
                usage = reply.usage
                row.prompt.add(usage.prompt_tokens)
                row.completion.add(usage.completion_tokens)
            elif isinstance(reply, Failure):
                row.failed.add(1)
                row.missed.add(exchange.missed)
                if "limits[" in exchange.trouble:
                    self._refused(dialect, exchange.trouble, reply.kind)
            if exchange.faults:
                row.broken.add(1)
                for fault in exchange.faults:
                    row.fault(fault.name).add(1)
            if came is not None:
                row.took.add(now - came)
                if exchange.streamed:
                    row.begin(exchange, now, came)

    def begin(self, dialect: str, rule: str | None) -> Callable[[], None]:
        """Count a stream that is under way, and give what ends that; to be called once."""
        with self._lock:
            row = self._row(dialect, rule or "")
            row.streams().add(1)
        return partial(self._end, row)

    def expose(self, sessions: int, accept: str = "") -> Exposition:
        """Write all numbers, and how many sessions are open, as an Accept header wants them.

        The first time takes a moment: prometheus_client is imported.
        """
        from mockdock.observe.metrics.exposing import expose  # noqa: PLC0415 - heavy

        return expose(self._cells, sessions, accept)

    def close(self) -> None:
        """Count no more."""
        with self._lock:
            self._over = True
            self._cells.close()

    def _end(self, row: _Row) -> None:
        with self._lock:
            if not self._over:
                row.streams().add(-1)

    def _row(self, dialect: str, rule: str) -> _Row:
        known = self._rows.get((dialect, rule))
        if known is None:
            name = rule[:_LONGEST].encode("utf-8", "replace").decode()
            if (dialect, name) not in self._rows and len(self._rows) >= _MOST:
                name = _OTHER
            known = self._rows.get((dialect, name))
            if known is None:
                known = self._rows[dialect, name] = _Row(self._cells, dialect, name)
        return known

    def _refused(self, dialect: str, trouble: str, error: str) -> None:
        limit = trouble.partition(", ")[0]
        if (dialect, limit, error) not in self._limited and len(self._limited) >= _MOST:
            limit = _OTHER
        labels = dialect, limit, error
        if labels not in self._limited:
            self._limited[labels] = self._cells.cell(families.LIMITED, labels)
        self._limited[labels].add(1)


class _Row:
    """The cells of a rule and a dialect; what most never need is made when it is needed."""

    def __init__(self, cells: Cells, dialect: str, rule: str) -> None:
        self._cells = cells
        self._labels = labels = dialect, rule
        self._faults: dict[str, Cell] = {}
        self._first: Spread | None = None
        self._streams: Cell | None = None
        self.requests: dict[int, Cell] = {}
        self.missed = cells.cell(families.MISSED, labels)
        self.failed = cells.cell(families.FAILED, labels)
        self.broken = cells.cell(families.BROKEN, labels)
        self.prompt = cells.cell(families.PROMPT, labels)
        self.completion = cells.cell(families.COMPLETION, labels)
        self.took = cells.spread(families.TOOK, labels)

    def begin(self, exchange: Exchange, now: float, came: float) -> None:
        """Count how long it took until a stream began that ends now."""
        outcome = exchange.outcome
        if isinstance(exchange.reply, Completion):
            if outcome.began is not None:
                self.first().add(outcome.began - came)
            elif not outcome.headless:
                self.first().add(now - came)

    def status(self, status: int) -> Cell:
        cell = self._cells.cell(families.REQUESTS, (*self._labels, str(status)))
        self.requests[status] = cell
        return cell

    def fault(self, name: str) -> Cell:
        if name not in self._faults:
            self._faults[name] = self._cells.cell(families.FAULTS, (*self._labels, name))
        return self._faults[name]

    def first(self) -> Spread:
        if self._first is None:
            self._first = self._cells.spread(families.TTFT, self._labels)
        return self._first

    def streams(self) -> Cell:
        if self._streams is None:
            self._streams = self._cells.cell(families.OPEN_STREAMS, self._labels)
        return self._streams
