"""Attempts put together into logical calls.

What tells, in this order:

0. The session, since it began or was reset last: no call outlives it.
1. An idempotency key: equal keys of a session are one call.
2. A retry count above 0: the attempt goes on with the call of the same
   conversation (and of the same trace, if there is one), whose last attempt failed
   and had a lower count.
3. A trace id: within a trace, a failed call of a like conversation goes on.
4. Similarity: a request that asks the same within the window of a failure goes
   on with it, whatever other fields say.

Of several calls that fit, one whose last attempt had the same body goes on, or else
one that streamed as the request does: a client that changes neither has its own.

A count of 0 begins a call where its client is one that counts: one that sent a
higher count in this session. Trace ids tell calls apart where a client of the
session used one twice. After a success, or while an attempt is under way, the
same request is another call.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence

from mockdock.observe.audit.attempt import Attempt, Life
from mockdock.observe.audit.call import Call, Link
from mockdock.observe.audit.lanes import Draft, Lanes

__all__ = ["grouped"]

_MOST_OPEN = 32
"""Failed calls of one trace that are looked at."""
_NONE = Lanes()


def grouped(attempts: Iterable[Attempt], window: float) -> tuple[Call, ...]:
    """Put attempts together; each is in exactly one call. The order given does not matter."""
    ordered = sorted(attempts, key=lambda each: (each.start, each.number, each.end, each.life))
    grouping = _Grouping(ordered, window)
    for attempt in ordered:
        grouping.add(attempt)
    return tuple(
        Call(number, tuple(draft.attempts), tuple(draft.links), tuple(draft.ordinals))
        for number, draft in enumerate(grouping.drafts, 1)
    )


class _Grouping:
    def __init__(self, attempts: Sequence[Attempt], window: float) -> None:
        self.drafts: list[Draft] = []
        self._window = window
        self._counting: set[tuple[Life, str]] = {
            (each.life, each.client) for each in attempts if each.retry_count
        }
        self._tracing = _repeated(attempts)
        self._keys: dict[tuple[Life, str], Draft] = {}
        self._traces: dict[tuple[Life, str], deque[tuple[int, Draft]]] = {}
        self._lanes: dict[tuple[Life, str, str, bytes], Lanes] = {}

    def add(self, attempt: Attempt) -> None:
        found, link = self._find(attempt)
        if found is None:
            found, link = Draft(len(self.drafts)), "first"
            self.drafts.append(found)
        found.add(attempt, link)
        if attempt.idempotency is not None:
            self._keys[attempt.life, attempt.idempotency] = found
        elif attempt.kind != "succeeded":
            self._wait(found)

    def _find(self, attempt: Attempt) -> tuple[Draft | None, Link]:
        if attempt.idempotency is not None:
            return self._keys.get((attempt.life, attempt.idempotency)), "idempotency key"
        lanes = self._lanes.get(_place(attempt), _NONE)
        traced = attempt.trace is not None and (attempt.life, attempt.client) in self._tracing
        if attempt.retry_count:
            found = self._in_trace(attempt) if traced else None
            # At time scale 0 time jumps whenever anybody comes back who was told to wait.
            window = math.inf if attempt.instant else self._window
            return found or lanes.take(attempt, window), "retry count"
        if (attempt.life, attempt.client) in self._counting:
            return None, "first"
        if traced:
            return self._in_trace(attempt), "trace id"
        return lanes.take(attempt, self._window), "similarity"

    def _in_trace(self, attempt: Attempt) -> Draft | None:
        """Find the failed call of its trace that asked most alike, and is due first."""
        waiting = [
            draft
            for length, draft in self._traces.get((attempt.life, attempt.trace or ""), ())
            if len(draft.attempts) == length
            and draft.free <= attempt.start
            and (not attempt.retry_count or draft.ordinals[-1] <= attempt.retry_count)
            and _akin(draft.last, attempt)
        ]

        def likest(draft: Draft) -> tuple[bool, bool, float, int]:
            last = draft.last
            other = last.conversation.body != attempt.conversation.body
            return other, last.stream is not attempt.stream, draft.due, draft.order

        return min(waiting, key=likest, default=None)

    def _wait(self, draft: Draft) -> None:
        """Let a failed call wait for its retry."""
        last = draft.last
        self._lanes.setdefault(_place(last), Lanes()).add(draft, last.retry_count or 0)
        if last.trace is not None:
            key = (last.life, last.trace)
            waiting = self._traces.setdefault(key, deque(maxlen=_MOST_OPEN))
            waiting.append((len(draft.attempts), draft))


def _akin(one: Attempt, other: Attempt) -> bool:
    mine, its = one.conversation, other.conversation
    return mine.resembles(its) or mine.overlaps(its)


def _place(attempt: Attempt) -> tuple[Life, str, str, bytes]:
    return attempt.life, attempt.client, attempt.operation, attempt.conversation.ask


def _repeated(attempts: Sequence[Attempt]) -> set[tuple[Life, str]]:
    """Name the clients, with their sessions, that used a trace id twice."""
    seen: set[tuple[Life, str, str]] = set()
    found: set[tuple[Life, str]] = set()
    for each in attempts:
        if each.trace is not None:
            key = (each.life, each.client, each.trace)
            if key in seen:
                found.add(key[:2])
            seen.add(key)
    return found
