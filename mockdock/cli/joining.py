"""How one process joins those that share a store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from hashlib import blake2b
from importlib.metadata import version

import orjson

from mockdock.app import App
from mockdock.cli.options import Options
from mockdock.delivery import ScaledClock
from mockdock.engine import Engine
from mockdock.engine.surviving import SurvivingStore
from mockdock.errors import StoreError
from mockdock.local.mounting import mount_control
from mockdock.local.together import SharedVerbs
from mockdock.observe import Metrics, Observer
from mockdock.scenario import Scenario
from mockdock.shared import (
    Link,
    RedisCells,
    RedisJournal,
    RedisStore,
    SharedAccounts,
    SharedTime,
)

__all__ = ["Joined", "apart"]

_PAUSES = (0.2, 0.4, 0.8)
"""Seconds between the first questions."""


def apart(scenario: Scenario, options: Options) -> str:
    """Name what servers have to have in common to be one: scenario, settings and version."""
    told = [
        version("mockdock"),
        scenario.model_dump(mode="json", by_alias=True, exclude_unset=True),
        [options.seed, options.time_scale, sorted(options.dialects or ())],
        [options.journal_size, options.journal_bytes],
    ]
    return blake2b(orjson.dumps(told), digest_size=8).hexdigest()


class Joined:
    """What a process has in common with all that share its store; asks by ``link``."""

    def __init__(
        self, link: Link, engine: Engine, options: Options, observers: Sequence[Observer]
    ) -> None:
        """Take what it would serve alone; nothing is asked yet, and nobody served."""
        self._link = link
        self._time = SharedTime()
        self._store = RedisStore(link)
        self._accounts = SharedAccounts(link)
        self._journal = RedisJournal(link, options.journal_size, options.journal_bytes)
        self._metrics = Metrics(RedisCells(link))
        self.app = App(
            Engine(
                engine.scenario,
                store=SurvivingStore(self._store),
                books=self._accounts.books,
                shelf=self._accounts.shelf,
                seed=engine.given_seed,
                prepared=engine.prepared,
            ),
            clock=ScaledClock(options.time_scale, self._time),
            observers=observers,
            journal=self._journal,
            metrics=self._metrics,
            max_body=options.max_body,
            dialects=options.dialects or None,
        )

    def mount(self, url: Callable[[], str], token: str | None) -> None:
        """Be as all others are, and serve the control API of all.

        Raises StoreError where the store does not answer, not even a while later: it may
        just begin, or the machine be busy with others that do.
        """
        verbs = SharedVerbs(self.app, url, self._link, self._time)
        for pause in (*_PAUSES, None):
            try:
                verbs.catch_up()
                self._accounts.books.current()  # may be long: better now than in a request
                break
            except StoreError:
                if pause is None:
                    raise
                time.sleep(pause)
        self.app.current = verbs.current
        mount_control(self.app, url, token, lambda: verbs)

    async def aclose(self) -> None:
        """Tell what is left to be told, and let go of the store, whatever fails of that."""
        async with AsyncExitStack() as last_first:
            last_first.push_async_callback(self._link.aclose)
            last_first.push_async_callback(asyncio.to_thread, self._metrics.close)
            last_first.push_async_callback(self._journal.aclose)
            last_first.push_async_callback(self._accounts.aclose)
            last_first.push_async_callback(self._store.aclose)
