"""How a session went: what no rule answered, what was never used, what came too early."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from mockdock.engine import Compiled, Engine
from mockdock.engine.nearest import idle
from mockdock.errors import ConditionError
from mockdock.local.requests import request_of
from mockdock.observe import Keeper, Kept, Tally, Use, redact
from mockdock.observe.verbs import Problem, Unused, Verdict
from mockdock.request import Request
from mockdock.sessions import Sessions

__all__ = ["judge", "judge_all", "never_answered", "raised", "unmatched"]

_SHOWN = 50
"""Requests that are told in full."""
_MOST = 1000
"""Problems of all sessions together that are told."""
_LOOKED_AT = 50
"""Requests among which the one is looked for that came nearest to a rule."""


def judge(
    journal: Keeper,
    engine: Engine,
    sessions: Sequence[str],
    unused: Unused,
    order: Sequence[Sequence[str]],
    *,
    secrets: bool,
    most: int = _SHOWN,
) -> Verdict:
    """Judge sessions that share an engine, as :meth:`Verbs.verify` tells; ``most`` with records."""
    tally = _tally(journal, sessions)
    problems = [raised(entry, secrets=secrets) for entry in tally.raised[:most]]
    kept = _entries(journal, sessions)
    problems += _missed(kept, tally.missed, most - len(problems), secrets=secrets)
    idlers = [
        rule
        for rule in engine.rules
        if rule.candidate.key not in tally.uses
        and (unused == "all" or (unused == "added" and rule.index < 0))
    ]
    problems += [never_answered(rule, kept, engine, secrets=secrets) for rule in idlers]
    names = {rule.candidate.key: rule.label for rule in engine.rules}
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
        broken=tally.broken,
        prompt_tokens=tally.prompt_tokens,
        completion_tokens=tally.completion_tokens,
        problems=tuple(problems),
    )


def judge_all(journal: Keeper, sessions: Sessions, unused: Unused, *, secrets: bool) -> Verdict:
    """Judge all sessions; those that were not opened as one."""
    opened = dict.fromkeys(sessions.keys())
    others = [key for key in journal.sessions() if key not in opened]
    whole = judge(journal, sessions.base.engine, others, unused, (), secrets=secrets)
    problems = list(whole.problems)
    for key in opened:
        left = max(0, _SHOWN - sum(each.record is not None for each in problems))
        engine = sessions.of(key).engine
        one = judge(journal, engine, (key,), unused, (), secrets=secrets, most=left)
        name = repr(key if secrets else redact.text(key))
        problems += [
            each.model_copy(update={"message": f"session {name}: {each.message}"})
            for each in one.problems
        ]
        whole = Verdict(
            ok=whole.ok and one.ok,
            requests=whole.requests + one.requests,
            broken=whole.broken + one.broken,
            prompt_tokens=whole.prompt_tokens + one.prompt_tokens,
            completion_tokens=whole.completion_tokens + one.completion_tokens,
        )
    if (more := len(problems) - _MOST) > 0:
        told = f"{more} more problem{'s' * (more > 1)}"
        problems[_MOST:] = [Problem(kind=problems[_MOST].kind, message=told)]
    return whole.model_copy(update={"problems": tuple(problems)})


def _tally(journal: Keeper, sessions: Sequence[str]) -> Tally:
    """Count what sessions did together."""
    found = [journal.tally(each) for each in sessions]
    uses: dict[str, Use] = {}
    for key, use in itertools.chain.from_iterable(each.uses.items() for each in found):
        known = uses.get(key, Use(0, use.first, use.last))
        first, last = min(known.first, use.first), max(known.last, use.last)
        uses[key] = Use(known.times + use.times, first, last)
    return Tally(
        requests=sum(each.requests for each in found),
        missed=sum(each.missed for each in found),
        broken=sum(each.broken for each in found),
        prompt_tokens=sum(each.prompt_tokens for each in found),
        completion_tokens=sum(each.completion_tokens for each in found),
        uses=uses,
        raised=tuple(itertools.chain.from_iterable(each.raised for each in found)),
    )


def _entries(journal: Keeper, sessions: Sequence[str]) -> Sequence[Kept]:
    """Give what is kept of sessions, in the order it ended."""
    if len(sessions) == 1:
        return journal.entries(sessions[0])
    wanted = frozenset(sessions)
    return [each for each in journal.entries() if each.session in wanted and not each.late]


def never_answered(
    rule: Compiled, entries: Sequence[Kept], engine: Engine, *, secrets: bool
) -> Problem:
    """Tell of a rule that never answered, and why: by which request it came nearest to that.

    Of requests before other rules came only as long as there are none since.
    """
    read = partial(request_of, engine)
    looked_at = entries[-_LOOKED_AT:]
    before = _before(looked_at, engine)
    why = _why(rule, looked_at[before:], read, secrets=secrets)
    if why is None:
        why = _why(rule, looked_at[:before], read, secrets=secrets, before=True)
    return Problem(
        kind="unused", message=f"{rule.label} never answered{why or ': nothing was asked'}"
    )


def _before(entries: Sequence[Kept], engine: Engine) -> int:
    """Count the requests up to the last one whose rule is not there any more."""
    keys = {rule.candidate.key for rule in engine.rules}
    gone = (
        count
        for count in range(len(entries), 0, -1)
        if (key := entries[count - 1].rule_key) is not None and key not in keys
    )
    return next(gone, 0)


_ASKED = ("chat", "completions", "embeddings", "moderations")


def _why(
    rule: Compiled,
    entries: Sequence[Kept],
    read: Callable[[Mapping[str, Any]], Request | None],
    *,
    secrets: bool,
    before: bool = False,
) -> str | None:
    """Say by which request a rule came nearest to an answer; None when nothing was asked.

    ``before`` tells that the rules have changed since.
    """
    parsed = [(entry, entry.request(read)) for entry in entries]
    asked = {
        id(request): (entry, request)
        for entry, request in parsed
        if request is not None and request.api in _ASKED
    }
    try:
        near = idle(rule, [request for _, request in asked.values()])
    except ConditionError as error:
        return f": {error}"
    if near is None:
        return None
    entry, _ = asked[id(near.request)]
    if not near.unmet:
        answered = entry.answered_by or "nothing"
        if before:
            return (
                f" since the rules changed: request #{entry.number} meets its conditions, "
                f"and {answered} answered it before"
            )
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


def _missed(entries: Sequence[Kept], missed: int, most: int, *, secrets: bool) -> Iterator[Problem]:
    kept = (entry for entry in entries if entry.missed)
    shown = [unmatched(entry, secrets=secrets) for entry in itertools.islice(kept, most)]
    yield from shown
    if more := missed - len(shown):
        message = f"{more} more request{'' if more == 1 else 's'} answered by no rule"
        yield Problem(kind="unmatched", message=message)


def unmatched(entry: Kept, *, secrets: bool) -> Problem:
    """Tell of a request that no rule answered."""
    written = entry.record(secrets=secrets)
    message = f"{written['method']} {written['path']} was answered by no rule"
    return Problem(kind="unmatched", message=message, record=written)


def raised(entry: Kept, *, secrets: bool) -> Problem:
    """Tell of a request whose answering raised."""
    written = entry.record(secrets=secrets)
    message = f"answering a request raised {written['reply']['cause']}"
    return Problem(kind="raised", message=message, record=written)
