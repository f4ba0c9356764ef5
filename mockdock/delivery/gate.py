"""What new connections meet: the server, nobody, or a door that is closed at once."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from mockdock.delivery.clock import Clock, Timer

__all__ = ["Gate", "Guarded"]

Shut = Literal["refuse", "close"]

_TRIES = 100
_PAUSE = 0.1
"""Real seconds between two tries to listen again."""

_log = logging.getLogger("mockdock")


class Guarded(Struct, frozen=True):
    """What a gate stands before.

    ``servers`` are the listeners, a list that is changed in place. ``listen``
    serves a bound socket. Each of ``connections`` has ``shutdown``, which
    closes an idle one, and lets a busy one finish its reply first.
    """

    servers: list[asyncio.base_events.Server]
    listen: Callable[[socket.socket], Awaitable[asyncio.base_events.Server]]
    connections: Collection[Any]


class _Closed(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class Gate:
    """Makes the protocol of each new connection, and stops doing so for a while.

    ``protocol`` is uvicorn's protocol class; the gate stands in its place. As
    long as several faults keep it shut, it is: the last one to end opens it. Where its
    listeners are ``shared`` with other processes it stays open, and says so once.
    """

    def __init__(self, protocol: Callable[..., asyncio.Protocol], *, shared: bool = False) -> None:
        self._protocol = protocol
        self._shared = shared
        self._told = False
        self._guarded: Guarded | None = None
        self._shut: dict[Shut, dict[object, tuple[Clock, float]]] = {"refuse": {}, "close": {}}
        self._timers: dict[object, Timer] = {}
        self._held: list[tuple[_Address, socket.socket | None]] = []
        self._opening: asyncio.Task[None] | None = None

    def __call__(self, **settings: Any) -> asyncio.Protocol:
        """Make the protocol of one connection; ``settings`` are uvicorn's."""
        if any(not clock.is_due(due) for clock, due in self._shut["close"].values()):
            return _Closed()
        return self._protocol(gate=self, **settings)

    def guard(self, guarded: Guarded) -> None:
        """Begin to stand before listeners that are open."""
        self._guarded = guarded

    def shut(self, how: Shut, lasts: float, clock: Clock) -> None:
        """Refuse or close new connections for so many scenario seconds, and drop idle ones.

        At time scale 0 the time is over as soon as the loop turns.
        """
        guarded = self._guarded
        if guarded is None:
            return
        if self._shared:
            if not self._told:
                _log.warning("new connections come in all the same: other processes take them")
            self._told = True
            return
        mark = object()
        due = clock.now() + lasts
        self._shut[how][mark] = clock, due
        if how == "refuse" and guarded.servers:
            self._close(guarded)
        for connection in tuple(guarded.connections):
            connection.shutdown()
        self._timers[mark] = clock.call_at(due, partial(self._end, how, mark))

    def leave(self) -> None:
        """Stand before nothing any more: the server stops."""
        self._guarded = None
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for _, held in self._held:
            if held is not None:
                held.close()
        self._held.clear()

    def _close(self, guarded: Guarded) -> None:
        addresses = [
            _Address(each.family, each.getsockname())
            for server in guarded.servers
            for each in server.sockets
        ]
        for server in guarded.servers:
            server.close()
        guarded.servers.clear()
        # Bound and not listening: connections are refused, and nobody else gets the port.
        self._held += [(address, address.claim()) for address in addresses]

    def _end(self, how: Shut, mark: object) -> None:
        self._timers.pop(mark, None)
        self._shut[how].pop(mark, None)
        if self._held and self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        """Listen again everywhere, unless shut or left meanwhile."""
        try:
            while (guarded := self._guarded) and self._held and not self._shut["refuse"]:
                server = await self._listen(guarded, *self._held.pop())
                if server is not None:
                    guarded.servers.append(server)
                if self._guarded is None:
                    for server in guarded.servers:
                        server.close()
                elif self._shut["refuse"]:
                    self._close(guarded)
        finally:
            self._opening = None

    async def _listen(
        self, guarded: Guarded, address: _Address, held: socket.socket | None
    ) -> asyncio.base_events.Server | None:
        """Listen with a bound socket, or with another as soon as the address can be had."""
        for _ in range(_TRIES):
            if held is None:
                await asyncio.sleep(_PAUSE)
                if self._guarded is None:
                    return None
                held = address.claim()
            if held is not None:
                try:
                    return await guarded.listen(held)
                except BaseException as error:
                    held.close()
                    if not isinstance(error, OSError):
                        raise
                held = None
        _log.error(
            "somebody else has taken %s while connections were refused; "
            "nobody reaches mockdock there any more",
            address,
        )
        return None


class _Address(Struct, frozen=True):
    family: int
    name: Any

    def claim(self) -> socket.socket | None:
        """Bind a socket that does not listen, None when the address is taken."""
        held = socket.socket(self.family, socket.SOCK_STREAM)
        try:
            if os.name == "posix":
                held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if isinstance(self.name, str):
                Path(self.name).unlink(missing_ok=True)
            held.bind(self.name)
        except OSError:
            held.close()
            return None
        return held

    def __str__(self) -> str:
        return self.name if isinstance(self.name, str) else "{}:{}".format(*self.name[:2])
