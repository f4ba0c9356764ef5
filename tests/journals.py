"""Every kind of journal: in memory, and in a real Redis, written by threads or in a loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mockdock.observe import Exchange, Journal, Keeper
from mockdock.observe.weight import weight
from tests.stores import started

__all__ = ["JOURNALS", "InLoop", "JournalKind", "Journals", "looping"]

PATIENCE = 20.0


class InLoop:
    """A journal that a loop writes to, as a server does; its readers are threads."""

    def __init__(self, journal: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.journal = journal
        self._loop = loop
        self.watch, self.unwatch, self.reset = journal.watch, journal.unwatch, journal.reset
        self.entries, self.sessions, self.tally = journal.entries, journal.sessions, journal.tally
        self.wait, self.wait_after = journal.wait, journal.wait_after

    def use(self, session: str, key: str) -> None:
        """Count a use."""

        async def used() -> None:
            self.journal.use(session, key)

        asyncio.run_coroutine_threadsafe(used(), self._loop).result()

    def append(self, exchange: Exchange) -> None:
        """Record an exchange, and return once it is there."""

        async def appended() -> None:
            if (written := self.journal.append(exchange)) is not None:
                await written

        asyncio.run_coroutine_threadsafe(appended(), self._loop).result()

    def extend(self, exchanges: Iterable[Exchange]) -> None:
        """Record exchanges that end at once, and return once all are there."""

        async def appended() -> None:
            await asyncio.gather(*map(self.journal.append, exchanges))

        asyncio.run_coroutine_threadsafe(appended(), self._loop).result()

    def close(self) -> None:
        """End it."""
        for closing in (self.journal.aclose(), self.journal._link.aclose()):
            asyncio.run_coroutine_threadsafe(closing, self._loop).result()


class Journals:
    """Makes journals of a kind."""

    def weight(self, exchange: Exchange) -> int:
        """Tell how many bytes an exchange counts for."""
        return weight(exchange)

    def __call__(self, most_sessions: int = 10_000, **limits: int) -> Keeper:
        """Make one; one in memory has its bound of sessions from elsewhere."""
        assert most_sessions
        return Journal(**limits)

    def fill(self, journal: Keeper, exchanges: Sequence[Exchange]) -> None:
        """Record exchanges that end at once."""
        if isinstance(journal, InLoop):
            for at in range(0, len(exchanges), 5000):
                journal.extend(exchanges[at : at + 5000])
            return
        for each in exchanges:
            journal.append(each)

    def condition(self, journal: Keeper) -> threading.Condition:
        """Give what wakes those who wait."""
        assert isinstance(journal, Journal)
        return journal._changed

    def clear(self) -> None:
        """End those that were made."""


class _Shared(Journals):
    def __init__(self, redis: Any, loop: asyncio.AbstractEventLoop | None) -> None:
        self._redis = redis
        self._loop = loop
        self._made: list[Any] = []

    def weight(self, exchange: Exchange) -> int:
        from mockdock.shared.written import written

        return len(written(exchange))

    def __call__(self, most_sessions: int = 10_000, **limits: int) -> Keeper:
        from mockdock.shared import Link, RedisJournal
        from mockdock.shared.scripts import Script

        script = Script(most_sessions=most_sessions)
        journal: Any = RedisJournal(
            Link(self._redis.url(), script=script, patience=PATIENCE), **limits
        )
        self._made.append(journal if self._loop is None else InLoop(journal, self._loop))
        made: Keeper = self._made[-1]
        return made

    def condition(self, journal: Any) -> threading.Condition:
        inner = journal.journal if isinstance(journal, InLoop) else journal
        changed: threading.Condition = inner._bell._changed
        return changed

    def clear(self) -> None:
        for each in self._made:
            each.close()
            if self._loop is None:
                each._link.close()
        self._made.clear()


class JournalKind:
    """A kind of journal, as tests are parametrised by it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name

    @contextmanager
    def made(self) -> Iterator[Journals]:
        """Give what makes journals of this kind."""
        if self.name == "memory":
            yield Journals()
            return
        with started() as redis, looping() as loop:
            journals = _Shared(redis, loop if self.name == "redis-in-a-loop" else None)
            try:
                yield journals
            finally:
                journals.clear()


@contextmanager
def looping() -> Iterator[asyncio.AbstractEventLoop]:
    """Run an event loop in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield loop
    finally:
        # Connections that were ended last are closed by the loop in its next round.
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


JOURNALS = tuple(map(JournalKind, ("memory", "redis", "redis-in-a-loop")))
