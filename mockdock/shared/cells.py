"""Cells of several processes and machines: added up in Redis, told by whichever is asked."""

from __future__ import annotations

import itertools
import logging
import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from mockdock.errors import StoreError
from mockdock.observe.metrics.cells import Cell, Spread
from mockdock.observe.metrics.families import ENDS, Family
from mockdock.shared.link import Link
from mockdock.shared.packing import pack
from mockdock.shared.totals import SUM, Totals, field_of, metrics, unpack_totals

if TYPE_CHECKING:
    from prometheus_client.core import Metric

__all__ = ["RedisCells"]

_PAUSE, _AWAY, _RENEW = 0.1, 2.0, 20.0
"""Seconds: that what is added waits for more of it; between tries; that streams are open for."""
_MOST = 2000
"""Numbers of one question: Redis does nothing else meanwhile."""

_log = logging.getLogger("mockdock")


class RedisCells:
    """Cells of all processes that name the same Redis and namespace; not to be forked.

    Adding asks nobody: what was added within a tenth of a second is sent together, by a
    thread that is there only while there is something to send, and before this process
    tells the numbers. So it knows its own to the last, and those of others as they
    were a tenth of a second ago. Each part of them counts once, however often it is sent.

    While Redis is away, what is added stays added up, and is told on top of what was
    told last; ``mockdock_store_up`` is 0 then. Where Redis lost everything, numbers begin
    anew at 0, which Prometheus knows as a reset. Streams of a process that was killed
    are forgotten within a minute.

    Any process tells the numbers of all, with no label for who counted them. So Prometheus
    shall scrape one of them, always the same: if it scraped each, all would be summed up
    as many times.
    """

    def __init__(self, link: Link, *, pause: float = _PAUSE, renew: float = _RENEW) -> None:
        """Count by a link; ``renew`` is after how many seconds open streams are told again."""
        self._link = link
        self._pause = pause
        self._renew = renew
        self._process = secrets.token_hex(8)
        self._numbers = itertools.count(1)
        self._counters: list[_Counted] = []
        self._gauges: list[_Counted] = []
        self._changed: deque[_Counted] = deque()
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None
        self._over = threading.Event()
        self._sending = threading.Lock()
        self._part: bytes | None = None
        """What was asked to be counted, and may have been or not."""
        self._told: Totals = {}

    def cell(self, family: Family, labels: tuple[str, ...]) -> Cell:
        """Give the cell of a counter or gauge."""
        gauge = family.kind == "gauge"
        made = _Counted(field_of(family, labels), self._touched, gauge=gauge)
        (self._gauges if gauge else self._counters).append(made)
        made.add(0)  # told from now on
        return made

    def spread(self, family: Family, labels: tuple[str, ...]) -> Spread:
        """Give the cells of a histogram."""
        parts = (*ENDS, SUM)
        made = [_Counted(field_of(family, labels, part), self._touched) for part in parts]
        self._counters += made
        *buckets, total = made
        total.add(0)
        return Spread(buckets, total)

    def collect(self) -> Iterator[Metric]:
        """Read what all have counted, and the open streams of those who live."""
        try:
            with self._sending:
                if self._changed or self._part is not None:
                    self._send()
                told = self._link.at_once(unpack_totals, b"counted", b"{}", counts=False)
                self._told, open_now = told
                for each in self._counters:
                    each.told = each.sent
        except StoreError:
            return metrics(self._alone(), up=False)
        return metrics({**self._told, **open_now}, up=True)

    def close(self) -> None:
        """Send what is left; where that cannot be, it is told in the log. Streams have ended."""
        self._over.set()
        with self._news:
            self._news.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join()
        for each in self._gauges:
            if each.value:
                each.add(-each.value)
        try:
            with self._sending:
                if self._changed or self._part is not None:
                    self._send()
        except StoreError as error:
            _log.warning("the metrics lack what this process counted last: %s", error)
        self._link.close()  # which sending may have opened again

    def _touched(self, cell: _Counted) -> None:
        """Note that a cell has something to send."""
        self._changed.append(cell)
        with self._news:
            if self._thread is None and not self._over.is_set():
                self._thread = threading.Thread(
                    target=self._run, name="mockdock metrics", daemon=True
                )
                self._thread.start()
            else:
                self._news.notify()

    def _run(self) -> None:
        """Send what was added, again and again, until there is nothing more."""
        pause = self._pause
        while not self._over.wait(pause):
            try:
                with self._sending:
                    self._send()
            except StoreError:
                pause = _AWAY
                continue
            pause = self._pause
            with self._news:
                if self._changed:
                    continue
                if not any(each.value for each in self._gauges):
                    self._thread = None
                    return
                self._news.wait_for(lambda: self._changed or self._over.is_set(), self._renew)

    def _send(self) -> None:
        """Send what was added, at least what is open; raises StoreError, and then keeps it."""
        while True:
            if self._part is None:
                self._part = self._next()
            self._link.at_once(_nothing, b"count", self._part, counts=False)
            self._part = None
            if not self._changed:
                return

    def _next(self) -> bytes:
        """Take what was added since the last time."""
        added: list[tuple[str, str]] = []
        while self._changed and len(added) < _MOST:
            cell = self._changed.popleft()
            cell.changed = False  # from here on it comes again
            value = cell.value
            added.append((cell.field, "0" if cell.gauge else repr(value - cell.sent)))
            cell.sent = value
        open_now = [(each.field, repr(each.value)) for each in self._gauges if each.value]
        return pack(
            {
                "process": self._process,
                "number": next(self._numbers),
                "added": added,
                "open": open_now if self._gauges else None,
            }
        )

    def _alone(self) -> Totals:
        """Give what was told last, and what was counted here since; of streams, those here."""
        totals = dict(self._told)
        for each in self._counters:
            totals[each.field] = totals.get(each.field, 0.0) + each.value - each.told
        return totals | {each.field: each.value for each in self._gauges}


class _Counted(Cell):
    """A number of this process; how much of it was ``sent``, and was when all were ``told``."""

    __slots__ = ("_touched", "changed", "field", "gauge", "sent", "told")

    def __init__(
        self, field: str, touched: Callable[[_Counted], None], *, gauge: bool = False
    ) -> None:
        super().__init__()
        self.field = field
        self.gauge = gauge
        self.sent = self.told = 0.0
        self.changed = False
        self._touched = touched

    def add(self, amount: float) -> None:
        """Add to it."""
        self.value += amount
        if not self.changed:
            self.changed = True
            self._touched(self)


def _nothing(_: bytes) -> None:
    """Read that it is done."""
