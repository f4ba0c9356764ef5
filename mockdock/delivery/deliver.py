"""The one place that waits and sends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

from mockdock.delivery.clock import Clock
from mockdock.frames import Frame, Head, Outcome

__all__ = ["Client", "deliver"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_FLUSH = 64 * 1024
"""Bytes that are due are gathered into one write until there are so many."""


class Client:
    """Waits for a moment, or for the client to go away, whichever is first.

    ``receive`` has given the whole body. ``left`` is only known while watched.
    """

    def __init__(self, receive: Receive, clock: Clock) -> None:
        self._receive = receive
        self._clock = clock
        self._watch: asyncio.Task[None] | None = None
        self._wake: asyncio.Future[None] | None = None
        self.left = False

    def watch(self) -> None:
        """See from now on whether the client goes away."""
        if self._watch is None:
            self._watch = asyncio.ensure_future(self._until_gone())

    async def wait_until(self, due: float) -> None:
        """Wait until a moment of the clock has come, or the client has left."""
        if self.left:
            return
        self.watch()
        wake = asyncio.get_running_loop().create_future()
        self._wake = wake
        timer = self._clock.call_at(due, self._ring)
        try:
            await wake
        finally:
            timer.cancel()
            self._wake = None

    def close(self) -> None:
        """Watch no longer."""
        if self._watch is not None:
            self._watch.cancel()

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.left = True
        self._ring()

    def _ring(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)


class _Outlet:
    """Gathers bytes and writes them together, the head before the first."""

    def __init__(self, head: Head, send: Send, client: Client) -> None:
        self._head: Head | None = head
        self._send = send
        self._client = client
        self.buffer = bytearray()
        self.sent = 0

    async def flush(self, *, more: bool) -> None:
        try:
            if self._head is not None:
                head, self._head = self._head, None
                start = {"status": head.status, "headers": head.headers}
                await self._send({"type": "http.response.start", **start})
            body = bytes(self.buffer)
            self.buffer.clear()
            self.sent += len(body)
            await self._send({"type": "http.response.body", "body": body, "more_body": more})
        except RuntimeError as error:
            # What uvloop says of a connection that has just been lost.
            if "closed" not in str(error):
                raise
            self._client.left = True


async def deliver(
    head: Head,
    timed: Iterator[tuple[float, Frame]],
    *,
    clock: Clock,
    client: Client,
    send: Send,
    record: Callable[[Outcome], None],
) -> None:
    """Send the head and every frame when it is due.

    Frames that are due together leave in one write; a late loop catches up
    instead of adding its delay to every frame. ``record`` gets the outcome
    once: before the last byte leaves, when the client has gone away, or when
    the server stops and cancels what is left.
    """
    outlet = _Outlet(head, send, client)
    frames = 0
    complete = False
    try:
        for due, frame in timed:
            if len(outlet.buffer) >= _FLUSH:
                client.watch()
                await outlet.flush(more=True)
                await asyncio.sleep(0)  # others get their turn, and a client that left is seen
            while not client.left and not clock.is_due(due):
                if outlet.buffer:
                    await outlet.flush(more=True)
                await client.wait_until(due)
            if client.left:
                record(Outcome("client_left", frames, outlet.sent))
                return
            outlet.buffer += frame.data
            frames += 1
        complete = True
        record(Outcome("completed", frames, outlet.sent + len(outlet.buffer)))
        await outlet.flush(more=False)
    except asyncio.CancelledError:
        if not complete:
            record(Outcome("stopped", frames, outlet.sent))
        raise
    finally:
        client.close()
