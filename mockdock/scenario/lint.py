"""What a valid scenario says in vain: rules that never match, replies and errors never given."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Literal

from msgspec import Struct

from mockdock.scenario.base import nearest
from mockdock.scenario.chaos import PhaseSpec
from mockdock.scenario.conditions import CountCondition, TextCondition, When
from mockdock.scenario.discord import discords
from mockdock.scenario.implication import holds, implied, text_implied
from mockdock.scenario.models import Rule, Scenario
from mockdock.scenario.pace import PacingSpec

__all__ = ["Finding", "lint"]

Severity = Literal["error", "warning"]


class Finding(Struct, frozen=True):
    """Something a scenario says in vain.

    An "error" can never have an effect; a "warning" is probably not meant.
    ``rule`` is the index of the rule, None for a phase of the timeline; ``location``
    is where the rule was read, or which phase it is.
    """

    severity: Severity
    message: str
    rule: int | None
    location: str = ""

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        which = "" if self.rule is None else f"rules[{self.rule}]: "
        return f"{where}{self.severity}: {which}{self.message}"


def lint(scenario: Scenario) -> tuple[Finding, ...]:
    """Find what has no effect, rules in their order, then phases; no false alarm is meant."""
    findings: list[Finding] = []
    for index, rule in enumerate(scenario.rules):
        for severity, message in _about(index, scenario):
            findings.append(Finding(severity, message, index, rule.location))
    for index in range(len(scenario.timeline)):
        phase = _phase(index, scenario.timeline)
        doubts = _phase_doubts(index, scenario.timeline)
        findings += [Finding("warning", message, None, phase) for message in doubts]
    return tuple(findings)


_SILENT = {
    "models": "a question for models",
    "stored": "an operation on what is stored",
    "account": "a question about an account",
}
"""The APIs that say nothing of a chat."""
_BY_INPUTS = {
    "completions": ("user message", "stream"),
    "embeddings": ("user message",),
    "moderations": ("user message",),
}
"""The APIs that have no messages, and what of a chat they have all the same."""


def _about(index: int, scenario: Scenario) -> Iterator[tuple[Severity, str]]:
    rules = scenario.rules
    rule = rules[index]
    never = [*_contradictions(rule.when), *_unlisted(rule.when, scenario)]
    for message in never:
        yield "error", f"never matches: {message}"
    if not never:
        for earlier in range(index):
            if _catches_all(rules[earlier]) and implied(rules[earlier].when, rule.when):
                caught = _named(earlier, rules[earlier])
                yield "error", f"never matches: {caught} answers all it would answer"
                break
    yield from (("warning", message) for message in _doubts(index, rules))


def _named(index: int, rule: Rule) -> str:
    name = f"rules[{index}]" if rule.name is None else f"the rule {rule.name!r}"
    return f"{name} ({rule.location})" if rule.location else name


def _catches_all(rule: Rule) -> bool:
    return rule.times is None and rule.after_last != "pass"


def _contradictions(when: When) -> Iterator[str]:
    for key, count in (("turn", when.turn), ("attempt", when.attempt)):
        if count is not None and (count.at_least or 0) > _top(count):
            yield f"{key} cannot be at least {count.at_least} and at most {count.at_most}"
    if when.attempt is not None and when.attempt.at_most == 0:
        yield "the first attempt is 1"
    texts = [("user", when.user), ("system", when.system)]
    texts += [
        (f"the header {name!r}", condition)
        for name, condition in (when.headers or {}).items()
        if isinstance(condition, TextCondition)
    ]
    for key, text in texts:
        if text is not None and _impossible(text):
            yield f"the conditions on {key} contradict each other"
    if when.api in _SILENT:
        yield from (f"{_SILENT[when.api]} has no {key}" for key in _chat_only(when))
    if when.api in _BY_INPUTS:
        lacking = (key for key in _chat_only(when) if key not in _BY_INPUTS[when.api])
        yield from (f"a request for {when.api} has no {key}" for key in lacking)


def _unlisted(when: When, scenario: Scenario) -> Iterator[str]:
    """Tell that no listed model fits; fine-tunes and providers' prefixes may be any."""
    if scenario.models is None or scenario.validation == "lenient" or when.model is None:
        return
    listed = [model.id for model in scenario.models]
    if not any(
        glob[:1] in "*?[" or "/" in glob or ":" in glob or fnmatchcase(name, glob)
        for glob in when.model
        for name in listed
    ):
        meant = nearest(when.model[0], listed)
        wanted = " or ".join(when.model)
        yield f"the scenario lists no model {wanted!r}" + (f", {meant}" if meant else "")


def _top(count: CountCondition) -> float:
    return float("inf") if count.at_most is None else count.at_most


def _impossible(text: TextCondition) -> bool:
    if text.equals is not None:
        return not holds(text, text.equals)
    if text.not_ is None or (text.matches is None and not text.contains):
        return False
    rest = TextCondition(contains=text.contains, matches=text.matches)
    return text_implied(text.not_, rest)


def _chat_only(when: When) -> Iterator[str]:
    for key, text in (("user message", when.user), ("system message", when.system)):
        if text is not None and not holds(text, ""):
            yield key
    if when.turn is not None and when.turn.at_least:
        yield "turn"
    if when.after_tool not in (None, False) or when.offers_tool not in (None, False):
        yield "tools"
    if when.stream:
        yield "stream"


def _doubts(index: int, rules: tuple[Rule, ...]) -> Iterator[str]:
    rule = rules[index]
    if rule.when.turn is not None and rule.when.turn.at_most == 0:
        yield "the first turn is 1; 0 is a conversation without any user message"
    for earlier in range(index):
        if rule.name is not None and rules[earlier].name == rule.name:
            yield f"the name {rule.name!r} is taken by {_named(earlier, rules[earlier])}"
            break
    yield from dict.fromkeys(discords(rule))
    yield from _unreachable_replies(rule)
    yield from _state_doubts(rule, rules)


def _unreachable_replies(rule: Rule) -> Iterator[str]:
    count, attempt = len(rule.answers), rule.when.attempt
    if rule.per != "request" and rule.times is not None and rule.times < count:
        yield f"only {rule.times} of {count} replies are ever given: times is {rule.times}"
    if rule.per == "request" and attempt is not None and 0 < _top(attempt) < count:
        top = attempt.at_most
        yield f"only {top} of {count} replies are ever given: attempt is at most {top}"


def _state_doubts(rule: Rule, rules: tuple[Rule, ...]) -> Iterator[str]:
    for key, value in (rule.when.state or {}).items():
        values = [one.set_state[key] for one in rules if key in one.set_state]
        if value is None:
            continue
        if not values:
            yield f"no rule sets the state {key!r}"
        elif not any(type(one) is type(value) and one == value for one in values):
            yield f"no rule sets the state {key!r} to this value"
    for key in rule.set_state:
        if not any(key in (one.when.state or {}) for one in rules):
            yield f"no rule asks for the state {key!r}"


def _phase(index: int, timeline: tuple[PhaseSpec, ...]) -> str:
    name = timeline[index].name
    return f"timeline[{index}]" if name is None else f"timeline[{index}] ({name})"


def _phase_doubts(index: int, timeline: tuple[PhaseSpec, ...]) -> Iterator[str]:
    phase = timeline[index]
    paces = [one.pacing for one in timeline if one.pacing not in (None, PacingSpec())]
    alone = phase.error is None and not phase.faults and phase.chaos is None
    if alone and phase.pacing == PacingSpec() and not paces:
        yield "nothing happens in it: its pacing says nothing"
    if phase.error is None:
        return
    for earlier in range(index):
        other = timeline[earlier]
        at_once = phase.at < other.ends and other.at < phase.ends
        if (
            at_once
            and other.error is not None
            and implied(other.when or When(), phase.when or When())
        ):
            yield f"its error is in vain while {_phase(earlier, timeline)} goes on, which has one"
            break
