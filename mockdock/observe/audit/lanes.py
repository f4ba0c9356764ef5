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


class _Queue:
    """Failed calls. Retries go to them in the order they are due.

    Nobody can tell equal calls apart, and this order is the kindest: when every
    client keeps its wait within some bounds, so do all gaps that it yields.
    """

    __slots__ = ("flying", "waiting")

    def __init__(self) -> None:
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
        self.tidy()
        return heapq.heappop(self.flying)[-1] if self.flying else None

    def tidy(self, taken: Draft | None = None) -> bool:
        """Forget calls in front that went on, as does ``taken``; tell whether any is left."""
        for heap in (self.flying, self.waiting):
            while heap and (heap[0][-1] is taken or len(heap[0][-1].attempts) != heap[0][2]):
                heapq.heappop(heap)
        return bool(self.flying or self.waiting)


class _Lane:
    """Calls of the same words: those of each body, and those that stream and those that do not."""

    __slots__ = ("bodies", "conversation", "streams")

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.bodies: dict[bytes, _Queue] = {}
        self.streams = {False: _Queue(), True: _Queue()}

    def add(self, draft: Draft) -> None:
        last = draft.last
        self.bodies.setdefault(last.conversation.body, _Queue()).add(draft)
        self.streams[last.stream].add(draft)

    def like(self, attempt: Attempt, *, same: bool) -> Iterator[_Queue]:
        """Give the calls of the ``same`` body, or all, first those that stream as it does."""
        if not same:
            yield self.streams[attempt.stream]
            yield self.streams[not attempt.stream]
        elif attempt.conversation.body in self.bodies:
            yield self.bodies[attempt.conversation.body]

    def tidy(self, taken: Draft | None) -> bool:
        """Forget calls that went on, as does ``taken``; tell whether any is left."""
        return any(queue.tidy(taken) for queue in self.streams.values())


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
        if (lane := lanes.get(conversation.whole)) is None:
            lane = lanes[conversation.whole] = _Lane(conversation)
        lane.add(draft)

    def take(self, attempt: Attempt, window: float) -> Draft | None:
        """Take the call that an attempt goes on with.

        That is one of the same body; else one of the same words first, and of those
        one that streams as the attempt does.
        """
        found = self._take_like(attempt, window, same=True)
        return found or self._take_like(attempt, window, same=False)

    def _take_like(self, attempt: Attempt, window: float, *, same: bool) -> Draft | None:
        below = bisect_left(self._counts, attempt.retry_count or 1)
        for count in reversed(self._counts[max(0, below - _MOST_COUNTS) : below]):
            if found := self._take(count, attempt, window, same=same):
                return found
        # Its client may have given up an attempt that the server went on with.
        before = self._lanes.get(attempt.retry_count - 1, {}) if attempt.retry_count else {}
        lane = before.get(attempt.conversation.whole)
        queues = () if lane is None else lane.like(attempt, same=same)
        return next(filter(None, (queue.take_flying() for queue in queues)), None)

    def _take(self, count: int, attempt: Attempt, window: float, *, same: bool) -> Draft | None:
        """Take a call from those of one count; what becomes empty is forgotten."""
        lanes, found = self._lanes[count], None
        for lane in self._alike(lanes, attempt.conversation, same=same):
            taken = (each.take(attempt.start, window) for each in lane.like(attempt, same=same))
            found = next(filter(None, taken), None)
            if not lane.tidy(found):
                del lanes[lane.conversation.whole]
            if found is not None:
                break
        if not lanes:
            del self._lanes[count], self._counts[bisect_left(self._counts, count)]
        return found

    def _alike(
        self, lanes: dict[bytes, _Lane], asked: Conversation, *, same: bool
    ) -> Iterator[_Lane]:
        """Give the lane of the same words, then some of the newest that resemble them."""
        if (lane := lanes.get(asked.whole)) is not None:
            yield lane
        if same:
            return
        newest = [
            lane
            for whole, lane in islice(reversed(lanes.items()), _MOST_ALIKE)
            if whole != asked.whole
        ]
        yield from (lane for lane in newest if lane.conversation.resembles(asked))
