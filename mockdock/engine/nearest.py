"""The rules that come nearest to a request which none of them answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from mockdock.engine.match import Compiled, Situation, Verdict, explain
from mockdock.reply import Failure, NearRule, Unmet
from mockdock.request import Request

__all__ = ["Idle", "idle", "missed"]

_SHOWN = 3


class Idle(Struct, frozen=True):
    """The request that came nearest to a rule that never answered, and what it did not meet."""

    request: Request
    unmet: tuple[Unmet, ...]


def idle(rule: Compiled, requests: Iterable[Request]) -> Idle | None:
    """Find the request that came nearest to a rule; None when there was none."""
    found = [
        Idle(each, tuple(c.unmet(each) for c in rule.conditions if not c.holds(each)))
        for each in requests
    ]
    return min(found, key=lambda one: len(one.unmet), default=None)


def missed(
    rules: Iterable[Compiled],
    request: Request,
    situation: Situation,
    *,
    alone: bool = True,
) -> Failure:
    """Refuse a request that no rule answers, and tell the nearest rules.

    Near is where few conditions fail, then where many hold. Where there are no rules
    at all, and it is not ``alone`` in having them, its session may be meant to have some.
    """
    nowhere = "there are no rules"
    if not alone:
        mine = request.caller.session
        nowhere += ": no open session has its key" if mine else ": it names no session"
    verdicts = sorted(explain(rules, request, situation), key=_distance)[:_SHOWN]
    near = tuple(NearRule(each.compiled.label, each.mismatches) for each in verdicts)
    return Failure(
        "no_match",
        message=f"mockdock: no rule matches this request. Nearest: {_told(near) or nowhere}",
        should_retry=False,
        nearest=near,
    )


def _told(near: Sequence[NearRule]) -> str:
    lines = [f"{one.rule}: " + "; ".join(f"{u.name} {u.text}" for u in one.unmet) for one in near]
    return " | ".join(lines)


def _distance(verdict: Verdict) -> tuple[int, int]:
    compiled = verdict.compiled
    wanted = {condition.name for condition in compiled.conditions}
    wanted.update(f"state.{name}" for name, _ in compiled.candidate.state)
    if compiled.when.attempt is not None:
        wanted.add("attempt")
    holding = wanted.difference(each.name for each in verdict.mismatches)
    return len(verdict.mismatches), -len(holding)
