"""Connections of a listener that several processes have: who has fewest takes the next."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Sized
from contextlib import suppress

from mockdock.delivery.shares import Share

__all__ = ["Taking"]

_MOMENT, _PATIENCE = 0.001, 0.005
"""Real seconds after which is looked whether others still have fewer, and that they get."""
_OVER = 0.02
"""Real seconds after which others get them anew."""
_PAUSE = 1.0
"""Real seconds in which none is taken where none can be: all descriptors are in use."""

_log = logging.getLogger("mockdock")


class Taking:
    """Takes connections, one in each turn of the loop, until it is closed.

    The server of an event loop takes all that wait at once, and one process would do the
    work of all. Here each lets those go first that have fewer ``connections``, for some
    milliseconds at most: one of them may be busy, or stand still. ``made`` makes the
    protocol of each connection.
    """

    def __init__(
        self,
        listener: socket.socket,
        made: Callable[[], asyncio.Protocol],
        connections: Sized,
        share: Share,
        encrypted: ssl.SSLContext | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._made = made
        self._connections = connections
        self._share = share
        self._encrypted = encrypted
        self._begun: set[asyncio.Task[None]] = set()
        self._again: asyncio.TimerHandle | None = None
        self._since = -_OVER
        listener.setblocking(False)
        self._share.is_large(0)
        self._listen()

    def close(self) -> None:
        """Take no more."""
        if self._again is None:
            self._loop.remove_reader(self._listener)
        else:
            self._again.cancel()

    async def wait_closed(self) -> None:
        """Wait for those that were taken to be connections."""
        if self._begun:
            await asyncio.wait(self._begun)

    def _listen(self) -> None:
        self._again = None
        self._loop.add_reader(self._listener, self._take)

    def _wait(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._again = self._loop.call_later(seconds, self._listen)

    def _take(self) -> None:
        mine = len(self._connections) + len(self._begun)
        if self._share.is_large(mine):
            now = self._loop.time()
            if now - self._since >= _OVER:
                self._since = now
            if now - self._since < _PATIENCE:
                self._wait(_MOMENT)
                return
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another process was quicker, or the client has left
        except OSError as error:
            _log.error("no connection can be taken: %s", error.strerror or error)
            self._wait(_PAUSE)
            return
        self._since = -_OVER
        task = self._loop.create_task(self._connect(connection))
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        self._share.is_large(mine + 1)

    async def _connect(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        with suppress(OSError):  # not on a Unix socket
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Who does not shake hands, or leaves before, is nobody.
        with suppress(OSError):
            await self._loop.connect_accepted_socket(self._made, connection, ssl=self._encrypted)
