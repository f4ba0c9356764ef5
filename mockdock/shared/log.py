"""What all processes do in one order: each appends to a log in Redis, and all follow it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Literal, Protocol
from weakref import WeakKeyDictionary

from msgspec import Struct, field

from mockdock.shared.link import Link
from mockdock.shared.packing import pack, pack_text

__all__ = ["FORGET", "Follower", "Kind", "Log"]

Kind = Literal["passing", "lasting"]
FORGET = b"F"
"""Begins the items that the script makes itself where a session is forgotten; its name follows."""

_AT_ONCE = 64_000
"""So many bytes of items are followed while a loop waits; of more, in a thread."""


class Follower(Protocol):
    """Who does what the log tells."""

    def follow(self, item: bytes) -> None:
        """Do it; the very same in every process. Must not raise."""
        ...

    def begin(self) -> None:
        """Forget all that was done."""
        ...

    def is_long(self, item: bytes) -> bool:
        """Tell whether to follow it takes a while."""
        ...


class _News(Struct):
    """What is told of the log: the items up to a number, of those up to the last one.

    ``after`` and ``known`` are what was asked by. ``gone`` is where it begins anew, None
    where it goes on.
    """

    after: int
    known: int
    upto: int = 0
    last: int = 0
    gone: int | None = None
    items: list[tuple[int, bytes]] = []


class _Rounds(Struct):
    """The rounds of a loop: how many have begun, and the last one that went well."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    begun: int = 0
    well: int = 0


class Log:
    """A log that is appended to by all who name the same Redis and namespace.

    Items have numbers that rise. Bounded, see ``Script``: of what is ``passing`` the oldest
    goes first, apart from what is ``lasting``, which later items rest upon; where that has to
    go all before it does. A process that comes later begins with what is kept, and one that
    fell so far behind that it missed something begins anew. So do all where everything is
    forgotten, or Redis lost it. All raise StoreError as the link does. Any thread may call any
    method.
    """

    def __init__(self, link: Link, follower: Follower) -> None:
        self._link = link
        self._follower = follower
        self._lock = threading.Lock()
        """Held by who follows; guards the numbers below."""
        self._after = 0
        self._gone = 0
        self._rounds: WeakKeyDictionary[asyncio.AbstractEventLoop, _Rounds] = WeakKeyDictionary()

    def append(
        self,
        item: bytes,
        *,
        sessions: Sequence[str],
        kind: Kind = "passing",
        once: tuple[str, int] | None = None,
    ) -> Awaitable[None] | None:
        """Append an item that is of these sessions; in a coroutine, once that is awaited.

        ``once`` are the name of a writer and a number that rises: what he has sent up to
        there is not appended again.
        """
        return self._link.ask(_done, b"note", *_note(item, sessions, kind, once))

    def append_at_once(self, item: bytes, *, sessions: Sequence[str], kind: Kind) -> None:
        """Append an item, and wait for that."""
        self._link.at_once(_done, b"note", *_note(item, sessions, kind, None))

    def follow(self) -> None:
        """Follow all that was appended before now; waits for Redis, and may take a while."""
        with self._lock:
            while True:
                asked, read = self._asked()
                news = self._link.at_once(read, b"news", asked, counts=False)
                if self._follow(news):
                    return

    async def follow_soon(self) -> None:
        """Follow all that was appended before now, together with all who wait for that."""
        loop = asyncio.get_running_loop()
        rounds = self._rounds.setdefault(loop, _Rounds())
        came = rounds.begun
        async with rounds.lock:
            if rounds.well > came:
                return  # one that began later has ended
            rounds.begun += 1
            while not await self._round():
                pass
            rounds.well = rounds.begun

    async def _round(self) -> bool:
        """Follow what comes next, and tell whether that is all."""
        asked, read = self._asked()
        answer = self._link.ask(read, b"news", asked, counts=False)
        news = answer if isinstance(answer, _News) else await answer
        if self._is_long(news) or not self._lock.acquire(blocking=False):
            return await asyncio.to_thread(self._follow_alone, news)
        try:
            return self._follow(news)
        finally:
            self._lock.release()

    def _is_long(self, news: _News) -> bool:
        size = sum(len(data) for _, data in news.items)
        return size > _AT_ONCE or any(self._follower.is_long(data) for _, data in news.items)

    def _asked(self) -> tuple[bytes, Callable[[bytes], _News]]:
        """Give what is asked next, and what reads the answer."""
        after, known = self._after, self._gone
        asked = pack({"after": str(after), "gone": str(known)})
        return asked, lambda told: _read(told, _News(after, known))

    def _follow_alone(self, news: _News) -> bool:
        with self._lock:
            return self._follow(news)

    def _follow(self, news: _News) -> bool:
        """Follow what is told, where nobody else did meanwhile, and tell whether that is all."""
        if news.known != self._gone or news.after > self._after:
            return False  # another thread has begun anew
        if news.gone is not None:
            if news.after == self._after:
                self._follower.begin()
                self._after, self._gone = 0, news.gone
            return False
        for number, item in news.items:
            if number > self._after:
                self._after = number
                self._follower.follow(item)
        self._after = max(self._after, news.upto)
        return self._after >= news.last


def _note(
    item: bytes, sessions: Sequence[str], kind: Kind, once: tuple[str, int] | None
) -> tuple[bytes, bytes]:
    writer, serial = (None, 0) if once is None else once
    names = [pack_text(each) for each in sessions]
    asked = {"kind": kind, "sessions": names, "writer": writer, "serial": serial}
    return pack(asked), item


def _done(_: bytes) -> None:
    """Read that it is appended."""


def _read(told: bytes, news: _News) -> _News:
    """Read what is told into what was asked."""
    if told.startswith(b"anew"):
        news.gone = int(told.split()[1])
        return news
    head, _, rest = told.partition(b"\n")
    news.upto, news.last = map(int, head.split())
    news.items.extend(_items(rest))
    return news


def _items(rest: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(rest):
        end = rest.index(b"\n", at)
        number, length = map(int, rest[at:end].split())
        at = end + 1 + length
        yield number, rest[end + 1 : at]
