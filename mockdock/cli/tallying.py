"""What a command asked of its server: counts, misses, and the rules it never used."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from mockdock.embedding import Embeddings
from mockdock.engine import Engine
from mockdock.local.verdict import never_answered, raised, unmatched
from mockdock.observe import Entry, Kept
from mockdock.observe.verbs import Problem, Verdict
from mockdock.reply import Completion, Failure

__all__ = ["Tallying"]

_MOST = 10


class Tallying:
    """Counts what was asked in any session that was not ``opened``.

    One that was opened has rules of its own: who opened it judges it.
    """

    def __init__(self, opened: Callable[[str], bool]) -> None:
        self._opened = opened
        self._lock = threading.Lock()
        self._requests = 0
        self._broken = 0
        self._prompt_tokens = 0
        self._completion_tokens = 0
        self._used: set[str | None] = set()
        self._kept: list[Entry] = []
        self._wrong = 0

    @property
    def failed(self) -> bool:
        """Whether a request was answered by no rule, or could not be answered at all."""
        return self._wrong > 0

    def add(self, entry: Entry) -> None:
        """Count an exchange; it is the journal that calls, so that it must be quick."""
        exchange = entry.exchange
        if self._opened(exchange.session):
            return
        reply = exchange.reply
        cause = reply.cause if isinstance(reply, Failure) else None
        with self._lock:
            self._requests += 1
            self._broken += bool(exchange.faults)
            self._used.add(exchange.rule_key)
            if isinstance(reply, Completion | Embeddings):
                self._prompt_tokens += reply.usage.prompt_tokens
                self._completion_tokens += reply.usage.completion_tokens
            if exchange.missed or cause is not None:
                self._wrong += 1
                if len(self._kept) < _MOST:
                    self._kept.append(entry)

    def verdict(self, engine: Engine, entries: Sequence[Kept]) -> Verdict:
        """Judge it all, by the rules of the server's own engine and what its journal has kept."""
        mine = [entry for entry in entries if not self._opened(entry.session)]
        with self._lock:
            problems = [_problem(entry) for entry in self._kept]
            if (left := self._wrong - len(problems)) > 0:
                message = f"{left} more request{'s' * (left > 1)} went wrong"
                problems.append(Problem(kind="unmatched", message=message))
            problems += [
                never_answered(rule, mine, engine, secrets=False)
                for rule in engine.rules
                if rule.candidate.key not in self._used
            ]
            return Verdict(
                ok=not problems,
                requests=self._requests,
                broken=self._broken,
                prompt_tokens=self._prompt_tokens,
                completion_tokens=self._completion_tokens,
                problems=tuple(problems),
            )


def _problem(entry: Entry) -> Problem:
    tell = unmatched if entry.missed else raised
    return tell(entry, secrets=False)
