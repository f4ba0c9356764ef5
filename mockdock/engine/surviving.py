"""A store that may be away: what needs none of what others know goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence

from mockdock.engine.memory import MemoryStore
from mockdock.engine.meters import Charge, Reading
from mockdock.engine.store import Gate, Pick, Scalar, Step, Store
from mockdock.errors import NoStoreError, StoreError

__all__ = ["SurvivingStore", "depends"]

_ANY = (1, None)
"""Any attempt."""


def depends(step: Step) -> bool:
    """Tell whether what is decided depends on anything that happened before."""
    if step.charges or any(map(_looks_back, step.gates)):
        return True
    if any(each.error for each in step.gates):
        return False
    return bool(step.candidates) and (step.wants_state or not step.candidates[0].plain)


def _looks_back(gate: Gate) -> bool:
    chance = gate.chance is not None and gate.chance.rate > 0
    return chance or bool(gate.state) or gate.attempts != _ANY


class SurvivingStore:
    """Asks a store that several processes share, and where it is away decides what it can.

    Without a ``shared`` one, since there is none to be asked, ``reason`` says why. Raises
    StoreError for all that depends on what others know, then NoStoreError.
    """

    def __init__(self, shared: Store | None, reason: str = "") -> None:
        self._shared = shared
        self._reason = reason
        self._alone = MemoryStore()

    @property
    def own(self) -> MemoryStore | None:
        """What decides here where there is no shared one."""
        return self._alone if self._shared is None else None

    def decide(self, step: Step) -> Pick | Awaitable[Pick]:
        """Count the attempt, charge it, and let the first able candidate answer, atomically."""
        if self._shared is None:
            return self._instead(step, NoStoreError(self._reason))
        try:
            made = self._shared.decide(step)
        except StoreError as error:
            return self._instead(step, error)
        return made if isinstance(made, Pick) else self._decided(step, made)

    def peek(self, step: Step) -> Pick:
        """Tell what would be decided: nothing is counted or set."""
        if self._shared is not None:
            return self._shared.peek(step)
        if depends(step):
            raise NoStoreError(self._reason)
        return self._alone.peek(step)

    def settle(
        self,
        session: str,
        serial: int,
        charges: Sequence[tuple[Charge, float]],
        *,
        taken: float,
        now: float,
    ) -> Awaitable[None] | None:
        """Correct charges; a store that was away gets to know of it later."""
        if self._shared is None:
            return None
        return self._shared.settle(session, serial, charges, taken=taken, now=now)

    def spend(self, session: str, key: str, most: int) -> bool | Awaitable[bool]:
        """Count a use of what may be used so many times; False when it is used up."""
        return self._there.spend(session, key, most)

    def remember(self, session: str, prefixes: Sequence[bytes]) -> int | Awaitable[int]:
        """Remember the beginnings of a prompt; a store that is away knows none."""
        if self._shared is None:
            return 0
        try:
            made = self._shared.remember(session, prefixes)
        except StoreError:
            return 0
        return made if isinstance(made, int) else _known(made)

    def read(self, session: str, charges: Sequence[Charge], now: float) -> tuple[Reading, ...]:
        """Read meters; nothing is charged."""
        return self._there.read(session, charges, now)

    def charged(self, session: str) -> tuple[str, ...]:
        """Name the meters that were ever charged for the session, the shared ones too."""
        return self._there.charged(session)

    def state(self, session: str) -> Mapping[str, Scalar]:
        """Give the named states of a session."""
        return self._there.state(session)

    def set_state(self, session: str, states: Mapping[str, Scalar]) -> None:
        """Set named states of a session; None unsets."""
        self._there.set_state(session, states)

    def reset(self, session: str | None = None) -> None:
        """Forget one session, or everything."""
        self._there.reset(session)
        self._alone.reset(session)

    @property
    def _there(self) -> Store:
        if self._shared is None:
            raise NoStoreError(self._reason)
        return self._shared

    async def _decided(self, step: Step, made: Awaitable[Pick]) -> Pick:
        try:
            return await made
        except StoreError as error:
            return self._instead(step, error)

    def _instead(self, step: Step, error: StoreError) -> Pick:
        if depends(step):
            raise error
        return self._alone.decide(step)


async def _known(made: Awaitable[int]) -> int:
    try:
        return await made
    except StoreError:
        return 0
