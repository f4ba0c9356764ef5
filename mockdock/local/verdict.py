"""How a session went: what no rule answered, what was never used, what came too early."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from mockdock.observe import Journal, record
from mockdock.observe.verbs import Problem, RuleCard, Unused, Verdict

__all__ = ["judge"]


def judge(
    journal: Journal,
    session: str,
    cards: Sequence[RuleCard],
    unused: Unused,
    order: Sequence[Sequence[str]],
    *,
    secrets: bool,
) -> Verdict:
    """Judge a session by its journal and its rules, as :meth:`Verbs.verify` tells."""
    tally = journal.tally(session)
    problems = [
        Problem(kind="raised", message=f"answering a request raised {cause!r}")
        for cause in tally.causes
    ]
    problems += _missed(journal, session, tally.missed, secrets=secrets)
    problems += [
        Problem(kind="unused", message=f"{card.name} never answered")
        for card in cards
        if not card.used and (unused == "all" or (unused == "added" and card.added))
    ]
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


def _missed(journal: Journal, session: str, missed: int, *, secrets: bool) -> Iterator[Problem]:
    kept = [entry for entry in journal.entries(session) if entry.exchange.missed]
    for entry in kept:
        message = f"{entry.exchange.method} {entry.exchange.path} was answered by no rule"
        yield Problem(kind="unmatched", message=message, record=record(entry, secrets=secrets))
    if missed > len(kept):
        message = f"{missed - len(kept)} more requests, no longer kept, were answered by no rule"
        yield Problem(kind="unmatched", message=message)
