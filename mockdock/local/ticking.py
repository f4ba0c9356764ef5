"""The time of several processes that act as one server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from mockdock.delivery import ScaledClock, Whom
from mockdock.errors import StoreError, UsageError
from mockdock.shared.link import Link
from mockdock.shared.packing import pack
from mockdock.shared.time import SharedTime

__all__ = ["SharedClock"]


class SharedClock(ScaledClock):
    """A clock that shows the same in all processes, by the seconds that they share.

    At scale 0 who was told by one process to come back may come back to any; ``advance``
    then moves the time of a session on in all.
    """

    def __init__(
        self, scale: float, time: SharedTime, link: Link, advance: Callable[[str, float], None]
    ) -> None:
        super().__init__(scale, time)
        self._link = link
        self._elsewhere = advance

    @property
    def ahead(self) -> float:
        """Scenario seconds that it was advanced by."""
        return self._ahead

    def promise(self, whom: Whom, seconds: float) -> Awaitable[None] | None:
        """Note that somebody was told to come back in so long."""
        return None if self.scale else self._promised(whom, self.now() + seconds)

    def redeem(self, whom: Whom) -> Awaitable[None] | None:
        """Note that he has come back: it is at least as late now as he was told."""
        return None if self.scale else self._redeemed(whom)

    async def _promised(self, whom: Whom, until: float) -> None:
        try:
            await _awaited(
                self._link.ask(bytes, b"promise", pack({**_named(whom), "until": until}))
            )
        except StoreError:
            return  # nobody can come back to a store that is away

    async def _redeemed(self, whom: Whom) -> None:
        try:
            told = await _awaited(self._link.ask(bytes, b"redeem", pack(_named(whom))))
            rest = float(told) - self.now() if told else 0.0
            if rest > 0:
                await asyncio.to_thread(self._elsewhere, whom[0], rest)
        except (StoreError, UsageError):
            return  # it is away, or runs by itself by now, or takes no more changes


def _named(whom: Whom) -> dict[str, str | float]:
    return {"session": whom[0], "request": whom[1]}


async def _awaited(answer: bytes | Awaitable[bytes]) -> bytes:
    return answer if isinstance(answer, bytes) else await answer
