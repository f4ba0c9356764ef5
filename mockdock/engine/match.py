"""Which rules a request fits. Matching and explaining are the same conditions.

A condition holds or not (``holds``) and can say what it wanted and what it
found (``told``); ``candidates`` asks only the first, ``explain`` both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mockdock.engine.conditions import Condition, bounds, conditions, shown, told_bounds
from mockdock.engine.pace import Pace, pace_of
from mockdock.engine.store import Candidate, Scalar, Skip, same
from mockdock.request import Request
from mockdock.scenario import PacingSpec, Rule

__all__ = [
    "Compiled",
    "Mismatch",
    "Situation",
    "Verdict",
    "candidates",
    "compile_rules",
    "explain",
]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A rule made ready: its stateless conditions, and the rest for the store.

    ``paces`` are those of its answers. ``sure`` tells that it always answers
    when its stateless conditions hold.
    """

    index: int
    rule: Rule
    conditions: tuple[Condition, ...]
    candidate: Candidate
    paces: tuple[Pace, ...]
    sure: bool

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


def compile_rules(rules: Sequence[Rule], pacing: PacingSpec | None) -> tuple[Compiled, ...]:
    """Make rules ready for matching; ``pacing`` is that of the scenario.

    A rule's counters and chance go by its name, by its place when it has none
    or shares it, so that a named rule may move.
    """
    names = Counter(rule.name for rule in rules)
    return tuple(
        _compile(
            index, rule, rule.name if rule.name and names[rule.name] == 1 else f"#{index}", pacing
        )
        for index, rule in enumerate(rules)
    )


def candidates(rules: Iterable[Compiled], request: Request) -> list[Compiled]:
    """Give the rules all of whose stateless conditions hold, in file order.

    Behind a rule that is sure to answer none is looked at.
    """
    fitting = []
    for compiled in rules:
        if all(condition.holds(request) for condition in compiled.conditions):
            fitting.append(compiled)
            if compiled.sure:
                break
    return fitting


@dataclass(frozen=True, slots=True)
class Situation:
    """What a session knew when a request was decided, for explaining it.

    ``skipped`` is what the store said of candidates, by rule index.
    """

    attempt: int = 1
    state: Mapping[str, Scalar] = field(default_factory=dict)
    skipped: Mapping[int, Skip] = field(default_factory=dict)


def explain(
    rules: Iterable[Compiled], request: Request, situation: Situation
) -> tuple[Verdict, ...]:
    """Say of each rule which conditions do not hold, and what was found instead."""
    return tuple(
        Verdict(compiled, tuple(_mismatches(compiled, request, situation))) for compiled in rules
    )


def _mismatches(compiled: Compiled, request: Request, situation: Situation) -> Iterator[Mismatch]:
    for condition in compiled.conditions:
        if not condition.holds(request):
            yield Mismatch(condition.name, condition.told(request))
    candidate = compiled.candidate
    low, high = candidate.attempts
    if situation.attempt < low or (high is not None and situation.attempt > high):
        wanted = told_bounds(low, high)
        yield Mismatch("attempt", f"wanted {wanted}, was {situation.attempt}")
    for name, value in candidate.state:
        found = situation.state.get(name)
        if not same(found, value):
            yield Mismatch(f"state.{name}", f"wanted {shown(value)}, was {shown(found)}")
    match situation.skipped.get(compiled.index):
        case "times":
            yield Mismatch("times", f"wanted at most {candidate.times}, and has answered as often")
        case "replies":
            yield Mismatch("replies", f"all {candidate.length} have been given")
        case _:
            pass


def _compile(index: int, rule: Rule, key: str, pacing: PacingSpec | None) -> Compiled:
    when = rule.when
    candidate = Candidate(
        key=key,
        attempts=(1, None) if when.attempt is None else bounds(when.attempt),
        state=tuple((when.state or {}).items()),
        times=rule.times,
        length=len(rule.answers),
        per=rule.per,
        after_last=rule.after_last,
        set_state=tuple(rule.set_state.items()),
    )
    return Compiled(
        index=index,
        rule=rule,
        conditions=tuple(conditions(when)),
        candidate=candidate,
        paces=tuple(pace_of(answer, pacing) for answer in rule.answers),
        sure=when.attempt is None
        and not candidate.state
        and rule.times is None
        and rule.after_last != "pass",
    )
