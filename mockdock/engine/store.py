"""The one stateful step: everything that depends on what happened before.

A store holds plain data and decides in one atomic call, so that another kind
of store (several processes, one truth) can have the very same semantics.
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, Protocol, TypeVar

__all__ = ["Candidate", "MemoryStore", "Pick", "Scalar", "Skip", "Store", "same"]

V = TypeVar("V")

Scalar = str | int | float | bool | None

Skip = Literal["attempt", "state", "times", "replies"]
"""Why a candidate did not answer: its condition on attempt or state, or it is used up."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule whose stateless conditions hold, reduced to what state decides.

    ``attempts`` are the attempts it takes, both ends included. ``length`` is
    the number of its replies.
    """

    key: str
    attempts: tuple[int, int | None] = (1, None)
    state: tuple[tuple[str, Scalar], ...] = ()
    times: int | None = None
    length: int = 1
    per: Literal["session", "request", "server"] = "session"
    after_last: Literal["repeat", "cycle", "pass", "fail"] = "repeat"
    set_state: tuple[tuple[str, Scalar], ...] = ()


@dataclass(frozen=True, slots=True)
class Pick:
    """What was decided.

    ``seen`` counts how often the session has seen this logical request, this
    included. ``index`` is the place among the candidates, None when none
    answers; ``position`` the reply to give, counted from 0, None when the
    candidate has run out and shall fail. ``skipped`` says why each candidate
    before did not answer.
    """

    attempt: int
    seen: int = 1
    index: int | None = None
    position: int | None = None
    skipped: tuple[Skip, ...] = ()


class Store(Protocol):
    """Where sessions keep their counters and named states."""

    def decide(
        self,
        session: str,
        request: str,
        attempt: int | None,
        candidates: Sequence[Candidate],
        *,
        peek: bool = False,
    ) -> Pick:
        """Count the attempt and let the first able candidate answer, atomically.

        ``request`` identifies the logical request; ``attempt`` is what the
        client told of itself, None when the store has to count. To ``peek`` is
        to be told what would be decided: nothing is counted or set.
        """
        ...

    def remember(self, session: str, prefixes: Sequence[bytes]) -> int:
        """Remember the beginnings of a prompt, and tell how many were known, atomically.

        ``prefixes`` begin with the shortest; known is everything up to the
        longest that the session has seen before.
        """
        ...

    def state(self, session: str) -> Mapping[str, Scalar]:
        """Give the named states of a session."""
        ...

    def set_state(self, session: str, states: Mapping[str, Scalar]) -> None:
        """Set named states of a session; None unsets."""
        ...

    def reset(self, session: str | None = None) -> None:
        """Forget one session, or everything."""
        ...


_MOST_SESSIONS = 10_000
_MOST_COUNTS = 50_000


class _Bounded(Generic[V]):
    """Values by key; beyond the bound the longest unused are forgotten."""

    __slots__ = ("_absent", "_values")

    def __init__(self, absent: V) -> None:
        self._absent = absent
        self._values: OrderedDict[Hashable, V] = OrderedDict()

    def get(self, key: Hashable) -> V:
        value = self._values.get(key)
        if value is None:
            return self._absent
        self._values.move_to_end(key)
        return value

    def set(self, key: Hashable, value: V) -> None:
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > _MOST_COUNTS:
            self._values.popitem(last=False)


def _counts() -> _Bounded[int]:
    return _Bounded(0)


@dataclass(slots=True)
class _Session:
    """``serial`` is never given twice: what is counted under it ends with the session."""

    serial: int
    used: _Bounded[int] = field(default_factory=_counts)
    state: dict[str, Scalar] = field(default_factory=dict)


class MemoryStore:
    """State of one process.

    Bounded: the longest unused are forgotten beyond 10,000 sessions, and, of all
    sessions together and each for itself, beyond 50,000 logical requests, as
    many beginnings of prompts (see ``prefixes``: some 220 prompts of 110,000
    tokens, or 5,000 of 2,400), rules by request, and rules by server. Only a
    session's own counts of rules (50,000) and its states are kept with it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._serials = itertools.count(1)
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._asked: _Bounded[tuple[int, int]] = _Bounded((0, 0))
        self._prefixes = _counts()
        self._used_by_request = _counts()
        self._used_by_server = _counts()

    def decide(
        self,
        session: str,
        request: str,
        attempt: int | None,
        candidates: Sequence[Candidate],
        *,
        peek: bool = False,
    ) -> Pick:
        """Count the attempt and let the first able candidate answer, atomically."""
        with self._lock:
            mine = self._session(session)
            identity = (mine.serial, request)
            attempts, seen = self._asked.get(identity)
            attempt, seen = attempt or attempts + 1, seen + 1
            if not peek:
                self._asked.set(identity, (attempt, seen))
            skipped: list[Skip] = []
            for index, candidate in enumerate(candidates):
                counts, key = self._counter(mine, request, candidate)
                used = counts.get(key)
                skip = _skip(candidate, attempt, mine.state, used)
                if skip is not None:
                    skipped.append(skip)
                    continue
                position = _position(candidate, _step(candidate, attempt, used))
                if not peek:
                    counts.set(key, used + 1)
                if position is not None and not peek:
                    _apply(mine.state, candidate.set_state)
                return Pick(attempt, seen, index, position, tuple(skipped))
            return Pick(attempt, seen, skipped=tuple(skipped))

    def remember(self, session: str, prefixes: Sequence[bytes]) -> int:
        """Remember the beginnings of a prompt, and tell how many were known, atomically."""
        with self._lock:
            serial = self._session(session).serial
            known = 0
            for number, prefix in enumerate(prefixes, 1):
                if self._prefixes.get((serial, prefix)):
                    known = number
                self._prefixes.set((serial, prefix), 1)
            return known

    def state(self, session: str) -> Mapping[str, Scalar]:
        """Give the named states of a session."""
        with self._lock:
            mine = self._sessions.get(session)
            return {} if mine is None else dict(mine.state)

    def set_state(self, session: str, states: Mapping[str, Scalar]) -> None:
        """Set named states of a session; None unsets."""
        with self._lock:
            _apply(self._session(session).state, tuple(states.items()))

    def reset(self, session: str | None = None) -> None:
        """Forget one session, or everything."""
        with self._lock:
            if session is not None:
                self._sessions.pop(session, None)
                return
            self._sessions.clear()
            self._asked, self._prefixes = _Bounded((0, 0)), _counts()
            self._used_by_request, self._used_by_server = _counts(), _counts()

    def _session(self, name: str) -> _Session:
        mine = self._sessions.get(name)
        if mine is None:
            mine = self._sessions[name] = _Session(next(self._serials))
            if len(self._sessions) > _MOST_SESSIONS:
                self._sessions.popitem(last=False)
        else:
            self._sessions.move_to_end(name)
        return mine

    def _counter(
        self, mine: _Session, request: str, candidate: Candidate
    ) -> tuple[_Bounded[int], Hashable]:
        match candidate.per:
            case "request":
                return self._used_by_request, (mine.serial, candidate.key, request)
            case "session":
                return mine.used, candidate.key
            case "server":
                return self._used_by_server, candidate.key


def _skip(
    candidate: Candidate, attempt: int, state: Mapping[str, Scalar], used: int
) -> Skip | None:
    low, high = candidate.attempts
    if attempt < low or (high is not None and attempt > high):
        return "attempt"
    if any(not same(state.get(name), wanted) for name, wanted in candidate.state):
        return "state"
    if candidate.times is not None and used >= candidate.times:
        return "times"
    if candidate.after_last == "pass" and _step(candidate, attempt, used) >= candidate.length:
        return "replies"
    return None


def _step(candidate: Candidate, attempt: int, used: int) -> int:
    """Count the replies that came before: one for each attempt, or for each answer given."""
    return attempt - 1 if candidate.per == "request" else used


def same(held: Scalar, wanted: Scalar) -> bool:
    """Compare as YAML does: true is not 1."""
    return held == wanted and isinstance(held, bool) == isinstance(wanted, bool)


def _position(candidate: Candidate, step: int) -> int | None:
    if step < candidate.length:
        return step
    if candidate.after_last == "cycle":
        return step % candidate.length
    return None if candidate.after_last == "fail" else candidate.length - 1


def _apply(state: dict[str, Scalar], changes: Sequence[tuple[str, Scalar]]) -> None:
    for name, value in changes:
        if value is None:
            state.pop(name, None)
        else:
            state[name] = value
