"""The journal: the last exchanges, and counters of all of them."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from mockdock.embedding import Embeddings
from mockdock.observe.entry import Entry
from mockdock.observe.exchange import Exchange
from mockdock.observe.tally import Tally, Use
from mockdock.observe.weight import weight
from mockdock.reply import Completion, Failure

__all__ = ["Journal"]

_MOST_SESSIONS = 10_000
_MOST_RAISED = 10


@dataclass(slots=True)
class _Count:
    requests: int = 0
    missed: int = 0
    failed: int = 0
    broken: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    uses: dict[str, Use] = field(default_factory=dict)
    raised: list[Entry] = field(default_factory=list)
    kept: OrderedDict[int, Entry] = field(default_factory=OrderedDict)

    def add(self, entry: Entry) -> None:
        exchange = entry.exchange
        self.kept[entry.number] = entry
        self.requests += 1
        self.broken += bool(exchange.faults)
        reply = exchange.reply
        if isinstance(reply, (Completion, Embeddings)):
            usage = reply.usage
            self.prompt_tokens += usage.prompt_tokens
            self.completion_tokens += usage.completion_tokens
        elif isinstance(reply, Failure):
            self.failed += 1
            self.missed += exchange.missed
            if reply.cause is not None and len(self.raised) < _MOST_RAISED:
                self.raised.append(entry)

    def use(self, place: int, key: str) -> None:
        times, first, _ = self.uses.get(key, (0, place, place))
        self.uses[key] = Use(times + 1, first, place)

    def tally(self) -> Tally:
        return Tally(
            self.requests,
            self.missed,
            self.failed,
            self.broken,
            self.prompt_tokens,
            self.completion_tokens,
            dict(self.uses),
            tuple(self.raised),
        )


class Journal:
    """Keeps the last exchanges of all sessions together; counters survive them.

    ``most`` exchanges and about ``most_bytes`` bytes of memory are kept, what
    is older is forgotten; the counters of 10,000 sessions are kept, then those
    of the session longest unused are forgotten with its exchanges. What is late
    counts for all together only. Any thread may call any method.
    """

    def __init__(self, most: int = 10_000, most_bytes: int = 32_000_000) -> None:
        if most < 1 or most_bytes < 1:
            raise ValueError("a journal keeps at least 1 exchange and 1 byte")
        self._most = most
        self._most_bytes = most_bytes
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._waiting = 0
        self._numbers = itertools.count(1)
        self._places = itertools.count(1)
        self._bytes = 0
        self._sessions: OrderedDict[str, _Count] = OrderedDict()
        self._all = _Count()
        self._watchers: tuple[Callable[[Entry], None], ...] = ()

    def watch(self, watcher: Callable[[Entry], None]) -> None:
        """Show every entry from now on to a watcher, in order; it must be quick and not raise."""
        with self._lock:
            self._watchers = (*self._watchers, watcher)

    def use(self, session: str, key: str) -> None:
        """Count a use of a rule, as soon as it is chosen: its answer may never end."""
        with self._lock:
            self._count(session).use(next(self._places), key)

    def append(self, exchange: Exchange) -> None:
        """Record an exchange and wake those who wait for one."""
        heavy = weight(exchange)
        with self._lock:
            number = next(self._numbers)
            entry = Entry(number, exchange, heavy)
            # Rules of all sessions together would grow without bound, and say nothing.
            self._all.add(entry)
            if not exchange.late:
                count = self._count(exchange.session)
                count.add(entry)
            self._bytes += heavy
            while len(self._all.kept) > self._most or self._bytes > self._most_bytes:
                self._forget_oldest()
            if self._waiting:
                self._changed.notify_all()
            for watcher in self._watchers:
                watcher(entry)

    def entries(
        self,
        session: str | None = None,
        *,
        after: int = 0,
        last: int | None = None,
        limit: int | None = None,
    ) -> list[Entry]:
        """Give what is kept of a session, or of all, in the order it ended.

        Only what comes ``after`` a number; of that only the ``last`` so many; and
        of those no more than the first ``limit``.
        """
        with self._lock:
            return self._entries(session, after, last, limit)

    def sessions(self) -> list[str]:
        """Name the sessions whose counts are kept, the one longest unused first."""
        with self._lock:
            return list(self._sessions)

    def tally(self, session: str | None = None) -> Tally:
        """Give the counts of a session, or of all; ``uses`` only of one."""
        with self._lock:
            count = self._of(session)
            return Tally() if count is None else count.tally()

    def wait(self, session: str, count: int, timeout: float) -> bool:
        """Wait until a session has had ``count`` requests, at most ``timeout`` real seconds."""

        def had() -> bool:
            mine = self._of(session)
            return (0 if mine is None else mine.requests) >= count

        with self._lock:
            return self._wait(had, timeout)

    def wait_after(
        self,
        session: str | None,
        after: int,
        timeout: float,
        *,
        last: int | None = None,
        limit: int | None = None,
    ) -> list[Entry]:
        """Wait for what :meth:`entries` gives after a number, at most ``timeout`` real seconds."""
        with self._lock:
            self._wait(lambda: self._newest(session) > after, timeout)
            return self._entries(session, after, last, limit)

    def reset(self, session: str | None = None) -> None:
        """Forget one session, or everything; numbers go on."""
        with self._lock:
            if session is None:
                self._sessions.clear()
                self._bytes = 0
                self._all = _Count()
            else:
                self._drop(self._sessions.pop(session, _Count()))
            self._changed.notify_all()

    def _wait(self, holds: Callable[[], bool], timeout: float) -> bool:
        self._waiting += 1
        try:
            return self._changed.wait_for(holds, timeout)
        finally:
            self._waiting -= 1

    def _of(self, session: str | None) -> _Count | None:
        return self._all if session is None else self._sessions.get(session)

    def _newest(self, session: str | None) -> int:
        count = self._of(session)
        return 0 if count is None else next(reversed(count.kept), 0)

    def _entries(
        self, session: str | None, after: int, last: int | None, limit: int | None
    ) -> list[Entry]:
        count = self._of(session)
        if count is None:
            return []
        # Who follows looks at what is new only, however much is kept.
        newest_first = itertools.islice(reversed(count.kept.values()), last)
        wanted = list(itertools.takewhile(lambda entry: entry.number > after, newest_first))
        wanted.reverse()
        return wanted[:limit]

    def _count(self, session: str) -> _Count:
        mine = self._sessions.get(session)
        if mine is None:
            mine = self._sessions[session] = _Count()
            if len(self._sessions) > _MOST_SESSIONS:
                self._drop(self._sessions.popitem(last=False)[1])
        else:
            self._sessions.move_to_end(session)
        return mine

    def _drop(self, count: _Count) -> None:
        for number in count.kept:
            self._bytes -= self._all.kept.pop(number).weight

    def _forget_oldest(self) -> None:
        number, entry = self._all.kept.popitem(last=False)
        self._bytes -= entry.weight
        if not entry.exchange.late:
            del self._sessions[entry.exchange.session].kept[number]
