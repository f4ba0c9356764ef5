"""Which rules a request fits. Matching and explaining are the same conditions.

A condition holds or not (``holds``) and can say what it wanted and what it
found (``told``); ``candidates`` asks only the first, ``explain`` both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mockdock.engine.conditions import Condition, bounds, conditions, shown, told_bounds
from mockdock.engine.store import Candidate, Skip
from mockdock.request import Request
from mockdock.scenario import Rule

__all__ = ["Compiled", "Mismatch", "Verdict", "candidates", "compile_rules", "explain"]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A rule made ready: its stateless conditions, and the rest for the store."""

    index: int
    rule: Rule
    conditions: tuple[Condition, ...]
    candidate: Candidate

    @property
    def label(self) -> str:
        """Name it in messages."""
        return self.rule.name or f"rule {self.index + 1}"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A condition that did not hold, and what it found."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a rule would answer, and if not, why not."""

    compiled: Compiled
    mismatches: tuple[Mismatch, ...]


def compile_rules(rules: Sequence[Rule]) -> tuple[Compiled, ...]:
    """Make rules ready for matching.

    A rule's counters and chance go by its name, by its place when it has none
    or shares it, so that a named rule may move.
    """
    names = Counter(rule.name for rule in rules)
    return tuple(
        _compile(index, rule, rule.name if rule.name and names[rule.name] == 1 else f"#{index}")
        for index, rule in enumerate(rules)
    )


def candidates(rules: Iterable[Compiled], request: Request) -> list[Compiled]:
    """Give the rules all of whose stateless conditions hold, in file order."""
    return [
        compiled
        for compiled in rules
        if all(condition.holds(request) for condition in compiled.conditions)
    ]


def explain(
    rules: Iterable[Compiled], request: Request, skipped: Mapping[int, Skip] | None = None
) -> tuple[Verdict, ...]:
    """Say of each rule which conditions do not hold.

    ``skipped`` holds what the store said of candidates, by rule index.
    """
    return tuple(_verdict(compiled, request, skipped or {}) for compiled in rules)


def _verdict(compiled: Compiled, request: Request, skipped: Mapping[int, Skip]) -> Verdict:
    mismatches = [
        Mismatch(condition.name, condition.told(request))
        for condition in compiled.conditions
        if not condition.holds(request)
    ]
    if (skip := skipped.get(compiled.index)) is not None:
        mismatches.append(Mismatch(skip, _skip_told(skip, compiled.candidate)))
    return Verdict(compiled, tuple(mismatches))


def _skip_told(skip: Skip, candidate: Candidate) -> str:
    match skip:
        case "attempt":
            return f"wanted {told_bounds(*candidate.attempts)}, was another"
        case "state":
            wanted = ", ".join(f"{name} {shown(value)}" for name, value in candidate.state)
            return f"wanted {wanted}, was another"
        case "times":
            return f"wanted at most {candidate.times}, and it has answered as often"
        case "replies":
            return f"wanted at most {candidate.length}, and all have been given"


def _compile(index: int, rule: Rule, key: str) -> Compiled:
    when = rule.when
    attempts = (1, None) if when.attempt is None else bounds(when.attempt)
    return Compiled(
        index=index,
        rule=rule,
        conditions=tuple(conditions(when)),
        candidate=Candidate(
            key=key,
            attempts=attempts,
            state=tuple((when.state or {}).items()),
            times=rule.times,
            length=len(rule.answers),
            per=rule.per,
            after_last=rule.after_last,
            set_state=tuple(rule.set_state.items()),
        ),
    )
