"""The one place that waits and sends."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, MutableMapping
from functools import lru_cache, partial
from typing import Any, Literal

from mockdock.delivery.clock import Clock
from mockdock.delivery.wire import Rest, Wire, is_loss
from mockdock.frames import Cut, Frame, Head, Outcome, Raw

__all__ = ["Client", "at_once", "deliver"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Recorder = Callable[[Outcome], Awaitable[None] | None]

_FLUSH = 64 * 1024
"""Bytes that are due are gathered into one write until there are so many."""
_NO_SOCKET = (
    "a fault of the wire needs a socket: use a mockdock server, not the app in this process"
)


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

    @property
    def watched(self) -> bool:
        """Whether it is known if the client has left."""
        return self._watch is not None

    def watch(self) -> None:
        """See from now on whether the client goes away."""
        if self._watch is None:
            self._watch = asyncio.ensure_future(self._until_gone())

    async def wait_until(self, due: float, *, first: bool = False) -> None:
        """Wait until a moment of the clock has come, or the client has left.

        Who waits for his ``first`` frame goes before others.
        """
        if self.left:
            return
        self.watch()
        wake = asyncio.get_running_loop().create_future()
        self._wake = wake
        timer = self._clock.call_at(due, self.wake, first=first)
        try:
            await wake
        finally:
            timer.cancel()
            self._wake = None

    def wake(self) -> None:
        """Wait no longer, whatever for."""
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def close(self) -> None:
        """Watch no longer."""
        watch, self._watch = self._watch, None  # or it would hold on to us, and we to it
        if watch is not None:
            watch.cancel()

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.left = True
        self.wake()


class _Outlet:
    """Gathers bytes and writes them together, the head before the first.

    ``full`` is how many bytes are held before they leave. Once ``raw``, all
    bytes pass HTTP by.
    """

    def __init__(self, head: Head, send: Send, client: Client, wire: Wire | None) -> None:
        self._head: Head | None = head
        self._send = send
        self._client = client
        self._wire = wire
        self.buffer = bytearray()
        self.full = _FLUSH
        self.raw = False
        self._held = self._frames = self._sent = 0
        self._began: float | None = None

    def add(self, item: Frame | Raw) -> None:
        """Hold a frame until it leaves with others."""
        self.buffer += item.data
        self._held += item.count

    def outcome(self, ending: Literal["client_left", "stopped"]) -> Outcome:
        """Tell what has left, where that was all."""
        return Outcome(ending, self._frames, self._sent, self._head is not None, self._began)

    async def flush(self, *, more: bool) -> None:
        body = bytes(self.buffer)
        self.buffer.clear()
        self.full = _FLUSH
        self._sent += len(body)
        self._frames, self._held = self._frames + self._held, 0
        if self.raw:
            await self._bypass(body)
            return
        try:
            if self._head is not None:
                head, self._head = self._head, None
                self._began = time.monotonic()
                start = {"status": head.status, "headers": head.headers}
                await self._send({"type": "http.response.start", **start})
            await self._send({"type": "http.response.body", "body": body, "more_body": more})
        except RuntimeError as error:
            if not is_loss(error):
                raise
            self._client.left = True

    async def wait_until(self, due: float, clock: Clock) -> float:
        """Wait for a moment, or until the client has left, and hold nothing meanwhile.

        Give the moment that has come.
        """
        while not self._client.left and not clock.is_due(due):
            if self.buffer:
                await self.flush(more=True)
            await self._client.wait_until(due, first=self._head is not None)
        return clock.now()

    async def part(self, item: Frame | Raw | Cut) -> Cut | None:
        """Let what comes before an item leave, and the item apart from what follows.

        Give the cut when there is one, or raw bytes have nowhere to go.
        """
        if isinstance(item, Cut):
            return item
        raw = isinstance(item, Raw)
        if raw and self._wire is None:
            return Cut()
        if self.buffer or (raw and not self.raw):
            await self.flush(more=True)
            await asyncio.sleep(0)
        self.raw = self.raw or raw
        self.full = 0
        return None

    async def end(self, cut: Cut | None, clock: Clock, record: Recorder) -> None:
        """Send what is held, and end the reply, or the connection."""
        if cut is None and self.raw:
            cut = Cut()
        flushes = cut is None or bool(self.buffer) or self.full == 0
        frames, sent = self._frames + self._held, self._sent + len(self.buffer)
        headless = self._head is not None and not flushes
        ending: Literal["completed", "cut"] = "completed" if cut is None else "cut"
        await _told(record, Outcome(ending, frames, sent, headless, self._began))
        if flushes:
            await self.flush(more=cut is not None)
        if cut is not None:
            await self._connection.cut(cut, clock)

    async def _bypass(self, body: bytes) -> None:
        self._connection.write(body)
        await self._connection.drain()

    @property
    def _connection(self) -> Wire:
        if self._wire is None:
            raise ConnectionResetError(_NO_SOCKET)
        return self._wire


async def _told(record: Recorder, outcome: Outcome) -> None:
    """Tell an outcome, and wait where that takes its time."""
    recorded = record(outcome)
    if recorded is not None:
        await recorded


def deliver(
    head: Head,
    timed: Iterator[tuple[float, Frame | Raw | Cut]],
    *,
    clock: Clock,
    client: Client,
    send: Send,
    record: Recorder,
    wire: Wire | None = None,
    sole: Frame | None = None,
) -> Coroutine[Any, Any, None]:
    """Send the head and every frame when it is due.

    Frames that are due together leave in one write; a late loop catches up
    instead of adding its delay to every frame. What is due at an infinite
    moment is waited for until the client leaves. ``record`` gets the outcome
    once: before the last byte leaves, before the connection is cut, when the
    client has gone away, or when what is left is cancelled, because the server
    stops, or fails to be made. What it gives is awaited, but by what is cancelled.
    Raises what making it raises, and ConnectionResetError for raw bytes and cuts
    without a ``wire``. A ``sole`` frame is all there is instead, due already and not broken.
    """
    if sole is not None and not client.watched:
        return _sole(head, sole, send, record, wire)
    if sole is not None:
        timed = iter(((-math.inf, sole),))
    return _in_time(_Outlet(head, send, client, wire), timed, clock, client, record)


async def _in_time(
    outlet: _Outlet,
    timed: Iterator[tuple[float, Frame | Raw | Cut]],
    clock: Clock,
    client: Client,
    record: Recorder,
) -> None:
    over = False
    cut = None
    reached = -math.inf  # what was due once stays so
    try:
        for due, item in timed:
            if len(outlet.buffer) >= outlet.full and not isinstance(item, Cut):
                client.watch()
                await outlet.flush(more=True)
                await asyncio.sleep(0)  # others get their turn, and a client that left is seen
            if due > reached:
                ahead = not clock.is_due(due)
                reached = await outlet.wait_until(due, clock) if ahead else clock.now()
            if client.left:
                over = True
                await _told(record, outlet.outcome("client_left"))
                return
            if item.flush:
                cut = await outlet.part(item)
                if cut is not None:
                    break
            if not isinstance(item, Cut):
                outlet.add(item)
        over = True
        await outlet.end(cut, clock, record)
    except BaseException:
        if not over:
            record(outlet.outcome("stopped"))
        raise
    finally:
        client.close()


async def _sole(head: Head, frame: Frame, send: Send, record: Recorder, wire: Wire | None) -> None:
    rest = at_once(head, frame, send, record, wire)
    if rest is not None:
        await rest()


def at_once(
    head: Head,
    frame: Frame,
    send: Send,
    record: Recorder,
    wire: Wire | None,
) -> Rest | None:
    """Send a reply that is whole: nothing is gathered, and nobody waits.

    Gives what is left to do, None where all has left.
    """
    body = frame.data
    recorded = record(_whole(frame.count, len(body)))
    if recorded is not None:
        return partial(_after, recorded, head, body, send, wire)
    if wire is not None and wire.reply(head, body):
        return None
    return partial(_in_two, head, body, send)


async def _after(
    recorded: Awaitable[None], head: Head, body: bytes, send: Send, wire: Wire | None
) -> None:
    """Send a whole reply once it is recorded."""
    await recorded
    if wire is None or not wire.reply(head, body):
        await _in_two(head, body, send)


async def _in_two(head: Head, body: bytes, send: Send) -> None:
    """Send a head, then a body."""
    try:
        await send({"type": "http.response.start", "status": head.status, "headers": head.headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})
    except RuntimeError as error:
        if not is_loss(error):
            raise


@lru_cache(256)
def _whole(frames: int, sent: int) -> Outcome:
    return Outcome("completed", frames, sent)
