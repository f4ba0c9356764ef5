"""LangDB's books and the stored completions of several processes that act as one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar

from msgspec.structs import replace

from mockdock.accounts import Model
from mockdock.ledger import Entry, Seeds
from mockdock.question import CreateModel, Price, Question, SetPrices
from mockdock.reply import StoredCompletion, StoredPage
from mockdock.request import StoredOperation
from mockdock.routing import Metrics
from mockdock.shared.link import Link
from mockdock.shared.log import Kind, Log
from mockdock.shared.outbox import Letter, Outbox
from mockdock.shared.replica import Replica, booked, part_of
from mockdock.statements import AccountReply

__all__ = ["SharedAccounts", "SharedBooks", "SharedShelf"]

_Booked = tuple[str, bytes]
"""Exchanges as a part of an item, and the session they are of."""


class SharedAccounts:
    """The ``books`` and the ``shelf`` of an engine, shared by all who name the same Redis.

    Each process has all of it in memory, and changes it as a log in Redis tells (see ``Log``):
    all do the same in the same order, so all tell the same. Who is about to look awaits
    ``current``, and then knows all that any client was told. What is kept is what was said,
    word for word, and nothing of headers or keys. It is gone a day after its last use, and
    where Redis loses it: accounts then live there, not in a file, and ``--data`` does not go
    with it. Bounded as the log is, and in each process as :class:`Books` and
    :class:`MemoryShelf` are: a process that comes when the log has dropped something knows
    less of the past than the others.

    All raise StoreError where Redis does not answer, but for the exchanges of requests that
    are already answered: they wait in an ``Outbox``.
    """

    def __init__(self, link: Link) -> None:
        """Ask by a link. Nothing is asked before it is needed."""
        self._replica = Replica()
        self._log = Log(link, self._replica)
        self._outbox = Outbox[_Booked](self._send, "the ledger", link.is_away)
        self._sowing = threading.Lock()
        self.books = SharedBooks(self)
        self.shelf = SharedShelf(self)

    @property
    def known(self) -> Replica:
        """What this process knows."""
        return self._replica

    def current(self) -> Awaitable[None] | None:
        """Learn all that was told before now; in a thread that is done then."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self._outbox.flush_threads()
            self._log.follow()
            return None
        return self._soon()

    def add(self, session: str, entries: tuple[Entry, ...]) -> Awaitable[None] | None:
        """Have all keep exchanges; in a thread that is done then, if it is possible."""
        part = part_of(session, entries)
        return self._outbox.post(Letter((session, part), len(part)))

    def keep(self, session: str, stored: StoredCompletion) -> Awaitable[None] | None:
        """Have all keep a completion."""
        item = self._replica.item("keep", session, stored)
        return self._log.append(item, sessions=(session,))

    def order(self, kind: Kind, sessions: tuple[str, ...], verb: str, *args: Any) -> Any:
        """Have all do something, and give what came of it here; waits for Redis."""
        with self._replica.ordered(verb, *args, long=verb == "seed") as order:
            self._log.append_at_once(order.item, sessions=sessions, kind=kind)
            self._log.follow()
            return order.outcome()

    def seed(self, session: str, name: str, parts: Mapping[str, Callable[[], Seeds]]) -> None:
        """Have all write the seeds of a session, as they are made here; others' win, if earlier."""
        books = self._replica.books
        with self._sowing:
            self._log.follow()
            if books.is_seeded(session, name):
                return
            made = {
                part: replace(seeds := make(), entries=tuple(seeds.entries))
                for part, make in parts.items()
                if not books.is_sown(session, part)
            }
            self.order("lasting", (session,), "seed", session, name, made)

    async def aclose(self) -> None:
        """Send what is still to be sent, if that is possible, and let go of what is known."""
        try:
            await self._outbox.aclose()
        finally:
            self._replica.books.close()

    async def _soon(self) -> None:
        await self._outbox.flush()
        await self._log.follow_soon()

    def _send(self, writer: str, letters: Sequence[Letter[_Booked]]) -> Awaitable[None] | None:
        sessions = tuple({each.content[0] for each in letters})
        item = booked([each.content[1] for each in letters])
        return self._log.append(item, sessions=sessions, once=(writer, letters[-1].serial))


class SharedBooks:
    """The books, see :class:`mockdock.ledger.Books`; what changes them waits for Redis."""

    def __init__(self, accounts: SharedAccounts) -> None:
        self._accounts = accounts
        self._known = accounts.known.books

    def current(self) -> Awaitable[None] | None:
        """Learn what other processes have done up to now."""
        return self._accounts.current()

    def add(self, session: str, *entries: Entry) -> Awaitable[None] | None:
        """Keep exchanges."""
        return self._accounts.add(session, entries)

    def ask(
        self, session: str, project: str, question: Question, now_us: int
    ) -> AccountReply | None:
        """Answer a question, None where there is no such thread; may take a while."""
        if not isinstance(question, CreateModel | SetPrices):
            return self._known.ask(session, project, question, now_us)
        asked = (session, project, question, now_us)
        told: AccountReply | None = self._accounts.order("lasting", (session,), "ask", *asked)
        return told

    def model(
        self, session: str, project: str, name: str, owner: str | None = None
    ) -> Model | None:
        """Give the model of users that a name means; quick."""
        return self._known.model(session, project, name, owner)

    def price(
        self, session: str, project: str, provider: str, model: str, at_us: int
    ) -> Price | None:
        """Give the price a project has for a model, None where it has none of its own; quick."""
        return self._known.price(session, project, provider, model, at_us)

    def metrics(self, session: str, project: str) -> Mapping[tuple[str, str], Metrics]:
        """Give what is measured of a project's models, by provider and name; may take a while."""
        return self._known.metrics(session, project)

    def is_seeded(self, session: str, name: str) -> bool:
        """Tell whether these seeds are what a session was seeded with last; quick."""
        return self._known.is_seeded(session, name)

    def seed(self, session: str, name: str, parts: Mapping[str, Callable[[], Seeds]]) -> None:
        """Write what a session is to begin with, each part once by its name; may take a while."""
        self._accounts.seed(session, name, parts)

    def reset(self, session: str | None = None) -> None:
        """Forget what one session did, or all."""
        sessions = () if session is None else (session,)
        self._accounts.order("lasting", sessions, "reset books", session)

    def close(self) -> None:
        """Let go of what this process holds; it goes on to be there for others."""
        self._known.close()


class SharedShelf:
    """The shelf of stored completions; what changes them waits for Redis."""

    waits: ClassVar[bool] = True

    def __init__(self, accounts: SharedAccounts) -> None:
        self._accounts = accounts
        self._known = accounts.known.shelf

    def current(self) -> Awaitable[None] | None:
        """Learn what other processes have done up to now."""
        return self._accounts.current()

    def keep(self, session: str, stored: StoredCompletion) -> Awaitable[None] | None:
        """Put a completion there, in the place of one with the same id."""
        return self._accounts.keep(session, stored)

    def find(self, session: str, which: str) -> StoredCompletion | None:
        """Give the completion with this id, None when it is not there."""
        return self._known.find(session, which)

    def page(self, session: str, wanted: StoredOperation) -> StoredPage | None:
        """Give the completions a list asks for, None when its ``after`` is not known."""
        return self._known.page(session, wanted)

    def update(
        self, session: str, which: str, metadata: Mapping[str, str]
    ) -> StoredCompletion | None:
        """Set the metadata of a completion, and give it as it is then; waits for Redis."""
        changed: StoredCompletion | None = self._accounts.order(
            "passing", (session,), "update", session, which, metadata
        )
        return changed

    def remove(self, session: str, which: str) -> bool:
        """Forget a completion, and tell whether it was there; waits for Redis."""
        removed: bool = self._accounts.order("passing", (session,), "remove", session, which)
        return removed

    def reset(self, session: str | None = None) -> None:
        """Forget those of one session, or all."""
        sessions = () if session is None else (session,)
        self._accounts.order("lasting", sessions, "reset shelf", session)
