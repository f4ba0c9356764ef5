"""The books of a server: one ledger, in which the projects of every session are apart."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from mockdock.accounts import Model
from mockdock.later import later
from mockdock.ledger.entry import Entry
from mockdock.ledger.realms import OF_SESSIONS, key_of, realm
from mockdock.question import CreateModel, Price, Question
from mockdock.routing import Metrics
from mockdock.statements import AccountReply

if TYPE_CHECKING:
    from mockdock.ledger.ledger import Ledger
    from mockdock.ledger.seeds import Seeds

__all__ = ["Accounts", "Books"]

# SQLite, and what writes and asks it, is for those who have an account.
_ledger: Callable[[Path | None], Ledger] = later("ledger.ledger:Ledger")
_answer: Callable[[Ledger, str, Question, int], AccountReply | None] = later(
    "ledger.answering:answer"
)
_apart: Callable[[str, Seeds], Seeds] = later("ledger.sowing:apart")
_sow: Callable[[Ledger, str, Seeds], None] = later("ledger.sowing:sow_in_pieces")

_MOST_SESSIONS = 10_000


class Accounts(Protocol):
    """What keeps the traffic of gateways, for each session apart.

    See :class:`Books`, which one process has for itself.
    """

    def current(self) -> Awaitable[None] | None:
        """Learn what other processes have done up to now; None where there are none."""
        ...

    def add(self, session: str, *entries: Entry) -> Awaitable[None] | None:
        """Keep exchanges."""
        ...

    def ask(
        self, session: str, project: str, question: Question, now_us: int
    ) -> AccountReply | None:
        """Answer a question, None where there is no such thread; may take a while."""
        ...

    def model(
        self, session: str, project: str, name: str, owner: str | None = None
    ) -> Model | None:
        """Give the model of users that a name means; quick."""
        ...

    def price(
        self, session: str, project: str, provider: str, model: str, at_us: int
    ) -> Price | None:
        """Give the price a project has for a model, None where it has none of its own; quick."""
        ...

    def metrics(self, session: str, project: str) -> Mapping[tuple[str, str], Metrics]:
        """Give what is measured of a project's models, by provider and name; may take a while."""
        ...

    def is_seeded(self, session: str, name: str) -> bool:
        """Tell whether these seeds are what a session was seeded with last; quick."""
        ...

    def seed(self, session: str, name: str, parts: Mapping[str, Callable[[], Seeds]]) -> None:
        """Write what a session is to begin with, each part once by its name; may take a while."""
        ...

    def reset(self, session: str | None = None) -> None:
        """Forget what one session did, or all."""
        ...

    def close(self) -> None:
        """Let go of what this process holds."""
        ...


class Books:
    """Keeps the traffic of gateways, for each session apart, and tells of it.

    The ledger is opened when it is first needed, or by :meth:`open`; in memory, or in a
    file, where only what belongs to no session of its own outlives the process. Any thread
    may call any method. Raises LedgerError where the ledger cannot be opened or written.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._ledger: Ledger | None = None
        self._used: set[str] = set()
        self._lock = threading.Lock()
        self._seeded: dict[str, str] = {}
        """What each session was seeded with last."""
        self._sowing = threading.Lock()
        self._era = 0
        """Another one whenever something was forgotten."""

    def open(self) -> Ledger:
        """Open the ledger, and give it; of sessions that are gone a file keeps nothing."""
        ledger = self._ledger
        if ledger is None:
            with self._lock:
                if self._ledger is None:
                    self._ledger = _ledger(self._path)
                    if self._path is not None:
                        self._ledger.forget(OF_SESSIONS)
                ledger = self._ledger
        return ledger

    def close(self) -> None:
        """Write all, and let go of the file; what is kept in memory only is lost."""
        with self._lock:
            if self._ledger is not None:
                self._ledger.close()
                self._ledger = None
                self._used.clear()
                self._anew()

    def current(self) -> None:
        """Learn nothing: there are no other processes."""

    def add(self, session: str, *entries: Entry) -> None:
        """Keep exchanges; quick, and never raises for a disk."""
        ledger = self._held(session)
        for entry in entries:
            ledger.add(entry._replace(project=key_of(session, entry.project)))

    def ask(
        self, session: str, project: str, question: Question, now_us: int
    ) -> AccountReply | None:
        """Answer a question, None where there is no such thread; may take a while."""
        key = key_of(session, project)
        if isinstance(question, CreateModel):
            own = key_of(session, question.new.project_id)
            question = CreateModel(replace(question.new, project_id=own))
        return _answer(self._held(session), key, question, now_us)

    def model(
        self, session: str, project: str, name: str, owner: str | None = None
    ) -> Model | None:
        """Give the model of users that a name means; quick."""
        if not self._knows(session):
            return None
        return self._held(session).model(key_of(session, project), name, owner=owner)

    def price(
        self, session: str, project: str, provider: str, model: str, at_us: int
    ) -> Price | None:
        """Give the price a project has for a model, None where it has none of its own; quick."""
        if not self._knows(session):
            return None
        return self._held(session).price(key_of(session, project), provider, model, at_us)

    def metrics(self, session: str, project: str) -> Mapping[tuple[str, str], Metrics]:
        """Give what is measured of a project's models, by provider and name; may take a while."""
        if not self._knows(session):
            return {}
        return self._held(session).metrics(key_of(session, project))

    def is_seeded(self, session: str, name: str) -> bool:
        """Tell whether these seeds are what a session was seeded with last; quick."""
        return self._seeded.get(session) == name

    def is_sown(self, session: str, part: str) -> bool:
        """Tell whether a part of the seeds of a session is written."""
        return self._knows(session) and self._held(session).is_sown(key_of(session, part))

    def seed(self, session: str, name: str, parts: Mapping[str, Callable[[], Seeds]]) -> None:
        """Write what a session is to begin with, each part once by its name; may take a while.

        ``name`` is that of all parts together. Long parts are written in pieces, so that
        who asks something meanwhile does not wait for all of it.
        """
        with self._sowing:
            if self.is_seeded(session, name):
                return
            era = self._era
            ledger = self._held(session)
            for part, make in parts.items():
                key = key_of(session, part)
                if not ledger.is_sown(key):
                    _sow(ledger, key, _apart(session, make()))
            if era == self._era:
                if len(self._seeded) >= _MOST_SESSIONS:
                    self._seeded.clear()  # the ledger knows as well
                self._seeded[session] = name

    def reset(self, session: str | None = None) -> None:
        """Forget what one session did, or all. A file that is not open is closed again."""
        lone = self._ledger is None
        if session is not None and not self._knows(session):
            return
        if session is None:
            if lone and self._path is None:
                return
            for prefix in (realm(""), OF_SESSIONS):
                self.open().forget(prefix)
            self._used.clear()
        else:
            self.open().forget(realm(session))
            self._used.discard(session)
        self._anew(session)
        if lone:
            self.close()

    def _anew(self, session: str | None = None) -> None:
        """Have seeds sown again: of a session, or of all."""
        self._era += 1
        if session is None:
            self._seeded.clear()
        else:
            self._seeded.pop(session, None)

    def _knows(self, session: str) -> bool:
        """Tell whether a session may have anything in the ledger."""
        used = self._used
        own = self._path is not None and not session
        return own or session in used or len(used) >= _MOST_SESSIONS

    def _held(self, session: str) -> Ledger:
        ledger = self.open()
        if session not in self._used and len(self._used) < _MOST_SESSIONS:
            self._used.add(session)
        return ledger
