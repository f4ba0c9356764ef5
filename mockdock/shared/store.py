"""The store that several processes share: one truth, in Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from mockdock.engine.meters import Charge, Reading
from mockdock.engine.store import Pick, Scalar, Step
from mockdock.shared.lease import Lease
from mockdock.shared.link import Link
from mockdock.shared.outbox import Letter, Outbox
from mockdock.shared.packing import (
    pack,
    pack_charges,
    pack_serial,
    pack_states,
    pack_step,
    pack_text,
    unpack_pick,
    unpack_readings,
    unpack_states,
    unpack_text,
)

__all__ = ["RedisStore"]

_CHARGE = 400
"""Bytes of a charge, about, beside its key."""


class RedisStore:
    """State of all processes that name the same Redis and namespace.

    What is asked in a coroutine is to be awaited, and anywhere else is answered at once.
    The verbs of control always are: call them in a thread where a loop must go on.
    All raise StoreError as its link does, but to settle: while Redis is away, that is kept and
    done later, once (see ``Outbox``), or a place would be taken that nobody has. What is under
    way in a process that was killed is given back soon after (see ``Lease``).

    Bounded as the memory store is, see ``Script``; keys that are not used for a day are
    gone, and all are where Redis loses them.
    """

    def __init__(self, link: Link) -> None:
        """Ask by a link."""
        self.link = link
        self._lease = Lease(link)
        self._outbox = Outbox[dict[str, Any]](
            self._settle, "what was charged too much", link.is_away
        )

    @property
    def own(self) -> None:
        """Nothing: all is decided in Redis."""

    def decide(self, step: Step) -> Pick | Awaitable[Pick]:
        """Count the attempt, charge it, and let the first able candidate answer, atomically."""
        holder = None
        if any(each.algorithm == "gauge" for each in step.charges):
            holder = self._lease.kept()
        return self.link.ask(unpack_pick, b"decide", pack_step(step, holder=holder))

    def peek(self, step: Step) -> Pick:
        """Tell what would be decided: nothing is counted or set."""
        return self.link.at_once(unpack_pick, b"decide", pack_step(step, peek=True), counts=False)

    def settle(
        self,
        session: str,
        serial: int,
        charges: Sequence[tuple[Charge, float]],
        *,
        taken: float,
        now: float,
    ) -> Awaitable[None] | None:
        """Correct charges, each by an amount it was too high, atomically."""
        amounts = [amount for _, amount in charges]
        if not any(amounts):
            return None
        packed = zip(pack_charges(charge for charge, _ in charges), amounts, strict=True)
        asked = {"session": session, "taken": taken, "now": now}
        asked |= pack_serial(serial, self._lease.holder)
        size = sum(len(charge.key) + _CHARGE for charge, _ in charges)
        return self._outbox.post(Letter(asked | {"charges": list(packed)}, size))

    def spend(self, session: str, key: str, most: int) -> bool | Awaitable[bool]:
        """Count a use of what may be used so many times; False when it is used up."""
        asked = {"session": session, "key": key, "most": most}
        return self.link.ask(_is_one, b"spend", pack(asked))

    def remember(self, session: str, prefixes: Sequence[bytes]) -> int | Awaitable[int]:
        """Remember the beginnings of a prompt, and tell how many were known, atomically."""
        return self.link.ask(int, b"remember", pack({"session": session}), *prefixes)

    def read(self, session: str, charges: Sequence[Charge], now: float) -> tuple[Reading, ...]:
        """Read meters; nothing is charged."""
        asked = {"session": session, "charges": pack_charges(charges), "now": now}
        return self.link.at_once(unpack_readings, b"read", pack(asked), counts=False)

    def charged(self, session: str) -> tuple[str, ...]:
        """Name the meters that were ever charged for the session, the shared ones too."""
        serial = self.link.command(
            b"HGET", self.link.key(f"session:{pack_text(session)}"), b"serial"
        )
        found: dict[bytes, None] = {}
        for map_ in ("meters", "meters:old"):
            for mine in (b"0", *([serial] if serial else [])):
                at = b"0"
                while True:
                    at, pairs = self.link.command(
                        *(
                            b"HSCAN",
                            self.link.key(map_),
                            at,
                            b"MATCH",
                            mine + b":*",
                            b"COUNT",
                            b"1000",
                        )
                    )
                    found |= dict.fromkeys(pairs[::2])
                    if at == b"0":
                        break
        return tuple(unpack_text(place.partition(b":")[2]) for place in found)

    def state(self, session: str) -> Mapping[str, Scalar]:
        """Give the named states of a session."""
        held = self.link.command(b"HGETALL", self.link.key(f"session:{pack_text(session)}"))
        return unpack_states(dict(zip(held[::2], held[1::2], strict=True)))

    def set_state(self, session: str, states: Mapping[str, Scalar]) -> None:
        """Set named states of a session; None unsets."""
        asked = {"session": session, "states": pack_states(states.items())}
        self.link.at_once(_nothing, b"set_state", pack(asked))

    def reset(self, session: str | None = None) -> None:
        """Forget one session, or everything."""
        self.link.at_once(_nothing, b"reset", pack({"session": session}))

    async def aclose(self) -> None:
        """Settle what is still to be settled, if that is possible now, and hold nothing more."""
        await self._outbox.aclose()
        await asyncio.to_thread(self._lease.close)

    def close(self) -> None:
        """Do the same in a thread."""
        self._outbox.close()
        self._lease.close()

    def _settle(
        self, writer: str, letters: Sequence[Letter[dict[str, Any]]]
    ) -> Awaitable[None] | None:
        told = [each.content for each in letters]
        asked = {"writer": writer, "number": letters[-1].serial, "all": told}
        return self.link.ask(_nothing, b"settle", pack(asked), counts=False)


def _nothing(_: bytes) -> None:
    """Read that it is done."""


def _is_one(told: bytes) -> bool:
    return told == b"1"
