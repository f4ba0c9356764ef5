"""Calls that failed and may go on, in the order in which their retries are due."""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterator
from itertools import islice

from mockdock.observe.audit.attempt import Attempt
from mockdock.observe.audit.call import Link
from mockdock.observe.audit.conversation import Conversation

__all__ = ["Draft", "Lanes"]

_EARLY = 0.002
"""Real seconds: start and length of an attempt are measured by two clocks."""
_LEFT = 0.05
"""Real seconds in which a server notices that its client has gone."""
_MOST_ALIKE = 8
_MOST_COUNTS = 32
"""Lower counts that are looked at, of those that have calls: a client's own is the next."""


class Draft:
    """A call while it is put together."""

    __slots__ = ("attempts", "links", "order", "ordinals")

    def __init__(self, order: int) -> None:
        self.order = order
        self.attempts: list[Attempt] = []
        self.links: list[Link] = []
        self.ordinals: list[int] = []

    def add(self, attempt: Attempt, link: Link) -> None:
        """Add an attempt, which is the next one, or the one that its client says it is."""
        count = 0 if attempt.retry_count is None else attempt.retry_count
        next_one = self.ordinals[-1] + 1 if self.ordinals else 1
        self.attempts.append(attempt)
        self.links.append(link)
        self.ordinals.append(max(next_one, count + 1))

    @property
    def last(self) -> Attempt:
        """The attempt that came last."""
        return self.attempts[-1]

    @property
    def free(self) -> float:
        """The earliest moment at which a retry can arrive."""
        late = _LEFT if self.last.kind == "left" else _EARLY
        return self.last.end - late * self.last.unit

    @property
    def due(self) -> float:
        """When the failed reply wanted the retry."""
        told = self.last.demand
        return self.last.end + (0.0 if told is None else told.seconds)


_Entry = tuple[float, int, int, Draft]
"""When, order and length of a draft then; a draft that has grown is no longer here."""


class _Lane:
    """Equal calls. Retries go to the calls in the order they are due.

    Nobody can tell equal calls apart, and this order is the kindest: when every
    client keeps its wait within some bounds, so do all gaps that it yields.
    """

    __slots__ = ("conversation", "flying", "waiting")

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.flying: list[_Entry] = []
        self.waiting: list[_Entry] = []

    def add(self, draft: Draft) -> None:
        heapq.heappush(self.flying, (draft.free, draft.order, len(draft.attempts), draft))

    def take(self, start: float, window: float) -> Draft | None:
        """Take the call that a request arriving at ``start`` goes on with."""
        while self.flying and self.flying[0][0] <= start:
            _, order, length, draft = heapq.heappop(self.flying)
            heapq.heappush(self.waiting, (draft.due, order, length, draft))
        while self.waiting:
            due, _, length, draft = heapq.heappop(self.waiting)
            if len(draft.attempts) == length and start <= due + window:
                return draft
        return None

    def take_flying(self) -> Draft | None:
        """Take a call whose last attempt was not over yet, for all the server knew."""
        return heapq.heappop(self.flying)[-1] if self.flying else None

    @property
    def empty(self) -> bool:
        return not self.flying and not self.waiting


class Lanes:
    """Calls that ask the same, by what else they say and how often they were tried."""

    def __init__(self) -> None:
        self._lanes: dict[int, dict[bytes, _Lane]] = {}
        self._counts: list[int] = []
        """Those that have lanes, in order."""

    def add(self, draft: Draft, count: int) -> None:
        """Let a failed call wait for its retry; ``count`` is what its last attempt said."""
        conversation = draft.last.conversation
        if count not in self._lanes:
            insort(self._counts, count)
            self._lanes[count] = {}
        lanes = self._lanes[count]
        lanes.setdefault(conversation.whole, _Lane(conversation)).add(draft)

    def take(self, attempt: Attempt, window: float) -> Draft | None:
        """Take the call that an attempt goes on with, one of the same words first."""
        below = bisect_left(self._counts, attempt.retry_count or 1)
        for count in reversed(self._counts[max(0, below - _MOST_COUNTS) : below]):
            found = self._take(count, attempt, window)
            if found is not None:
                return found
        # Its client may have given up an attempt that the server went on with.
        before = self._lanes.get(attempt.retry_count - 1, {}) if attempt.retry_count else {}
        same = before.get(attempt.conversation.whole)
        return None if same is None else same.take_flying()

    def _take(self, count: int, attempt: Attempt, window: float) -> Draft | None:
        """Take a call from those of one count; what becomes empty is forgotten."""
        lanes, found = self._lanes[count], None
        for lane in self._alike(lanes, attempt.conversation):
            found = lane.take(attempt.start, window)
            if lane.empty:
                del lanes[lane.conversation.whole]
            if found is not None:
                break
        if not lanes:
            del self._lanes[count], self._counts[bisect_left(self._counts, count)]
        return found

    def _alike(self, lanes: dict[bytes, _Lane], asked: Conversation) -> Iterator[_Lane]:
        """Give the lane of the same words, then some of the newest that resemble them."""
        if (same := lanes.get(asked.whole)) is not None:
            yield same
        newest = [
            lane
            for whole, lane in islice(reversed(lanes.items()), _MOST_ALIKE)
            if whole != asked.whole
        ]
        yield from (lane for lane in newest if lane.conversation.resembles(asked))
