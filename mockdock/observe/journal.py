"""The journal: the last exchanges, and counters of all of them."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from operator import attrgetter

from msgspec import Struct, field

from mockdock.embedding import Embeddings
from mockdock.observe.entry import Entry
from mockdock.observe.exchange import Exchange
from mockdock.observe.tally import Tally, Use
from mockdock.observe.weight import Scales
from mockdock.reply import Completion, Failure

__all__ = ["Journal"]

_MOST_SESSIONS = 10_000
_MOST_RAISED = 10
_DONE = (Completion, Embeddings)
_number = attrgetter("number")


class _Count(Struct):
    """What is counted of a session; ``uses`` are times, first and last place by rule."""

    requests: int = 0
    missed: int = 0
    failed: int = 0
    broken: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    uses: dict[str, list[int]] = {}
    raised: list[Entry] = []
    kept: deque[int] = field(default_factory=deque)

    def add(self, number: int, exchange: Exchange) -> None:
        self.requests += 1
        if exchange.faults:
            self.broken += 1
        reply = exchange.reply
        if isinstance(reply, _DONE):
            usage = reply.usage
            self.prompt_tokens += usage.prompt_tokens
            self.completion_tokens += usage.completion_tokens
        elif isinstance(reply, Failure):
            self.failed += 1
            self.missed += exchange.missed
            if reply.cause is not None and len(self.raised) < _MOST_RAISED:
                self.raised.append(Entry(number, exchange, exchange.weight))

    def take(self, other: _Count) -> None:
        """Count what another one has counted, but for its uses."""
        self.requests += other.requests
        self.missed += other.missed
        self.failed += other.failed
        self.broken += other.broken
        self.prompt_tokens += other.prompt_tokens
        self.completion_tokens += other.completion_tokens
        if other.raised:
            self.raised = sorted((*self.raised, *other.raised), key=_number)[:_MOST_RAISED]

    def tally(self) -> Tally:
        return Tally(
            self.requests,
            self.missed,
            self.failed,
            self.broken,
            self.prompt_tokens,
            self.completion_tokens,
            {key: Use(*use) for key, use in self.uses.items()},
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
        self._scales = Scales()
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._waiting = 0
        self._number = 0
        self._place = 0
        self._bytes = 0
        self._kept: OrderedDict[int, Exchange] = OrderedDict()
        self._sessions: OrderedDict[str, _Count] = OrderedDict()
        self._latest: tuple[str | None, _Count] = None, _Count()
        """The session used last, None where it is gone."""
        self._past = _Count()
        """What counts for all together, and for no session that is there."""
        self._watchers: tuple[Callable[[Entry], None], ...] = ()

    def watch(self, watcher: Callable[[Entry], None]) -> None:
        """Show every entry from now on to a watcher, in order; it must be quick and not raise."""
        with self._lock:
            self._watchers = (*self._watchers, watcher)

    def unwatch(self, watcher: Callable[[Entry], None]) -> None:
        """Show a watcher nothing more."""
        with self._lock:
            self._watchers = tuple(each for each in self._watchers if each is not watcher)

    def use(self, session: str, key: str) -> None:
        """Count a use of a rule, as soon as it is chosen: its answer may never end."""
        with self._lock:
            self._use(self._count(session), key)

    def append(self, exchange: Exchange) -> None:
        """Record an exchange and wake those who wait for one."""
        exchange.weight = heavy = self._scales.weigh(exchange)
        with self._lock:
            number = self._number = self._number + 1
            if exchange.late:
                self._past.add(number, exchange)
            else:
                count = self._count(exchange.session)
                count.add(number, exchange)
                count.kept.append(number)
                if exchange.uncounted and exchange.rule_key is not None:
                    self._use(count, exchange.rule_key)
            self._kept[number] = exchange
            self._bytes += heavy
            while self._bytes > self._most_bytes or len(self._kept) > self._most:
                self._forget_oldest()
            if self._waiting:
                self._changed.notify_all()
            if self._watchers:
                entry = Entry(number, exchange, heavy)
                for watcher in self._watchers:
                    watcher(entry)

    def _use(self, count: _Count, key: str) -> None:
        place = self._place = self._place + 1
        use = count.uses.get(key)
        if use is None:
            count.uses[key] = [1, place, place]
        else:
            use[0] += 1
            use[2] = place

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
            if session is not None:
                count = self._sessions.get(session)
                return Tally() if count is None else count.tally()
            together = _Count()
            for count in (self._past, *self._sessions.values()):
                together.take(count)
            return together.tally()

    def wait(self, session: str, count: int, timeout: float) -> bool:
        """Wait until a session has had ``count`` requests, at most ``timeout`` real seconds."""

        def had() -> bool:
            mine = self._sessions.get(session)
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
            self._wait(lambda: next(self._numbers(session), 0) > after, timeout)
            return self._entries(session, after, last, limit)

    def reset(self, session: str | None = None) -> None:
        """Forget one session, or everything; numbers go on."""
        with self._lock:
            if session is None:
                self._sessions.clear()
                self._kept.clear()
                self._bytes = 0
                self._past = _Count()
            else:
                self._drop(self._sessions.pop(session, _Count()))
            self._latest = None, self._past
            self._changed.notify_all()

    def _wait(self, holds: Callable[[], bool], timeout: float) -> bool:
        self._waiting += 1
        try:
            return self._changed.wait_for(holds, timeout)
        finally:
            self._waiting -= 1

    def _numbers(self, session: str | None) -> Iterator[int]:
        """Give the numbers of what is kept of a session, or of all, the newest first."""
        if session is None:
            return reversed(self._kept)
        count = self._sessions.get(session)
        return iter(()) if count is None else reversed(count.kept)

    def _entries(
        self, session: str | None, after: int, last: int | None, limit: int | None
    ) -> list[Entry]:
        # Who follows looks at what is new only, however much is kept.
        newest_first = itertools.islice(self._numbers(session), last)
        wanted = list(itertools.takewhile(lambda number: number > after, newest_first))
        wanted.reverse()
        kept = ((number, self._kept[number]) for number in wanted[:limit])
        return [Entry(number, exchange, exchange.weight) for number, exchange in kept]

    def _count(self, session: str) -> _Count:
        latest, mine = self._latest
        if latest == session:
            return mine
        known = self._sessions.get(session)
        if known is None:
            known = self._sessions[session] = _Count()
            if len(self._sessions) > _MOST_SESSIONS:
                self._drop(self._sessions.popitem(last=False)[1])
        else:
            self._sessions.move_to_end(session)
        self._latest = session, known
        return known

    def _drop(self, count: _Count) -> None:
        """Forget what is kept of a session; it still counts for all together."""
        for number in count.kept:
            self._bytes -= self._kept.pop(number).weight
        self._past.take(count)

    def _forget_oldest(self) -> None:
        _, exchange = self._kept.popitem(last=False)
        self._bytes -= exchange.weight
        if not exchange.late:
            self._sessions[exchange.session].kept.popleft()
