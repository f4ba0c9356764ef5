"""The way to Redis: one script, asked from event loops and from threads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

from mockdock.shared.address import Address
from mockdock.shared.direct import Direct
from mockdock.shared.health import Health
from mockdock.shared.lane import Lane
from mockdock.shared.scripts import Script

__all__ = ["Link"]

T = TypeVar("T")

_PATIENCE = 1.0


class Link:
    """What a process asks of one Redis and namespace goes this way, whatever it is about.

    All raise StoreError where Redis does not answer within ``patience`` seconds and a
    quarter, or is known to be away; then nothing is counted, or is counted once.
    """

    def __init__(
        self,
        url: str,
        *,
        script: Script | None = None,
        patience: float = _PATIENCE,
        apart: str = "",
    ) -> None:
        """Take an address (see ``Address``); raises UsageError. Connects when it is asked.

        Links of one namespace that differ in what they keep ``apart`` have nothing in common.
        """
        address = Address.parse(url)
        self._address = replace(address, prefix=f"{address.prefix}{apart}:") if apart else address
        self._script = script or Script()
        self._patience = patience
        self._health = Health(self._address.where)
        self._direct = Direct(self._address, self._script, self._health, patience)
        self._lanes: dict[asyncio.AbstractEventLoop, Lane] = {}

    @property
    def where(self) -> str:
        """The place, without any secret."""
        return self._address.where

    def is_away(self) -> bool:
        """Tell whether Redis did not answer last."""
        return self._health.is_ill

    def ask(
        self, read: Callable[[bytes], T], verb: bytes, *payload: bytes, counts: bool = True
    ) -> T | Awaitable[T]:
        """Ask the script, and ``read`` its answer.

        In a coroutine the answer is to be awaited, and anywhere else it is there at once.
        What does not ``count`` may be asked twice.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self.at_once(read, verb, *payload, counts=counts)
        return self._awaited(loop, read, verb, *payload, counts=counts)

    def at_once(
        self, read: Callable[[bytes], T], verb: bytes, *payload: bytes, counts: bool = True
    ) -> T:
        """Ask the script and wait for the answer, also where a loop then has to wait."""
        return read(self._direct.ask(verb, *payload, counts=counts))

    def command(self, *words: bytes) -> Any:
        """Give a command of Redis that changes nothing, and wait for the answer."""
        return self._direct.command(*words)

    def subscribe(self, channel: bytes) -> Any:
        """Make a connection of one's own that listens to a channel, for who waits long.

        Raises StoreError.
        """
        return self._direct.subscribe(channel)

    def key(self, name: str) -> bytes:
        """Give the whole name of a key."""
        return f"{self._address.prefix}{name}".encode()

    async def aclose(self) -> None:
        """End the connections of this loop and of threads; they are made again when asked."""
        lane = self._lanes.pop(asyncio.get_running_loop(), None)
        if lane is not None:
            await lane.close()
        self.close()

    def close(self) -> None:
        """End the connection of threads."""
        self._direct.close()

    async def _awaited(
        self,
        loop: asyncio.AbstractEventLoop,
        read: Callable[[bytes], T],
        verb: bytes,
        *payload: bytes,
        counts: bool,
    ) -> T:
        lane = self._lanes.get(loop)
        if lane is None:
            lane = self._lane(loop)
        return read(await lane.ask(verb, *payload, counts=counts))

    def _lane(self, loop: asyncio.AbstractEventLoop) -> Lane:
        for each in [each for each in self._lanes if each.is_closed()]:
            self._lanes.pop(each, None)
        made = Lane(self._address, self._script, self._health, self._patience)
        return self._lanes.setdefault(loop, made)
