"""How a session went: what no rule answered, what was never used, what came too early."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from mockdock.engine import Compiled, Engine, idle
from mockdock.errors import ConditionError
from mockdock.observe import Entry, Journal, record, redact
from mockdock.observe.verbs import Problem, RuleCard, Unused, Verdict

__all__ = ["judge", "raised", "unmatched"]

_SHOWN = 50
"""Requests that are told in full."""
_LOOKED_AT = 50
"""Requests among which the one is looked for that came nearest to a rule."""


def judge(
    journal: Journal,
    session: str,
    engine: Engine,
    cards: Sequence[RuleCard],
    unused: Unused,
    order: Sequence[Sequence[str]],
    *,
    secrets: bool,
) -> Verdict:
    """Judge a session by its journal and its rules, as :meth:`Verbs.verify` tells."""
    tally = journal.tally(session)
    problems = [raised(entry, secrets=secrets) for entry in tally.raised]
    problems += _missed(journal, session, tally.missed, secrets=secrets)
    idlers = [
        card
        for card in cards
        if not card.used and (unused == "all" or (unused == "added" and card.added))
    ]
    recent = journal.entries(session)[-_LOOKED_AT:]
    for card in idlers:
        rule = next(rule for rule in engine.rules if rule.candidate.key == card.key)
        why = _why(rule, recent, secrets=secrets)
        problems.append(Problem(kind="unused", message=f"{card.name} never answered{why}"))
    names = {card.key: card.name for card in cards}
    for group in order:
        used = [(names.get(key, key), tally.uses[key]) for key in group if key in tally.uses]
        problems += [
            Problem(kind="order", message=f"{later} answered before {sooner} was done")
            for (sooner, one), (later, other) in itertools.pairwise(used)
            if other.first < one.last
        ]
    return Verdict(
        ok=not problems,
        requests=tally.requests,
        prompt_tokens=tally.prompt_tokens,
        completion_tokens=tally.completion_tokens,
        problems=tuple(problems),
    )


def _why(rule: Compiled, entries: Sequence[Entry], *, secrets: bool) -> str:
    """Tell why a rule never answered, by the request that came nearest."""
    asked = {
        id(entry.exchange.request): entry
        for entry in entries
        if entry.exchange.request is not None and entry.exchange.request.api == "chat"
    }
    requests = [entry.exchange.request for entry in asked.values()]
    try:
        near = idle(rule, [request for request in requests if request is not None])
    except ConditionError as error:
        return f": {error}"
    if near is None:
        return ": nothing was asked"
    entry = asked[id(near.request)]
    if not near.unmet:
        answered = entry.exchange.rule or "nothing"
        return f": request #{entry.number} meets its conditions, and {answered} answered"
    known = () if secrets else redact.secrets(dict(near.request.headers))
    told = [f"{unmet.name} {unmet.text}" for unmet in near.unmet]
    if not secrets:
        told = [
            f"{unmet.name} {redact.HIDDEN}"
            if redact.is_secret(unmet.name.partition("headers.")[2])
            else redact.text(text, known)
            for unmet, text in zip(near.unmet, told, strict=True)
        ]
    return f": nearest is request #{entry.number}, {'; '.join(told)}"


def _missed(journal: Journal, session: str, missed: int, *, secrets: bool) -> Iterator[Problem]:
    kept = (entry for entry in journal.entries(session) if entry.exchange.missed)
    shown = [unmatched(entry, secrets=secrets) for entry in itertools.islice(kept, _SHOWN)]
    yield from shown
    if more := missed - len(shown):
        message = f"{more} more request{'' if more == 1 else 's'} answered by no rule"
        yield Problem(kind="unmatched", message=message)


def unmatched(entry: Entry, *, secrets: bool) -> Problem:
    """Tell of a request that no rule answered."""
    written = record(entry, secrets=secrets)
    message = f"{written['method']} {written['path']} was answered by no rule"
    return Problem(kind="unmatched", message=message, record=written)


def raised(entry: Entry, *, secrets: bool) -> Problem:
    """Tell of a request whose answering raised."""
    written = record(entry, secrets=secrets)
    message = f"answering a request raised {written['reply']['cause']}"
    return Problem(kind="raised", message=message, record=written)
