"""What a process has to tell Redis: in its order, each thing once, and kept while it is away."""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar

from msgspec import Struct

from mockdock.errors import StoreError

__all__ = ["Letter", "Outbox"]

T = TypeVar("T")

_MOST = 10_000
_MOST_BYTES = 64_000_000
_TOGETHER = 256
_TOGETHER_BYTES = 250_000
_AGAIN = 1.0
"""Real seconds after which it is tried again to send what has to be sent."""

_log = logging.getLogger("mockdock")


class Letter(Struct, Generic[T], eq=False):
    """Something to tell, of about so many bytes, with a serial once it was posted.

    What is told because an ``exchange`` ends is waited for, and counted where it is lost.
    """

    content: T
    size: int
    exchange: bool = True
    serial: int = 0
    done: asyncio.Future[None] | None = None

    def settle(self) -> None:
        """Let nobody wait for it any longer."""
        _settle(self.done)
        self.done = None


Send = Callable[[str, Sequence[Letter[Any]]], Awaitable[None] | None]
"""Sends letters in the name of a writer. Serials of a writer rise; letters whose fate is not
known come again, the very same together, before later ones."""


class Outbox(Generic[T]):
    """Letters on their way; those that come while others are sent go together.

    What cannot be sent is kept, tried again every second, and as soon as somebody has reached
    Redis, and sent before what is newer; meanwhile nobody waits. Apart from those that perhaps
    were sent, 10,000 letters or 64 MB are kept; then the oldest are dropped, and the
    exchanges among them counted, which the log tells. Any loop and any thread may use it;
    the order is that of each loop, and of all threads without one. Never raises StoreError.
    """

    def __init__(self, send: Send, what: str, away: Callable[[], bool]) -> None:
        """Send what the log calls ``what``; ``away`` tells whether Redis is known to be."""
        self._given = send, what, away
        self._couriers: dict[asyncio.AbstractEventLoop, _Courier[T]] = {}
        self._threads = _Courier[T](*self._given)
        self._lock = threading.Lock()

    def post(self, letter: Letter[T]) -> Awaitable[None] | None:
        """Send a letter: at once in a thread, in a loop soon, and by then where this is awaited.

        Where Redis is away it goes later, and nothing is awaited.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            with self._lock:
                self._threads.add(letter)
                self._threads.send_now()
            return None
        courier = self._couriers.get(loop)
        if courier is None:
            courier = self._couriers[loop] = self._heir() or _Courier(*self._given)
        return courier.post(letter, loop)

    async def flush(self) -> None:
        """Try at once to send what this loop has to send."""
        courier = self._couriers.get(asyncio.get_running_loop())
        if courier is not None:
            await courier.flush()

    def flush_threads(self) -> None:
        """Try at once to send what threads have to send."""
        with self._lock:
            self._threads.send_now()

    async def aclose(self) -> None:
        """Send what is left of this loop and of threads, if that is possible now."""
        courier = self._couriers.pop(asyncio.get_running_loop(), None)
        if courier is not None:
            await courier.aclose()
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Send what is left of threads, if that is possible now."""
        with self._lock:
            self._threads.send_now()
            self._threads.abandon()

    def _heir(self) -> _Courier[T] | None:
        """Take over what a loop that ended has left; what others have is lost."""
        heir = None
        for loop in [each for each in tuple(self._couriers) if each.is_closed()]:
            left = self._couriers.pop(loop)
            if heir is None:
                heir = left
                heir.move()
            else:
                left.abandon()
        return heir


class _Courier(Generic[T]):
    """Sends what one loop, or one thread at a time, has to send."""

    def __init__(self, send: Send, what: str, away: Callable[[], bool]) -> None:
        self._send = send
        self._what = what
        self._is_away = away
        self._writer = secrets.token_hex(8)
        self._serials = itertools.count(1)
        self._waiting: deque[Letter[T]] = deque()
        self._bytes = 0
        self._batch: list[Letter[T]] = []
        """What goes next, or went and was not heard of."""
        self._dropped = 0
        self._keeps = False
        self._until_back = False
        """Whether Redis was known to be away when it was tried last."""
        self._flushes: list[tuple[int, asyncio.Future[None]]] = []
        self._work: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._closing = False

    def add(self, letter: Letter[T]) -> None:
        """Take a letter; what waits for Redis that is there waits with its reply, however much."""
        letter.serial = next(self._serials)
        self._waiting.append(letter)
        self._bytes += letter.size
        if self._keeps:
            self._trim()

    def _trim(self) -> None:
        """Drop what is too much."""
        while len(self._waiting) > 1 and (len(self._waiting) > _MOST or self._bytes > _MOST_BYTES):
            gone = self._waiting.popleft()
            self._bytes -= gone.size
            self._dropped += gone.exchange
            gone.settle()

    def post(
        self, letter: Letter[T], loop: asyncio.AbstractEventLoop
    ) -> asyncio.Future[None] | None:
        """Send soon; give what is to be awaited by who wants it sent."""
        self.add(letter)
        if letter.exchange and (not self._keeps or self._is_back()):
            letter.done = loop.create_future()
        self._begin(loop)
        return letter.done

    async def flush(self) -> None:
        """Try at once to send what there is."""
        if held := self._waiting or self._batch:
            loop = asyncio.get_running_loop()
            tried = loop.create_future()
            self._flushes.append((held[-1].serial, tried))
            self._hurry.set()
            self._begin(loop)
            await tried

    async def aclose(self) -> None:
        """Send what is left, if that is possible now."""
        self._closing = True
        self._hurry.set()
        if self._work is not None:
            await asyncio.wait([self._work])
        self.abandon()

    def send_now(self) -> None:
        """Send what there is, where no loop is."""
        try:
            while self._next():
                sent = self._send(self._writer, self._batch)
                assert sent is None, "without a loop nothing is to be awaited"
                self._sent()
        except StoreError as error:
            self._keep(error)

    def move(self) -> None:
        """Leave the loop, which has ended."""
        self._work = None
        self._hurry = asyncio.Event()
        self._flushes.clear()
        for each in (*self._batch, *self._waiting):
            each.done = None

    def abandon(self) -> None:
        """Forget what is left, and say how much that was."""
        lost = self._dropped + sum(each.exchange for each in (*self._batch, *self._waiting))
        if lost:
            _log.warning("%s could not be written: %s lost", self._what, _counted(lost))
        self._waiting.clear()
        self._batch = []
        self._bytes = self._dropped = 0

    def _is_back(self) -> bool:
        """Tell whether the outage that letters are kept for has ended, and then do not pause."""
        if not self._until_back or self._is_away():
            return False
        self._hurry.set()
        return True

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._work is None:
            self._work = loop.create_task(self._drain())

    async def _drain(self) -> None:
        try:
            while self._next():
                self._hurry.clear()
                asked = len(self._flushes)
                try:
                    sent = self._send(self._writer, self._batch)
                    if sent is not None:
                        await sent
                except StoreError as error:
                    self._keep(error, asked)
                    if self._closing:
                        return
                    await self._pause()
                else:
                    self._sent()
        finally:
            self._work = None
            self._release()

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_AGAIN):
                await self._hurry.wait()

    def _next(self) -> bool:
        """See that there is a batch to send; False where there is nothing."""
        if self._batch or not self._waiting:
            return bool(self._batch)
        size = 0
        while self._waiting and len(self._batch) < _TOGETHER and size < _TOGETHER_BYTES:
            self._batch.append(self._waiting.popleft())
            size += self._batch[-1].size
        self._bytes -= size
        return True

    def _sent(self) -> None:
        batch, self._batch = self._batch, []
        if self._keeps:
            self._keeps = False
            lost = f", but for {_counted(self._dropped)}" if self._dropped else ""
            _log.warning("%s is written to the store again%s", self._what, lost)
            self._dropped = 0
        for each in batch:
            each.settle()
        while self._flushes and self._flushes[0][0] <= batch[-1].serial:
            _settle(self._flushes.pop(0)[1])

    def _keep(self, error: StoreError, asked: int = 0) -> None:
        """Keep what cannot be sent now; nobody waits for that.

        Of those who flush, only the first so many had asked before this was tried.
        """
        self._until_back = self._is_away()
        if not self._keeps:
            self._keeps = True
            _log.warning("%s is kept until it can be written: %s", self._what, error)
            self._trim()
        self._release(asked)

    def _release(self, asked: int | None = None) -> None:
        for each in (*self._batch, *self._waiting):
            each.settle()
        for _, tried in self._flushes[:asked]:
            _settle(tried)
        del self._flushes[:asked]


def _settle(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)


def _counted(count: int) -> str:
    return f"{count} exchange{'s' * (count != 1)}"
