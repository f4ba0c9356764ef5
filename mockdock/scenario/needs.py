"""What of a scenario several processes have to know together, in its own words."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from mockdock.request import DialectName
from mockdock.scenario import placeholders
from mockdock.scenario.chaos import ChaosSpec
from mockdock.scenario.conditions import CountCondition, When
from mockdock.scenario.faults import FaultSpec
from mockdock.scenario.models import Rule, Scenario
from mockdock.scenario.pace import PacingSpec
from mockdock.scenario.replies import ErrorSpec, ReplySpec

__all__ = ["dialect_needs", "door_needs", "pace_needs", "shared_needs"]

_DOORS = ("connection_refused", "accept_and_close")


def shared_needs(scenario: Scenario, dialects: Collection[DialectName]) -> list[str]:
    """Say what depends on what happened before, of a scenario asked in these dialects.

    Several processes answer as one only where they share that. Empty where nothing does:
    then any of them answers as any other.
    """
    return [
        *(told for index, rule in enumerate(scenario.rules) for told in _of_rule(index, rule)),
        *_of_otherwise(scenario),
        *(f"limits[{index}] counts what is let through" for index in range(len(scenario.limits))),
        *_of_faults("faults", scenario.faults),
        *(_of_chaos("chaos", scenario.chaos)),
        *(f"{_phase(scenario, at)} begins and ends by one clock" for at in _phases(scenario)),
        *(told for name in dialects for told in dialect_needs(scenario, name)),
        *pace_needs(scenario),
        *door_needs(scenario),
    ]


def dialect_needs(scenario: Scenario, dialect: DialectName) -> list[str]:
    """Say what a dialect counts or keeps of its own."""
    if dialect == "langdb":
        return ["LangDB keeps accounts: threads, costs, usage and prices"]
    limits = scenario.own_limits.get(dialect, ())
    said = "" if getattr(scenario, dialect, None) is not None else ", those of its documents"
    return [
        f"{dialect}.limits[{index}] counts what is let through{said} "
        f"({dialect}: {{limits: []}} takes them away)"
        for index in range(len(limits))
    ]


def door_needs(scenario: Scenario) -> list[str]:
    """Say what closes the door for new connections: a process has none of its own."""
    return [
        f"{place}: {name} closes the door for new connections"
        for place, name in _faults(scenario)
        if name in _DOORS
    ]


def pace_needs(scenario: Scenario) -> list[str]:
    """Say what goes by how many replies are under way at the same time."""
    found = []
    for place, pacing in _paces(scenario):
        whole = pacing.pacing()
        for name, most in (("capacity", whole.capacity), ("concurrent", whole.concurrent)):
            if most is not None:
                found.append(f"{place}: {name} counts the replies that are under way")
    return found


def _of_rule(index: int, rule: Rule) -> Iterator[str]:
    where = _named(index, rule)
    if (count := len(rule.answers)) > 1:
        yield f"{where} gives its {count} replies one after the other, per {rule.per}"
    elif rule.after_last in ("pass", "fail"):
        yield f"{where} counts its answers: after_last: {rule.after_last}"
    if rule.times is not None:
        yield f"{where} counts its answers: times: {rule.times}"
    if rule.set_state:
        yield f"{where} sets the state {', '.join(rule.set_state)}"
    yield from _of_when(where, rule.when)
    for answer in rule.answers:
        yield from _of_answer(where, answer)


def _of_otherwise(scenario: Scenario) -> Iterator[str]:
    if isinstance(scenario.otherwise, ReplySpec | ErrorSpec):
        yield from _of_answer("otherwise", scenario.otherwise)


def _of_answer(where: str, answer: ReplySpec | ErrorSpec) -> Iterator[str]:
    names = {name.root for _, text in answer.templates() for name in placeholders.find(text)}
    if "attempt" in names:
        yield f"{where} tells the number of the attempt: ${{attempt}}"
    if isinstance(answer, ReplySpec):
        yield from _of_faults(f"{where}: faults", answer.faults)


def _of_when(where: str, when: When | None) -> Iterator[str]:
    if when is None:
        return
    if when.attempt is not None:
        yield f"{where} depends on the attempt: {_shown(when.attempt)}"
    if when.state:
        yield f"{where} depends on the state {', '.join(when.state)}"


def _of_faults(where: str, faults: Collection[FaultSpec]) -> Iterator[str]:
    for index, fault in enumerate(faults):
        place = f"{where}[{index}]"
        if fault.times is not None:
            yield f"{place} counts how often it strikes: times: {fault.times}"
        yield from _of_when(place, fault.when)


def _of_chaos(where: str, chaos: ChaosSpec | None) -> Iterator[str]:
    if chaos is not None:
        yield f"{where} goes by how often a request was seen"
        yield from _of_when(where, chaos.when)


def _faults(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """Give the place and the type of every fault there may be."""
    given = [(f"faults[{at}]", each) for at, each in enumerate(scenario.faults)]
    chaos = [("chaos.mix", scenario.chaos)]
    for index, phase in enumerate(scenario.timeline):
        place = _phase(scenario, index)
        given += [(f"{place}: faults[{at}]", each) for at, each in enumerate(phase.faults)]
        chaos.append((f"{place}: chaos.mix", phase.chaos))
    for where, answer in _answers(scenario):
        given += [(f"{where}: faults[{at}]", each) for at, each in enumerate(answer.faults)]
    for place, each in chaos:
        wishes = () if each is None else each.wishes
        given += [
            (place, wish) for wish, weight in wishes if isinstance(wish, FaultSpec) and weight
        ]
    return ((place, fault.type) for place, fault in given)


def _paces(scenario: Scenario) -> Iterator[tuple[str, PacingSpec]]:
    """Give the place of every pace there is."""
    phases = ((_phase(scenario, at), scenario.timeline[at]) for at in _phases(scenario))
    given = [
        ("pacing", scenario.pacing),
        *((f"{place}: pacing", phase.pacing) for place, phase in phases),
        *((f"{where}: pacing", answer.pacing) for where, answer in _answers(scenario)),
    ]
    return ((place, pacing) for place, pacing in given if pacing is not None)


def _answers(scenario: Scenario) -> Iterator[tuple[str, ReplySpec]]:
    """Give every scripted answer that is no error, with where it is."""
    for index, rule in enumerate(scenario.rules):
        where = _named(index, rule)
        yield from ((where, each) for each in rule.answers if isinstance(each, ReplySpec))
    if isinstance(scenario.otherwise, ReplySpec):
        yield "otherwise", scenario.otherwise


def _phases(scenario: Scenario) -> range:
    return range(len(scenario.timeline))


def _phase(scenario: Scenario, index: int) -> str:
    name = scenario.timeline[index].name
    return f"timeline[{index}]" if name is None else f"timeline[{index}] ({name})"


def _named(index: int, rule: Rule) -> str:
    name = f"rules[{index}]" if rule.name is None else f"the rule {rule.name!r}"
    return f"{rule.location}: {name}" if rule.location else name


def _shown(count: CountCondition) -> str:
    low, high = count.at_least, count.at_most
    if low == high:
        return f"{low}"
    return f"{low or 1} or more" if high is None else f"{low or 1} to {high}"
