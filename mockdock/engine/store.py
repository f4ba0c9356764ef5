"""The one stateful step: everything that depends on what happened before.

A store holds plain data and decides in one atomic call, so that another kind
of store (several processes, one truth) can have the very same semantics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from mockdock.engine.meters import Charge, Reading

__all__ = ["Blocked", "Candidate", "Pick", "Scalar", "Skip", "Store", "same"]

Scalar = str | int | float | bool | None

Skip = Literal["attempt", "state", "times", "replies"]
"""Why a candidate did not answer: its condition on attempt or state, or it is used up."""


Blocked = Callable[[int, int], bool]
"""Whether trouble comes before any rule, by attempt and times seen; must be pure and quick."""


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


@dataclass(slots=True)  # not frozen: made for every request, which takes half as long
class Pick:
    """What was decided.

    ``seen`` counts how often the session has seen this logical request, this
    included. ``index`` is the place among the candidates, None when none
    answers; ``position`` the reply to give, counted from 0, None when the
    candidate has run out and shall fail. ``skipped`` says why each candidate
    before did not answer. ``readings`` are the meters after their charges,
    ``refusers`` the places of those that had no room: where there are any,
    nobody was asked. ``serial`` is that of the session, for what is settled later.
    """

    attempt: int
    seen: int = 1
    index: int | None = None
    position: int | None = None
    skipped: tuple[Skip, ...] = ()
    readings: tuple[Reading, ...] = ()
    refusers: tuple[int, ...] = ()
    serial: int = field(default=0, compare=False)


class Store(Protocol):
    """Where sessions keep their counters and named states."""

    def decide(
        self,
        session: str,
        request: str,
        attempt: int | None,
        candidates: Sequence[Candidate],
        *,
        charges: Sequence[Charge] = (),
        now: float = 0.0,
        blocked: Blocked | None = None,
        peek: bool = False,
    ) -> Pick:
        """Count the attempt, charge it, and let the first able candidate answer, atomically.

        ``request`` identifies the logical request; ``attempt`` is what the
        client told of itself, None when the store has to count. All
        ``charges`` must have room at ``now``, or tolls are charged and nobody
        answers; nor does anybody where the request is ``blocked``. To ``peek``
        is to be told what would be decided: nothing is counted or set.
        """
        ...

    def settle(
        self,
        session: str,
        serial: int,
        charges: Sequence[tuple[Charge, float]],
        *,
        taken: float,
        now: float,
    ) -> None:
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

    def spend(self, session: str, key: str, most: int) -> bool:
        """Count a use of what may be used so many times; False when it is used up."""
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


def same(held: Scalar, wanted: Scalar) -> bool:
    """Compare as YAML does: true is not 1."""
    return held == wanted and isinstance(held, bool) == isinstance(wanted, bool)
