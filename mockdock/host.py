"""Uvicorn as it serves here: it tells when it is ready, stops at once, and has no timers."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from email.utils import formatdate
from functools import partial
from types import FrameType
from typing import Any, Protocol, cast

import uvicorn
from uvicorn.server import ServerState

from mockdock.delivery import (
    Gate,
    Guarded,
    HttpName,
    Rest,
    Share,
    Taking,
    begun_by,
    protocol,
    wire_of,
)
from mockdock.sockets import BACKLOG

__all__ = ["Host", "Served", "run"]

_LEAST_GRACE = 0.05
_NEW_OBJECTS, _YOUNGER = 20_000, 50
"""How many objects and collections of younger ones come before a collection of garbage."""
_KEEP_ALIVE = 75
"""Seconds an idle connection is kept; clients pool for less, and must close first."""


class Served(Protocol):
    """An ASGI application that has a last word."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        ...

    async def turn_away(self, send: Any) -> None:
        """Answer a request that cannot be served any more."""
        ...


class _State(ServerState):
    """What the connections of uvicorn share; the date is looked up when it is told."""

    _told = (0, b"")

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers of every reply."""
        now = int(time.time())
        if self._told[0] != now:
            self._told = now, formatdate(now, usegmt=True).encode()
        return [(b"date", self._told[1])]

    @default_headers.setter
    def default_headers(self, _: list[tuple[bytes, bytes]]) -> None:
        """Nothing: uvicorn sets them ten times a second."""


class Host(uvicorn.Server):
    """Tells when it is ready, and ends with success when asked to stop.

    A gate stands before its listeners, which a fault may shut for a while, unless other
    processes have them as well: it takes its ``share`` of the connections then. ``begun`` is
    told of it once it listens; ``last`` is awaited after the last reply.
    """

    def __init__(
        self,
        app: Served,
        grace: float,
        *,
        http: HttpName = "auto",
        share: Share | None = None,
        begun: Callable[[Host], None] | None = None,
        last: Callable[[], Awaitable[None]] | None = None,
        **options: Any,
    ) -> None:
        self._share = share
        self._begun = begun
        self._last = last
        self.gate = Gate(protocol(http), shared=share is not None)
        settings: dict[str, Any] = {
            "lifespan": "off",
            "log_config": None,
            "access_log": False,
            "server_header": False,
            "ws": "none",
            "proxy_headers": False,
            "backlog": BACKLOG,
            "http": self.gate,
            "timeout_keep_alive": _KEEP_ALIVE,
            # With none at all uvicorn complains even when nobody waits for a reply.
            "timeout_graceful_shutdown": max(grace, _LEAST_GRACE),
        }
        served = _Stoppable(app, lambda: self.should_exit)
        super().__init__(uvicorn.Config(served, **{**settings, **options}))
        self.server_state = _State()
        self.ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked = asyncio.Event()

    def stop(self) -> None:
        """Ask it to stop, from any thread or a signal handler."""
        self.should_exit = True
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop has been closed: it has stopped
                loop.call_soon_threadsafe(self._asked.set)

    async def main_loop(self) -> None:
        """Serve until asked to stop.

        Uvicorn looks ten times a second whether it is, and for the date.
        """
        self._loop = asyncio.get_running_loop()
        if not self.should_exit:
            await self._asked.wait()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and tell that it is ready."""
        await super().startup(sockets if self._share is None else [])
        if self._share is not None:
            state, ssl = self.server_state, self.config.ssl
            taking = [
                Taking(each, self._made, state.connections, self._share, ssl)
                for each in sockets or ()
            ]
            self.servers += cast("list[asyncio.base_events.Server]", taking)
        self.gate.guard(Guarded(self.servers, self._listen, self.server_state.connections))
        self.ready.set()
        if self._begun is not None:
            self._begun(self)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let running replies end, and listen no more."""
        self.gate.leave()
        try:
            await super().shutdown(sockets)
        finally:
            if self._last is not None:
                await self._last()

    async def _listen(self, listener: socket.socket) -> asyncio.base_events.Server:
        """Listen again, as uvicorn did at the start."""
        config = self.config
        return await asyncio.get_running_loop().create_server(
            self._made, sock=listener, ssl=config.ssl, backlog=config.backlog
        )

    def _made(self) -> asyncio.Protocol:
        """Make the protocol of a connection, as uvicorn does."""
        return self.gate(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Finish running replies; a second signal does not wait for them.

        Uvicorn would raise the signal again at the end, and exit non-zero.
        """
        self.force_exit = self.should_exit
        self.stop()


class _Stoppable:
    """Lets a reply that is cancelled at the end of the grace period end without a trace.

    One that has begun is found without an end, and its connection is closed;
    one that has not becomes the provider's "overloaded". Who may wait for long
    finds in the scope whether the server is ``stopping``.
    """

    def __init__(self, app: Served, stopping: Callable[[], bool]) -> None:
        self._app = app
        self._begin = begun_by(app)
        self._stopping = stopping

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        rest = self.begin(scope, receive, send)
        if rest is not None:
            await rest()

    def begin(self, scope: Any, receive: Any, send: Any) -> Rest | None:
        """Serve one connection as far as that goes without waiting; see ``App.begin``."""
        scope["mockdock.stopping"] = self._stopping
        rest = self._begin(scope, receive, send)
        return None if rest is None else partial(self._until_stopped, rest, scope, send)

    async def _until_stopped(self, rest: Rest, scope: Any, send: Any) -> None:
        try:
            await rest()
        except asyncio.CancelledError:
            wire = wire_of(scope)
            if wire is not None and not wire.begun:
                await self._app.turn_away(send)


def run(app: Served, listener: socket.socket, grace: float, **options: Any) -> None:
    """Serve in this thread until SIGINT or SIGTERM.

    Running replies get ``grace`` seconds to finish. ``options`` are those of ``Host``, or go to
    uvicorn: access_log, ssl_certfile, ssl_keyfile. The process is taken to be the server's own.
    """
    # What the journal keeps lives long and holds no cycles. To look it through for them every
    # 700 new objects takes a third of the time of a request; what was imported never goes.
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, _YOUNGER, _YOUNGER)
    Host(app, grace, **options).run(sockets=[listener])
