"""The calls of a session as they were read from the journal."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

from mockdock.observe.verbs import Verbs
from mockdock.testing.call import Call
from mockdock.testing.calls import Calls

__all__ = ["Ledger"]

_OVERHEAD = 4096


class Ledger:
    """Keeps the calls that were read, so that the journal is asked for new ones only.

    Bounded as the journal: ``most`` calls and about ``most_bytes`` bytes. Any
    thread may call any method.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._calls: deque[tuple[Call, int]] = deque()
        self._bytes = self._total = self._last = self._era = 0

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._begin()

    def read(self, verbs: Verbs, session: str) -> Calls:
        """Read what is new, and give all calls; their count is exact."""
        with self._lock:
            counts = verbs.counts(session)
            count = counts.requests
            if counts.era != self._era:  # it was reset
                self._begin()
                self._era = counts.era
            records = verbs.journal(session, after=self._last)
            if count < self._total or self._total + len(records) < count:
                # The journal has forgotten it, or calls between those known and these.
                self._begin()
                records = verbs.journal(session)
                self._total = max(0, count - len(records))
            for record in records:
                self._take(record)
            return Calls([call for call, _ in self._calls], self._total)

    def _begin(self) -> None:
        self._calls.clear()
        self._bytes = self._total = self._last = 0

    def _take(self, record: Mapping[str, Any]) -> None:
        weight = _weight(record)
        self._calls.append((Call(record), weight))
        self._bytes += weight
        self._total += 1
        self._last = record["number"]
        while len(self._calls) > self._most or self._bytes > self._most_bytes:
            self._bytes -= self._calls.popleft()[1]


def _weight(record: Mapping[str, Any]) -> int:
    texts = [record["request"]["body"], *record["reply"]["chunks"]]
    return _OVERHEAD + sum(len(t if isinstance(t, str) else t["base64"]) for t in texts)
