"""The store of one process: sessions' counters, states and meters, bounded."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence

from msgspec import Struct, field

from mockdock.engine.bounded import Bounded
from mockdock.engine.meters import Charge, Level, Reading
from mockdock.engine.spending import Till
from mockdock.engine.store import (
    Candidate,
    Chance,
    Gate,
    Pick,
    Scalar,
    Skip,
    Step,
    holds,
    looks_at_state,
    struck,
)

__all__ = ["MemoryStore"]

_MOST_SESSIONS = 10_000
_MOST_COUNTS = 40_000  # three times as many fit a table of 2^17: with more it would grow for long
_ALL_ATTEMPTS = (1, None)
_NEVER = (0, 0)


def _counts() -> Bounded[int]:
    return Bounded(0, _MOST_COUNTS)


class _Session(Struct):
    """``serial`` is never given twice: what is counted under it ends with the session."""

    serial: int
    used: Bounded[int] = field(default_factory=_counts)
    state: dict[str, Scalar] = {}


class MemoryStore:
    """State of one process.

    Bounded: the longest unused are forgotten beyond 10,000 sessions, and, of all
    sessions together and each for itself, beyond 40,000 logical requests, as
    many beginnings of prompts (see ``prefixes``: some 180 prompts of 110,000
    tokens, or 4,000 of 2,400), rules by request, rules by server, and meters of
    limits; see ``Bounded``. Only a session's own counts of rules (40,000) and its
    states are kept with it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._serials = itertools.count(1)
        self._begun = 0
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._empty()

    def _empty(self) -> None:
        """Hold nothing but sessions."""
        self._asked: Bounded[tuple[int, int]] = Bounded(_NEVER, _MOST_COUNTS)
        self._prefixes = _counts()
        self._used_by_request, self._used_by_server = _counts(), _counts()
        self._meters = Till(_MOST_COUNTS)

    @property
    def own(self) -> MemoryStore:
        """Itself."""
        return self

    def decide(self, step: Step) -> Pick:
        """Count the attempt, charge it, and let the first able candidate answer, atomically."""
        return self._decide(step, peek=False)

    def decide_known(
        self,
        session: str,
        request: str,
        attempt: int | None,
        candidate: Candidate,
        charges: Sequence[Charge],
        surpluses: Sequence[float],
        now: float,
    ) -> Pick:
        """Decide on what is known, and settle it with that."""
        with self._lock:
            mine = self._session(session)
            serial = mine.serial
            attempt, seen = self._count(serial, request, attempt)
            paid = self._meters.pay(serial, charges, now, surpluses) if charges else ()
            if paid is None:
                levels, refusers = self._meters.refuse(serial, charges, now)
                return Pick(attempt, seen, None, None, (), levels, refusers, serial)
            counts, key = self._counter(mine, request, candidate)
            counts.set(key, counts.values.get(key, 0) + 1)
            return Pick(attempt, seen, 0, 0, (), paid, (), serial, {})

    def peek(self, step: Step) -> Pick:
        """Tell what would be decided: nothing is counted or set."""
        return self._decide(step, peek=True)

    def _decide(self, step: Step, *, peek: bool) -> Pick:
        with self._lock:
            mine = self._session(step.session)
            serial = mine.serial
            attempt, seen = self._count(serial, step.request, step.attempt, peek=peek)
            states = mine.state
            state = dict(states) if states and looks_at_state(step) else {}
            levels: tuple[Level, ...] = ()
            refusers: tuple[int, ...] = ()
            if charges := step.charges:
                paid = None if peek else self._meters.pay(serial, charges, step.now)
                if paid is None:
                    levels, refusers = self._refuse(serial, charges, step.now, peek=peek)
                else:
                    levels = paid
            index = position = None
            skipped: tuple[Skip, ...] = ()
            if not (refusers or (step.gates and _errs(step.gates, attempt, seen, state))):
                index, position, skipped = self._first(mine, step, attempt, peek=peek)
            return Pick(attempt, seen, index, position, skipped, levels, refusers, serial, state)

    def _count(
        self, serial: int, request: str, told: int | None, *, peek: bool = False
    ) -> tuple[int, int]:
        """Count a request, and tell which attempt it is, and how often it was seen."""
        asked, key = self._asked, (serial, request)
        attempt, seen = asked.values.get(key, _NEVER)
        counted = told or attempt + 1, seen + 1
        if not peek:
            asked.set(key, counted)
        return counted

    def _refuse(
        self, serial: int, charges: Sequence[Charge], now: float, *, peek: bool
    ) -> tuple[tuple[Level, ...], tuple[int, ...]]:
        charge = self._meters.look if peek else self._meters.refuse
        return charge(serial, charges, now)

    def _first(
        self, mine: _Session, step: Step, attempt: int, *, peek: bool
    ) -> tuple[int | None, int | None, tuple[Skip, ...]]:
        """Find who answers, with which reply, and why those before do not; it is counted."""
        skipped: tuple[Skip, ...] = ()
        for index, candidate in enumerate(step.candidates):
            counts, key = self._counter(mine, step.request, candidate)
            used = counts.values.get(key, 0)
            if candidate.plain:
                position: int | None = 0
            else:
                skip = _skip(candidate, attempt, mine.state, used)
                if skip is not None:
                    counts.get(key)  # so that it stays known
                    skipped = (*skipped, skip)
                    continue
                position = _position(candidate, _step(candidate, attempt, used))
            if not peek:
                counts.set(key, used + 1)
                if position is not None and candidate.set_state:
                    _apply(mine.state, candidate.set_state)
            return index, position, skipped
        return None, None, skipped

    def settle(
        self,
        session: str,
        serial: int,
        charges: Sequence[tuple[Charge, float]],
        *,
        taken: float,
        now: float,
    ) -> None:
        """Correct charges, each by an amount it was too high, atomically."""
        with self._lock:
            mine = self._sessions.get(session)
            lives = mine is not None and mine.serial == serial
            for charge, amount in charges:
                if amount and (serial > self._begun if charge.shared else lives):
                    self._meters.give_back(serial, charge, taken, now, amount)

    def read(self, session: str, charges: Sequence[Charge], now: float) -> tuple[Reading, ...]:
        """Read meters; nothing is charged."""
        with self._lock:
            mine = self._sessions.get(session)
            serial = -1 if mine is None else mine.serial  # 0 is the server
            return self._meters.look(serial, charges, now)[0]

    def charged(self, session: str) -> tuple[str, ...]:
        """Name the meters that were ever charged for the session, the shared ones too."""
        with self._lock:
            mine = self._sessions.get(session)
            serials = (0,) if mine is None else (0, mine.serial)
            return tuple(key for serial, key in self._meters.names() if serial in serials)

    def spend(self, session: str, key: str, most: int) -> bool:
        """Count a use of what may be used so many times; False when it is used up."""
        with self._lock:
            used = self._session(session).used
            count = used.get(key)
            if count < most:
                used.set(key, count + 1)
            return count < most

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
            self._begun = next(self._serials)
            self._empty()

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
    ) -> tuple[Bounded[int], Hashable]:
        if candidate.per == "session":
            return mine.used, candidate.key
        if candidate.per == "server":
            return self._used_by_server, candidate.key
        return self._used_by_request, (mine.serial, candidate.key, request)


def _errs(gates: Sequence[Gate], attempt: int, seen: int, state: Mapping[str, Scalar]) -> bool:
    """Tell whether trouble comes before any rule."""
    chance: Chance | None = None
    for gate in gates:
        if holds(gate, attempt, state) is None:
            if gate.error:
                return True
            chance = gate.chance or chance
    if chance is None or holds(chance, attempt, state) is not None:
        return False
    which = struck(chance, seen)
    return which is not None and chance.errors[which][1]


def _skip(
    candidate: Candidate, attempt: int, state: Mapping[str, Scalar], used: int
) -> Skip | None:
    if candidate.state or candidate.attempts != _ALL_ATTEMPTS:
        unmet = holds(candidate, attempt, state)
        if unmet is not None:
            return unmet
    if candidate.times is not None and used >= candidate.times:
        return "times"
    if candidate.after_last == "pass" and _step(candidate, attempt, used) >= candidate.length:
        return "replies"
    return None


def _step(candidate: Candidate, attempt: int, used: int) -> int:
    """Count the replies that came before: one for each attempt, or for each answer given."""
    return attempt - 1 if candidate.per == "request" else used


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
