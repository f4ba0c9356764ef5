"""The journal that several processes share, in Redis."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from msgspec import Struct

from mockdock.embedding import Embeddings
from mockdock.observe import Entry, Exchange, Tally, Use
from mockdock.observe.weight import weight
from mockdock.reply import Completion
from mockdock.shared.bell import Bell
from mockdock.shared.link import Link
from mockdock.shared.outbox import Letter, Outbox
from mockdock.shared.packing import pack, pack_text, unpack_text
from mockdock.shared.written import Written, marks_of, unpack_page, unpack_raised, written

__all__ = ["RedisJournal"]

_PAGE = 100
_LARGEST = 2**53
_COUNTS = ("requests", "missed", "failed", "broken", "prompt_tokens", "completion_tokens")


class RedisJournal:
    """Keeps the last exchanges of all processes together; counters survive them.

    It is what ``Journal`` is in one process, but that it keeps records as outsiders see
    them, without secrets, and ``most_bytes`` bounds the bytes of these, but for the ten of
    a session whose functions raised. Numbers are given by Redis. An exchange is there, for
    all processes, once what ``append`` gives has been awaited. While Redis is away nobody
    waits: what is to be written is kept, see ``Outbox``; who wants to read or to wait gets
    StoreError. Where nothing was written for a day it is empty.
    """

    def __init__(self, link: Link, most: int = 10_000, most_bytes: int = 32_000_000) -> None:
        """Ask by a link; what processes share has the bounds of who wrote last."""
        if most < 1 or most_bytes < 1:
            raise ValueError("a journal keeps at least 1 exchange and 1 byte")
        self._link = link
        self._bounds = {"most": most, "most_bytes": most_bytes}
        self._seen = 0
        self._bell = Bell(link, link.key("journal"))
        self._watching = threading.Lock()
        self._watchers: tuple[Callable[[Entry], None], ...] = ()
        self._outbox = Outbox[_News](self._send, "the journal", link.is_away)

    def watch(self, watcher: Callable[[Entry], None]) -> None:
        """Show every exchange of this process from now on to a watcher, with its number.

        It must be quick and not raise. Numbers of other processes lie between.
        """
        with self._watching:
            self._watchers = (*self._watchers, watcher)

    def unwatch(self, watcher: Callable[[Entry], None]) -> None:
        """Show a watcher nothing more."""
        with self._watching:
            self._watchers = tuple(each for each in self._watchers if each is not watcher)

    def use(self, session: str, key: str) -> None:
        """Count a use of a rule, as soon as it is chosen; in a loop nobody waits for that."""
        news = _News((pack_text(session), pack_text(key)))
        self._outbox.post(Letter(news, 0, exchange=False))

    def append(self, exchange: Exchange) -> Awaitable[None] | None:
        """Record an exchange; in a loop it is recorded once what this gives is awaited."""
        if exchange.uncounted and exchange.rule_key is not None and not exchange.late:
            self.use(exchange.session, exchange.rule_key)
        prompt, completion = _tokens(exchange)
        told = (pack_text(exchange.session), int(marks_of(exchange)), prompt, completion)
        record = written(exchange)
        news = _News(told, record, exchange if self._watchers else None)
        return self._outbox.post(Letter(news, len(record)))

    def entries(
        self,
        session: str | None = None,
        *,
        after: int = 0,
        last: int | None = None,
        limit: int | None = None,
    ) -> list[Written]:
        """Give what is kept of a session, or of all, in the order it ended.

        Only what comes ``after`` a number; of that only the ``last`` so many; and
        of those no more than the first ``limit``.
        """
        return self._entries(session, after, last, limit)[1]

    def sessions(self) -> list[str]:
        """Name the sessions whose counts are kept, the one longest unused first."""
        names = self._link.command(b"ZRANGE", self._link.key("journal:sessions"), b"0", b"-1")
        return [unpack_text(name) for name in names]

    def tally(self, session: str | None = None) -> Tally:
        """Give the counts of a session, or of all; ``uses`` only of one."""
        name = "all" if session is None else f"of:{pack_text(session)}"
        told = self._link.command(b"HGETALL", self._link.key(f"journal:{name}"))
        held = dict(zip(told[::2], told[1::2], strict=True))
        uses = {
            unpack_text(key[1:]): Use(*map(int, use.split()))
            for key, use in held.items()
            if key.startswith(b"=")
        }
        raised: Sequence[bytes] = ()
        if b"failed" in held:
            where = "" if session is None else f":{pack_text(session)}"
            key = self._link.key(f"journal:raised{where}")
            raised = self._link.command(b"LRANGE", key, b"0", b"-1")
        counts = {each: int(held.get(each.encode(), 0)) for each in _COUNTS}
        return Tally(
            **counts,
            uses=uses,
            raised=tuple(map(unpack_raised, raised)),
        )

    def wait(self, session: str, count: int, timeout: float) -> bool:
        """Wait until a session has had ``count`` requests, at most ``timeout`` real seconds."""
        key = self._link.key(f"journal:of:{pack_text(session)}")

        def had() -> int:
            return int(self._link.command(b"HGET", key, b"requests") or 0)

        return self._bell.until(had, lambda seen: seen >= count, timeout) >= count

    def wait_after(
        self,
        session: str | None,
        after: int,
        timeout: float,
        *,
        last: int | None = None,
        limit: int | None = None,
    ) -> list[Written]:
        """Wait for what :meth:`entries` gives after a number, at most ``timeout`` real seconds."""

        def look() -> tuple[int, list[Written]]:
            return self._entries(session, after, last, limit)

        return self._bell.until(look, lambda seen: seen[0] > after, timeout)[1]

    def reset(self, session: str | None = None) -> None:
        """Forget one session, or everything; numbers go on."""
        name = None if session is None else pack_text(session)
        self._link.at_once(bytes, b"forget_journal", pack({"session": name}))

    async def aclose(self) -> None:
        """Write what is left of this loop and of threads, and let nobody wait any longer."""
        await asyncio.to_thread(self._bell.close)
        await self._outbox.aclose()

    def close(self) -> None:
        """Write what is left of threads, and let nobody wait any longer."""
        self._bell.close()
        self._outbox.close()

    def _send(self, writer: str, letters: Sequence[Letter[_News]]) -> Awaitable[None] | None:
        asked = {
            **self._bounds,
            "writer": writer,
            "seen": self._seen,
            "items": [(each.serial, *each.content.told) for each in letters],
        }
        news = [each.content for each in letters if each.exchange]
        records = (each.record for each in news if each.record is not None)

        def read(told: bytes) -> None:
            self._numbered(news, list(map(int, told.split())))

        # The script knows by the serials what it has been told before.
        return self._link.ask(read, b"keep", pack(asked), *records, counts=False)

    def _numbered(self, news: Sequence[_News], numbers: Sequence[int]) -> None:
        self._seen = max(self._seen, *numbers, 0)
        for each, number in zip(news, numbers, strict=True):
            if each.exchange is not None:
                self._show(each.exchange, number)

    def _show(self, exchange: Exchange, number: int) -> None:
        entry = Entry(number, exchange, weight(exchange))
        for watcher in self._watchers:
            watcher(entry)

    def _entries(
        self, session: str | None, after: int, last: int | None, limit: int | None
    ) -> tuple[int, list[Written]]:
        """Read in pages, of what is there when the first is read; and the newest number."""
        wanted = limit if last is None else last
        low, high = min(after + 1, _LARGEST), None
        newest, found = None, list[Written]()
        while True:
            count = _PAGE if wanted is None else min(_PAGE, wanted - len(found))
            asked = {
                "session": None if session is None else pack_text(session),
                "low": str(low),
                "high": None if high is None else str(high),
                "count": count,
                "backwards": last is not None,
            }
            there, page = self._link.at_once(unpack_page, b"kept", pack(asked), counts=False)
            newest = there if newest is None else newest
            found += page
            if len(page) < count or len(found) == wanted:
                break
            if last is None:
                low, high = page[-1].number + 1, newest
            else:
                high = page[-1].number - 1
        if last is not None:
            found = found[::-1][:limit]
        return newest, found


class _News(Struct, frozen=True):
    """What the script is told, and behind it the ``record`` of an exchange.

    The ``exchange`` itself is there where somebody of this process wants to see it once
    it has a number.
    """

    told: tuple[Any, ...]
    record: bytes | None = None
    exchange: Exchange | None = None


def _tokens(exchange: Exchange) -> tuple[int, int]:
    reply = exchange.reply
    if not isinstance(reply, Completion | Embeddings):
        return 0, 0
    return reply.usage.prompt_tokens, reply.usage.completion_tokens
