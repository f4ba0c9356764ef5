"""A connection in the hands of who delivers: bytes past HTTP, and its end."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import sys
import weakref
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from mockdock.delivery.clock import Clock
from mockdock.delivery.gate import Gate
from mockdock.frames import Cut, Head

__all__ = ["EXTENSION", "Begin", "Rest", "Whole", "Wire", "begun_by", "is_loss", "wire_of", "wired"]

EXTENSION = "mockdock.wire"
"""Where an application finds its connection, among the extensions of the scope."""

Whole = Callable[[Any, Head, bytes], bool]
"""Writes a whole reply of a cycle in one go, and tells whether it could."""

Rest = Callable[[], Awaitable[None]]
"""What is left to do of a request."""
Begin = Callable[[Any, Any, Any], Rest | None]
"""Serves a request as far as that goes without waiting, and gives the rest."""

_PATIENCE = 5.0
"""Real seconds that bytes get to leave before a reset, which would destroy them."""
_STEPS = (0.0, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
_UNIX = getattr(socket, "AF_UNIX", None)
_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Wire:
    """The connection of one request, for as long as its reply is on the way.

    ``cycle`` is uvicorn's request and response, which holds this one and is not
    held by it; ``gate`` is what new connections meet. ``whole`` is what writes replies in
    one go, where anything does.
    """

    __slots__ = ("_cycle_of", "_gate", "_whole")

    def __init__(self, cycle: Any, gate: Gate | None, whole: Whole | None = None) -> None:
        self._cycle_of = weakref.ref(cycle)
        self._gate = gate
        self._whole = whole

    @property
    def _cycle(self) -> Any:
        return self._cycle_of()

    @property
    def begun(self) -> bool:
        """Whether anything of the reply has left."""
        begun: bool = self._cycle.response_started
        return begun

    @property
    def body(self) -> bytes | None:
        """The body of the request, where all of it came at once, else None."""
        body: bytes | None = getattr(self._cycle, "whole_body", None)
        return body

    def reply(self, head: Head, body: bytes) -> bool:
        """Send a whole reply in one write; False where it has to go the usual way.

        A connection that has just been lost takes it as well.
        """
        try:
            return self._whole is not None and self._whole(self._cycle, head, body)
        except RuntimeError as error:
            if is_loss(error):
                return True
            raise

    def write(self, data: bytes) -> None:
        """Send bytes as they are; none in reply to HEAD, which has no body."""
        cycle = self._cycle
        if cycle.scope["method"] != "HEAD" and not cycle.transport.is_closing():
            cycle.transport.write(data)

    async def drain(self) -> None:
        """Wait while the client does not take what it has been sent."""
        await self._cycle.flow.drain()

    async def cut(self, cut: Cut, clock: Clock) -> None:
        """End the connection, and let the gate do what the cut says."""
        if cut.gate is not None and self._gate is not None:
            self._gate.shut(cut.gate, cut.lasts, clock)
        if cut.reset:
            await self.reset()
        else:
            self.close()

    def close(self) -> None:
        """End the connection with FIN, after all bytes."""
        self._give_up()
        self._cycle.transport.close()

    async def reset(self) -> None:
        """End the connection with RST, once all bytes before it have reached the client.

        A client that takes none for five seconds loses them. A Unix socket knows
        no RST: it is closed.
        """
        self._give_up()
        transport = self._cycle.transport
        try:
            await _empty(transport)
            connection = transport.get_extra_info("socket")
            if not transport.is_closing() and connection.family != _UNIX:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
        finally:
            transport.abort()

    def _give_up(self) -> None:
        """Let uvicorn expect no more of this reply, and begin no other on this connection."""
        self._cycle.disconnected = self._cycle.response_complete = True


def wired(app: Any, gate: Gate | None, whole: Whole | None = None) -> Any:
    """Let an application find its connection in its scope; for the protocols of uvicorn."""

    def served(scope: Any, receive: Any, send: Any) -> Any:
        others = scope.get("extensions") or {}
        scope["extensions"] = {**others, EXTENSION: Wire(send.__self__, gate, whole)}
        return app(scope, receive, send)

    return served


def begun_by(app: Any) -> Begin:
    """Give what begins to serve by an application: of one that knows no beginning all is rest."""
    begin: Begin = getattr(app, "begin", partial(partial, app))
    return begin


def is_loss(error: RuntimeError) -> bool:
    """Tell whether it is what uvloop says of a connection that has just been lost."""
    return "closed" in str(error)


def wire_of(scope: Mapping[str, Any]) -> Wire | None:
    """Give the connection of a request, None where there is no socket of ours."""
    found: Wire | None = scope.get("extensions", {}).get(EXTENSION)
    return found


async def _empty(transport: Any) -> None:
    """Wait until nothing is left to send, neither here nor in the kernel."""
    loop = asyncio.get_running_loop()
    end = loop.time() + _PATIENCE
    step = 0
    while not transport.is_closing() and _unsent(transport) and loop.time() < end:
        await asyncio.sleep(_STEPS[step])
        step = min(step + 1, len(_STEPS) - 1)


def _unsent(transport: Any) -> int:
    waiting: int = transport.get_write_buffer_size()
    if waiting or sys.platform != "linux":
        return waiting
    return _queued(transport.get_extra_info("socket").fileno())


def _queued(descriptor: int) -> int:
    """Ask the kernel how many bytes the other side has not acknowledged (SIOCOUTQ)."""
    import fcntl  # noqa: PLC0415 - not everywhere
    import termios  # noqa: PLC0415

    answer = fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4))
    waiting: int = struct.unpack("i", answer)[0]
    return waiting
