"""The audit: records in, a verdict on the client out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any

from msgspec import Struct

from mockdock.errors import UsageError
from mockdock.observe.audit.attempt import Attempt, attempt
from mockdock.observe.audit.call import Call
from mockdock.observe.audit.clocks import on_one_clock
from mockdock.observe.audit.conversation import Conversation, conversation
from mockdock.observe.audit.figures import Figures, Price, figures
from mockdock.observe.audit.grouping import grouped
from mockdock.observe.audit.judging import judged
from mockdock.observe.audit.line import Line
from mockdock.observe.damaged import whole
from mockdock.policy import Policy

__all__ = ["Audit", "audit"]

_MOST_KNOWN = 10_000


class Audit(Struct, frozen=True):
    """How a client behaved: by each line of its policy, call by call, and in figures."""

    policy: Policy
    lines: tuple[Line, ...]
    calls: tuple[Call, ...]
    figures: Figures

    @property
    def ok(self) -> bool:
        """Whether no line failed."""
        return not self.failed

    @property
    def failed(self) -> tuple[Line, ...]:
        """The lines that failed."""
        return tuple(each for each in self.lines if each.verdict == "failed")

    def to_json(self) -> dict[str, Any]:
        """Write it as plain JSON values.

        ``ok``; ``policy`` {name, source, clock}; ``lines`` [{name, asked, verdict
        (ok, failed, not seen), seen, failed, examples [{call, records, text}]}];
        ``figures`` as :class:`Figures` has them, and ``share_recovered``; ``calls``
        [{number, session, model, outcome, wasted_tokens, attempts [{record, ordinal,
        link, start, end, model, status, kind, faults, tokens}], gaps [{demanded,
        header, taken}]}]. Times are seconds of the policy's clock, since the first
        attempt.
        """
        policy = self.policy
        return {
            "ok": self.ok,
            "policy": {"name": policy.name, "source": policy.source, "clock": policy.clock},
            "lines": [each.to_json() for each in self.lines],
            "figures": self.figures.to_json(),
            "calls": [each.to_json() for each in self.calls],
        }


def audit(
    records: Iterable[Mapping[str, Any]],
    policy: Policy | None = None,
    price: Price | None = None,
) -> Audit:
    """Judge what clients did, by the records of a journal, in any order.

    Without a policy it is the default one. ``price`` gives the money that tokens
    cost. Judge when the clients are done: a retry that is still to come looks
    like none. Raises UsageError for what is no record.

    >>> audit(server.journal(None), POLICIES["openai-python"]).ok
    True
    """
    rule = Policy() if policy is None else policy
    read = _reader()
    attempts: list[Attempt] = []
    dropped = 0
    for record in records:
        if isinstance(record, Mapping) and list(record) == ["dropped"]:
            dropped += _count(record["dropped"])
        else:
            attempts.append(attempt(record, rule.clock, read))
    calls = grouped(on_one_clock(attempts), rule.window)
    return Audit(rule, judged(calls, rule), calls, figures(calls, rule, price, dropped))


def _count(value: object) -> int:
    try:
        return whole(value, "number of exchanges")
    except ValueError as error:
        raise UsageError(f"a journal tells what was dropped, but {error}") from None


def _reader() -> Callable[[object], Conversation]:
    """Give what reads bodies, each but once as long as there are not too many."""
    known: dict[bytes, Conversation] = {}

    def read(body: object) -> Conversation:
        if not isinstance(body, str):
            return conversation(body)
        key = blake2b(body.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        found = known.get(key)
        if found is None:
            found = conversation(body)
            if len(known) < _MOST_KNOWN:
                known[key] = found
        return found

    return read
