"""Every kind of store, answering at once: memory, and a real Redis that the tests start."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import signal
import subprocess
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import ClassVar, TypeVar

import pytest

from mockdock.engine import MemoryStore, Store
from mockdock.engine.meters import Charge
from mockdock.engine.store import Pick, Step
from mockdock.engine.stored import Shelf
from mockdock.reply import StoredCompletion, StoredPage
from mockdock.request import StoredOperation
from tests.clients.needs import REQUIRED, missing

__all__ = [
    "STORES",
    "AtOnce",
    "Ready",
    "Redis",
    "StoreKind",
    "needs_redis",
    "shared_shelf",
    "started",
]

T = TypeVar("T")


class AtOnce:
    """A store that is asked in threads; with a loop of its own, what is to be awaited is there."""

    def __init__(self, store: Store, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._store = store
        self._loop = loop
        self.peek, self.read, self.charged = store.peek, store.read, store.charged
        self.state, self.set_state, self.reset = store.state, store.set_state, store.reset

    def decide(self, step: Step) -> Pick:
        """Decide a step."""
        return self._now(lambda: self._store.decide(step))

    def settle(
        self,
        session: str,
        serial: int,
        charges: Sequence[tuple[Charge, float]],
        *,
        taken: float,
        now: float,
    ) -> None:
        """Correct charges."""
        self._now(lambda: self._store.settle(session, serial, charges, taken=taken, now=now))

    def spend(self, session: str, key: str, most: int) -> bool:
        """Count a use."""
        return self._now(lambda: self._store.spend(session, key, most))

    def remember(self, session: str, prefixes: Sequence[bytes]) -> int:
        """Remember the beginnings of a prompt."""
        return self._now(lambda: self._store.remember(session, prefixes))

    def _now(self, ask: Callable[[], T | Awaitable[T]]) -> T:
        if self._loop is None:
            made = ask()
            assert not isinstance(made, Awaitable), "outside a loop nothing is to be awaited"
            return made

        async def awaited() -> T:
            made = ask()
            return await made if isinstance(made, Awaitable) else made

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result()


Ready = MemoryStore | AtOnce
"""A store whose answers need not be awaited."""


class Redis:
    """A redis-server of our own, on a socket in a directory of its own; it keeps nothing.

    ``words`` are further options of it.
    """

    def __init__(self, directory: Path, *words: str) -> None:
        self._words = words
        self._path = directory / "redis.sock"
        self._names = itertools.count()
        self._process: subprocess.Popen[str] | None = None

    def url(self, namespace: str | None = None) -> str:
        """Give its address, with a namespace that nobody has used."""
        return f"unix://{self._path}?namespace={namespace or f'test-{next(self._names)}'}"

    @property
    def path(self) -> str:
        """Where its socket is."""
        return str(self._path)

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and return once it answers."""
        words = ("--port", "0", "--unixsocket", str(self._path), "--save", "", "--appendonly", "no")
        self._process = subprocess.Popen(
            ("redis-server", *words, *self._words),
            stdout=subprocess.PIPE,
            text=True,
            cwd=self._path.parent,
        )
        assert self._process.stdout is not None
        said = []
        for line in self._process.stdout:
            said.append(line)
            if "eady to accept connections" in line or "now ready to accept" in line:
                return
        pytest.fail(f"redis-server did not start: {''.join(said)}")

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it, and return once it is gone."""
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.send_signal(number)
        self._process.send_signal(signal.SIGCONT)
        self._process.wait(10)
        self._process.stdout.close()
        self._process = None

    def running(self) -> bool:
        """Tell whether it was started, and not stopped."""
        return self._process is not None


@contextmanager
def started() -> Iterator[Redis]:
    """Run a Redis; where none is installed, skip, or fail where one is required."""
    needs_redis()
    directory = Path(mkdtemp(prefix="redis-"))
    redis = Redis(directory)
    redis.start()
    try:
        yield redis
    finally:
        if redis.running():
            redis.stop()
        shutil.rmtree(directory)


def needs_redis() -> None:
    """Skip where no Redis is installed, or fail where one is required."""
    if absent := ", ".join(missing("redis")):
        if "redis" in REQUIRED:
            pytest.fail(f"tests of the shared store need what is not installed: {absent}")
        pytest.skip(f"not installed: {absent}")


class StoreKind:
    """A kind of store, as tests are parametrised by it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name

    @contextmanager
    def made(self, request: pytest.FixtureRequest) -> Iterator[Ready]:
        """Make a new store of this kind."""
        if self.name == "memory":
            yield MemoryStore()
            return
        from mockdock.shared import Link, RedisStore

        redis: Redis = request.getfixturevalue("redis")
        store = RedisStore(Link(redis.url(), patience=20.0))
        if self.name == "redis":
            yield AtOnce(store)
            store.close()
            store.link.close()
            return
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        try:
            yield AtOnce(store, loop)
            for closing in (store.aclose(), store.link.aclose()):
                asyncio.run_coroutine_threadsafe(closing, loop).result()
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


class ByTurns:
    """A shelf that two processes share: each thing is asked of the other one, as a thread does."""

    waits: ClassVar[bool] = True

    def __init__(self, *shelves: Shelf) -> None:
        self._turns = itertools.cycle(shelves)

    def current(self) -> None:
        """Learn nothing yet: each does when it is asked."""

    def keep(self, session: str, stored: StoredCompletion) -> None:
        """Put a completion there."""
        assert next(self._turns).keep(session, stored) is None

    def find(self, session: str, which: str) -> StoredCompletion | None:
        """Give the completion with this id."""
        return self._knowing().find(session, which)

    def page(self, session: str, wanted: StoredOperation) -> StoredPage | None:
        """Give the completions a list asks for."""
        return self._knowing().page(session, wanted)

    def update(
        self, session: str, which: str, metadata: Mapping[str, str]
    ) -> StoredCompletion | None:
        """Set the metadata of a completion."""
        return next(self._turns).update(session, which, metadata)

    def remove(self, session: str, which: str) -> bool:
        """Forget a completion."""
        return next(self._turns).remove(session, which)

    def reset(self, session: str | None = None) -> None:
        """Forget those of one session, or all."""
        next(self._turns).reset(session)

    def _knowing(self) -> Shelf:
        shelf = next(self._turns)
        assert shelf.current() is None
        return shelf


@contextmanager
def shared_shelf(url: str) -> Iterator[Shelf]:
    """Make a shelf that two processes share."""
    from mockdock.shared import Link, SharedAccounts

    links = [Link(url, patience=20.0) for _ in range(2)]
    yield ByTurns(*(SharedAccounts(each).shelf for each in links))
    for each in links:
        each.close()


STORES = tuple(map(StoreKind, ("memory", "redis", "redis-in-a-loop")))
