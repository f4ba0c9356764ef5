"""The books of a server: one ledger, in which the projects of every session are apart."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from mockdock.accounts import Model
from mockdock.ledger.answering import answer
from mockdock.ledger.entry import Entry
from mockdock.ledger.ledger import Ledger
from mockdock.ledger.seeds import Seeds
from mockdock.question import CreateModel, Price, Question
from mockdock.routing import Metrics
from mockdock.statements import AccountReply

__all__ = ["Books"]

_OF_SESSIONS = "s"
_MOST_SESSIONS = 10_000


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

    def open(self) -> Ledger:
        """Open the ledger, and give it; of sessions that are gone a file keeps nothing."""
        ledger = self._ledger
        if ledger is None:
            with self._lock:
                if self._ledger is None:
                    self._ledger = Ledger(self._path)
                    if self._path is not None:
                        self._ledger.forget(_OF_SESSIONS)
                ledger = self._ledger
        return ledger

    def close(self) -> None:
        """Write all, and let go of the file; what is kept in memory only is lost."""
        with self._lock:
            if self._ledger is not None:
                self._ledger.close()
                self._ledger = None
                self._used.clear()

    def add(self, session: str, entry: Entry) -> None:
        """Keep an exchange; quick, and never raises for a disk."""
        self._held(session).add(entry._replace(project=_key(session, entry.project)))

    def ask(
        self, session: str, project: str, question: Question, now_us: int
    ) -> AccountReply | None:
        """Answer a question, None where there is no such thread; may take a while."""
        key = _key(session, project)
        if isinstance(question, CreateModel):
            own = _key(session, question.new.project_id)
            question = CreateModel(replace(question.new, project_id=own))
        return answer(self._held(session), key, question, now_us)

    def model(
        self, session: str, project: str, name: str, owner: str | None = None
    ) -> Model | None:
        """Give the model of users that a name means; quick."""
        if not self._knows(session):
            return None
        return self._held(session).model(_key(session, project), name, owner=owner)

    def price(
        self, session: str, project: str, provider: str, model: str, at_us: int
    ) -> Price | None:
        """Give the price a project has for a model, None where it has none of its own; quick."""
        if not self._knows(session):
            return None
        return self._held(session).price(_key(session, project), provider, model, at_us)

    def metrics(self, session: str, project: str) -> Mapping[tuple[str, str], Metrics]:
        """Give what is measured of a project's models, by provider and name; may take a while."""
        if not self._knows(session):
            return {}
        return self._held(session).metrics(_key(session, project))

    def seed(self, session: str, name: str, seeds: Callable[[], Seeds]) -> None:
        """Write what a session is to begin with, once; may take a while."""
        self._held(session).seed(_key(session, name), seeds())

    def reset(self, session: str | None = None) -> None:
        """Forget what one session did, or all."""
        if session is not None and not self._knows(session):
            return
        if session is None:
            if self._ledger is None and self._path is None:
                return
            for prefix in (_realm(""), _OF_SESSIONS):
                self.open().forget(prefix)
            self._used.clear()
            return
        self.open().forget(_realm(session))
        self._used.discard(session)

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


def _key(session: str, name: str) -> str:
    return _realm(session) + name


@lru_cache
def _realm(session: str) -> str:
    """Give what the projects of a session begin with."""
    if not session:
        return "0/"
    digest = blake2b(session.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
    return f"{_OF_SESSIONS}{digest}/"
