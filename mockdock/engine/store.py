"""The one stateful step: everything that depends on what happened before.

A store holds plain data and decides in one atomic call, so that another kind
of store (several processes, one truth) can have the very same semantics.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Literal, Protocol

from msgspec import Struct

from mockdock.engine.meters import Charge, Level, Reading

__all__ = [
    "Candidate",
    "Chance",
    "Gate",
    "OwnStore",
    "Pick",
    "Scalar",
    "Skip",
    "Step",
    "Store",
    "at_once",
    "holds",
    "looks_at_state",
    "same",
    "struck",
]

Scalar = str | int | float | bool | None

Skip = Literal["attempt", "state", "times", "replies"]
"""Why a candidate did not answer: its condition on attempt or state, or it is used up."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule whose stateless conditions hold, reduced to what state decides.

    ``attempts`` are the attempts it takes, both ends included. ``length`` is
    the number of its replies. One that is ``plain`` answers whatever happened before, always
    the same, and changes nothing.
    """

    key: str
    attempts: tuple[int, int | None] = (1, None)
    state: tuple[tuple[str, Scalar], ...] = ()
    times: int | None = None
    length: int = 1
    per: Literal["session", "request", "server"] = "session"
    after_last: Literal["repeat", "cycle", "pass", "fail"] = "repeat"
    set_state: tuple[tuple[str, Scalar], ...] = ()
    plain: bool = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        plain = self.attempts == (1, None) and self.times is None and self.length == 1
        plain = plain and self.after_last in ("repeat", "cycle")
        object.__setattr__(self, "plain", plain and not (self.state or self.set_state))


class Chance(Struct, frozen=True):
    """Chaos that may strike as an error, where its own conditions hold.

    ``base`` is hexadecimal: a request seen for the n-th time draws by the SHA-1 of
    ``{base}/{n}``. ``errors`` are the cumulative shares of what may happen, the last
    of them 1.0, and whether each is an error.
    """

    attempts: tuple[int, int | None] = (1, None)
    state: tuple[tuple[str, Scalar], ...] = ()
    base: str = ""
    rate: float = 0.0
    errors: tuple[tuple[float, bool], ...] = ()


class Gate(Struct, frozen=True):
    """Trouble that comes before any rule: the scenario's chaos, or a phase of its timeline.

    Where it is open, it is an ``error`` instead of every rule, and its ``chance`` takes
    the place of those of the gates before.
    """

    attempts: tuple[int, int | None] = (1, None)
    state: tuple[tuple[str, Scalar], ...] = ()
    error: bool = False
    chance: Chance | None = None


class Step(Struct, frozen=True):
    """Everything that one decision needs.

    ``request`` identifies the logical request; ``attempt`` is what the client told of
    itself, None when the store has to count. All ``charges`` must have room at ``now``,
    or tolls are charged and nobody answers; nor does anybody where a gate is an error.
    """

    session: str
    request: str
    attempt: int | None = None
    candidates: Sequence[Candidate] = ()
    charges: Sequence[Charge] = ()
    now: float = 0.0
    gates: Sequence[Gate] = ()
    wants_state: bool = False


@dataclass(slots=True)  # not frozen: made for every request, which takes half as long
class Pick:
    """What was decided.

    ``seen`` counts how often the session has seen this logical request, this
    included. ``index`` is the place among the candidates, None when none
    answers; ``position`` the reply to give, counted from 0, None when the
    candidate has run out and shall fail. ``skipped`` says why each candidate
    before did not answer. ``levels`` are those of the meters after their charges,
    ``refusers`` the places of those that had no room: where there are any,
    nobody was asked. ``serial`` is for what is settled later: that of the session, and of
    whatever else its store has to know then.
    ``state`` are the session's named states before the step set any, empty where
    nothing looks at them.
    """

    attempt: int
    seen: int = 1
    index: int | None = None
    position: int | None = None
    skipped: tuple[Skip, ...] = ()
    levels: tuple[Level, ...] = ()
    refusers: tuple[int, ...] = ()
    serial: int = field(default=0, compare=False)
    state: Mapping[str, Scalar] = field(default_factory=dict, compare=False)

    @property
    def readings(self) -> tuple[Reading, ...]:
        """The meters after their charges."""
        return tuple(map(Reading._make, self.levels))


class Store(Protocol):
    """Where sessions keep their counters and named states."""

    @property
    def own(self) -> OwnStore | None:
        """What decides here and asks nobody, None where others have to be asked."""
        ...

    def decide(self, step: Step) -> Pick | Awaitable[Pick]:
        """Count the attempt, charge it, and let the first able candidate answer, atomically."""
        ...

    def peek(self, step: Step) -> Pick:
        """Tell what would be decided: nothing is counted or set."""
        ...

    def settle(
        self,
        session: str,
        serial: int,
        charges: Sequence[tuple[Charge, float]],
        *,
        taken: float,
        now: float,
    ) -> Awaitable[None] | None:
        """Correct charges ``taken`` at a moment, each by an amount it was too high, atomically.

        Harmless when the session of that ``serial`` is gone.
        """
        ...

    def read(self, session: str, charges: Sequence[Charge], now: float) -> tuple[Reading, ...]:
        """Read meters; nothing is charged."""
        ...

    def charged(self, session: str) -> tuple[str, ...]:
        """Name the meters that were ever charged for the session, the shared ones too."""
        ...

    def spend(self, session: str, key: str, most: int) -> bool | Awaitable[bool]:
        """Count a use of what may be used so many times; False when it is used up."""
        ...

    def remember(self, session: str, prefixes: Sequence[bytes]) -> int | Awaitable[int]:
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


def same(held: Scalar, wanted: Scalar) -> bool:
    """Compare as YAML does: true is not 1."""
    return held == wanted and isinstance(held, bool) == isinstance(wanted, bool)


def looks_at_state(step: Step) -> bool:
    """Tell whether anything of a step depends on the session's named states."""
    return (
        step.wants_state
        or any(each.state for each in step.candidates)
        or any(each.state or (each.chance and each.chance.state) for each in step.gates)
    )


def struck(chance: Chance, seen: int) -> int | None:
    """Draw which part of its mix chaos strikes with, where a request is seen for the n-th time."""
    drawn = sha1(f"{chance.base}/{seen}".encode(), usedforsecurity=False).hexdigest()
    often, which = (int(drawn[at : at + 13], 16) / 16**13 for at in (0, 13))
    if often >= chance.rate:
        return None
    return next((at for at, (upper, _) in enumerate(chance.errors) if which < upper), None)


def holds(of: Candidate | Gate | Chance, attempt: int, state: Mapping[str, Scalar]) -> Skip | None:
    """Tell which condition on what came before does not hold, None where all do."""
    low, high = of.attempts
    if attempt < low or (high is not None and attempt > high):
        return "attempt"
    if any(not same(state.get(name), wanted) for name, wanted in of.state):
        return "state"
    return None


def at_once(pick: Pick | Awaitable[Pick]) -> Pick:
    """Give what a store decided. Raises TypeError where it takes its time."""
    if isinstance(pick, Pick):
        return pick
    raise TypeError("this store takes its time: await what it decides")


class OwnStore(Store, Protocol):
    """A store of this process, which decides at once what is known."""

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
        """Decide as ``decide`` does where there are no gates, and one plain candidate.

        By how much each charge is known to be too high is settled with it; where any does not
        fit, nothing is.
        """
        ...
