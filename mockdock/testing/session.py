"""A session on a server, as its dock and its rules see it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from mockdock.errors import UsageError, VerificationError
from mockdock.observe.report import MOST_SHOWN, exchanges, report
from mockdock.observe.verbs import Counts, Opening, Problem, Verbs, Verdict
from mockdock.scenario.load import load
from mockdock.testing.call import Call
from mockdock.testing.calls import Calls
from mockdock.testing.hints import served, standing
from mockdock.testing.ledger import Ledger
from mockdock.testing.server import DockServer
from mockdock.testing.spec import Spec

if TYPE_CHECKING:
    from mockdock.observe.audit import Audit

__all__ = ["DockSession"]

_MOST_RAISED = 10


class DockSession:
    """A session with this key: its rules, its calls, and what its functions raised.

    Another ``era`` begins with every reset: rules of an earlier one are gone.
    """

    def __init__(self, server: DockServer, key: str) -> None:
        self.key = key
        self.opened = False
        self.era = 0
        self._server = server
        self._ledger = Ledger(server.journal_size, server.journal_bytes)
        self._orders: list[list[str]] = []
        self._ordering: list[str] | None = None
        self._before = 0
        self._raised: list[Exception] = []
        self.pending: dict[int, str] = {}
        """Rules that were begun and say no answer yet, by name."""

    @property
    def server(self) -> DockServer:
        """The server. Raises UsageError when the session is not open."""
        if not self.opened:
            raise UsageError("the dock is not open: use it inside `with`, or call start() first")
        return self._server

    @property
    def verbs(self) -> Verbs:
        """What can be done to the server. Raises UsageError when the session is not open."""
        return self.server.verbs

    def open(self, opening: Opening) -> None:
        """Open the session. Raises UsageError when it is open."""
        if self.opened:
            raise UsageError("the dock is open already")
        self._before = self._server.verbs.counts(None).requests
        self._server.verbs.open(self.key, opening)
        self._begin()
        self.opened = True

    def close(self) -> None:
        """Close the session; harmless when it is not open."""
        if self.opened:
            self.opened = False
            self._server.verbs.close(self.key)

    def reset(self) -> None:
        """Begin anew, with the scenario only."""
        self.verbs.reset(self.key)
        self._begin()

    def _begin(self) -> None:
        self.era += 1
        self._ledger.clear()
        self._orders.clear()
        self._raised.clear()
        self.pending.clear()

    def add(self, spec: Spec) -> str:
        """Add a rule, and give its key."""
        key = self.verbs.add_rule(
            self.key, spec.rule(), spec.in_python(self._note), first=spec.first
        )
        if self._ordering is not None:
            self._ordering.append(key)
        return key

    def change(self, key: str, spec: Spec) -> None:
        """Change a rule that was added."""
        self.verbs.replace_rule(self.key, key, spec.rule(), spec.in_python(self._note))

    def take(self, key: str) -> None:
        """Take a rule away that was added."""
        self.verbs.remove_rule(self.key, key)
        self._orders = [[each for each in order if each != key] for order in self._orders]

    def _note(self, error: Exception) -> None:
        if len(self._raised) < _MOST_RAISED:
            self._raised.append(error)

    @property
    def raised(self) -> tuple[Exception, ...]:
        """What functions of rules raised, oldest first, at most ten."""
        return tuple(self._raised)

    def uses(self, key: str) -> int:
        """Count how often a rule answered."""
        return sum(card.used for card in self.verbs.rules(self.key, key=key))

    @contextmanager
    def ordering(self) -> Iterator[None]:
        """Let the rules added meanwhile have to answer in their order."""
        if self._ordering is not None:
            raise UsageError("in_order() is not to be nested")
        order: list[str] = []
        self._ordering = order
        try:
            yield
        finally:
            self._orders.append(order)
            self._ordering = None

    def calls(self) -> Calls:
        """Give the calls so far."""
        return self._ledger.read(self.verbs, self.key)

    def missed(self) -> Calls:
        """Give the calls that no rule answered."""
        kept = self.calls().filter(missed=True)
        return Calls([*kept], max(kept.count, self.counts().missed))

    def counts(self) -> Counts:
        """Count what was asked so far."""
        return self.verbs.counts(self.key)

    def records(self) -> list[dict[str, Any]]:
        """Give the journal as plain JSON values, without secrets."""
        return self.server.discreet.journal(self.key)

    def audited(self, policy: str | Mapping[str, Any] | None) -> Audit:
        """Judge the clients of the session by a policy, the scenario's, or the default one."""
        from mockdock.local.auditing import PARTS, audited  # noqa: PLC0415 - brings the engine along

        mine = self.verbs.scenario(self.key)
        given = {name: mine[name] for name in PARTS if name in mine}
        scenario = load({"mockdock": 1, **given}).scenario
        return audited(self.records(), scenario, policy)

    def strays(self) -> Calls:
        """Give the calls of no session since this one was opened, without secrets."""
        verbs = self.server.discreet
        # Asked for on both sides: a session may open or close meanwhile.
        known = {self.key, *verbs.sessions()}
        records = verbs.journal(None, after=self._before)
        known.update(verbs.sessions())
        return Calls([Call(each) for each in records if each["session"] not in known])

    def report(self) -> str:
        """Write the calls for people, without secrets."""
        records = self.server.discreet.journal(self.key, last=MOST_SHOWN)
        earlier = max(0, self.counts().requests - len(records))
        return _joined(exchanges(records, earlier=earlier), served(records))

    def verdict(self) -> Verdict:
        """Judge the session so far; its records are without secrets."""
        verdict = self.server.discreet.verify(self.key, order=self._orders)
        if not self.pending:
            return verdict
        hint = "when() alone answers nothing; go on with .reply(...) or another verb"
        begun = [Problem(kind="unused", message=f"{n}: {hint}") for n in self.pending.values()]
        return verdict.model_copy(update={"ok": False, "problems": (*verdict.problems, *begun)})

    def verify(self) -> None:
        """Raise VerificationError with a report of all that went wrong so far."""
        verdict = self.verdict()
        if not verdict.ok:
            records = [each.record for each in verdict.problems if each.record is not None]
            told = _joined(report(verdict), served(records), self._standing())
            raise VerificationError(told) from next(iter(self._raised), None)

    def complain(self, message: str, *, late: bool = False) -> NoReturn:
        """Raise VerificationError with a message and the calls; ``late``: some are missing."""
        raise VerificationError(_joined(message, self._standing(late=late), self.report()))

    def _standing(self, *, late: bool = False) -> str:
        """Tell of requests that wait for a clock which only the test moves on."""
        if self.verbs.settings(self.key).time_scale != "manual":
            return ""
        cards, calls = self.verbs.rules(self.key), self.calls()
        keys = {card.key for card in cards}
        # A use counts when its rule is chosen, a call when it ends: what lies between, waits.
        ended = sum(
            call.rule_key in keys or call.record["reply"]["cause"] is not None for call in calls
        )
        kept = len(calls) == calls.count
        waiting = max(0, sum(card.used for card in cards) - ended) if kept else None
        return standing(waiting, late=late)


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)
