"""The one place that waits and sends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

from mockdock.delivery.clock import Clock
from mockdock.frames import Frame, Head, Outcome

__all__ = ["deliver"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_FLUSH = 64 * 1024
"""Bytes that are due are gathered into one write until there are so many."""


class _Client:
    """Waits for a moment, or for the client to go away, whichever is first."""

    def __init__(self, receive: Receive, clock: Clock) -> None:
        self._receive = receive
        self._clock = clock
        self._watch: asyncio.Task[None] | None = None
        self._wake: asyncio.Future[None] | None = None
        self.left = False

    async def wait_until(self, due: float) -> None:
        if self.left:
            return
        if self._watch is None:
            self._watch = asyncio.ensure_future(self._until_gone())
        wake = asyncio.get_running_loop().create_future()
        self._wake = wake
        timer = self._clock.call_at(due, self._ring)
        try:
            await wake
        finally:
            timer.cancel()
            self._wake = None

    def close(self) -> None:
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


async def deliver(
    head: Head,
    timed: Iterator[tuple[float, Frame]],
    *,
    clock: Clock,
    receive: Receive,
    send: Send,
    record: Callable[[Outcome], None],
) -> None:
    """Send the head and every frame when it is due.

    Frames that are due together leave in one write; a late loop catches up
    instead of adding its delay to every frame. ``record`` gets the outcome
    once: before the last byte leaves, when the client has gone away, or when
    the server stops and cancels what is left.
    """
    client = _Client(receive, clock)
    buffer = bytearray()
    started = complete = False
    frames = sent = 0

    async def flush(*, more: bool) -> None:
        nonlocal started, sent
        if not started:
            started = True
            await send(
                {"type": "http.response.start", "status": head.status, "headers": head.headers}
            )
        body = bytes(buffer)
        buffer.clear()
        sent += len(body)
        await send({"type": "http.response.body", "body": body, "more_body": more})

    try:
        for due, frame in timed:
            if len(buffer) >= _FLUSH:
                await flush(more=True)
            while not client.left and not clock.is_due(due):
                if buffer:
                    await flush(more=True)
                await client.wait_until(due)
            if client.left:
                record(Outcome("client_left", frames, sent))
                return
            buffer += frame.data
            frames += 1
        complete = True
        record(Outcome("completed", frames, sent + len(buffer)))
        await flush(more=False)
    except asyncio.CancelledError:
        if not complete:
            record(Outcome("stopped", frames, sent))
        raise
    finally:
        client.close()
