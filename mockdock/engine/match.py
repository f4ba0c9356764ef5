"""Which rules a request fits. Matching and explaining are the same conditions.

A condition holds or not (``holds``) and can say what it wanted and what it
found (``told``); an index asks only the first, ``explain`` both.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import Struct

from mockdock.engine.conditions import Condition, bounds, conditions, shown, told_bounds
from mockdock.engine.needles import Needles
from mockdock.engine.pace import Pace, pace_of
from mockdock.engine.store import Candidate, Scalar, Skip, same
from mockdock.reply import Unmet
from mockdock.request import Api, Request
from mockdock.scenario import ErrorSpec, PacingSpec, ReplySpec, Rule, When

__all__ = [
    "AddedRule",
    "Compiled",
    "Function",
    "Index",
    "Situation",
    "Verdict",
    "compile_added",
    "compile_rules",
    "explain",
]

Function = Callable[[Request, int], Awaitable[ReplySpec | ErrorSpec]]
"""Answers a request; also gets which attempt of it this is, counted from 1."""


class AddedRule(Struct, frozen=True):
    """A rule added while serving, with what only Python can say.

    ``key`` is that of its counters and chance, and is never given to another.
    ``where`` are conditions beside ``when``. A function in place of an answer
    is asked for one.
    """

    key: str
    name: str
    when: When
    answers: tuple[ReplySpec | ErrorSpec | Function, ...]
    where: tuple[Condition, ...] = ()
    per: Literal["session", "request", "server"] = "session"
    after_last: Literal["repeat", "cycle", "pass", "fail"] = "repeat"
    times: int | None = None
    set_state: Mapping[str, Scalar] = {}


@dataclass(frozen=True, slots=True)
class Compiled:
    """A rule made ready: its stateless conditions, and the rest for the store.

    ``index`` is its place in the scenario, below 0 for one that was added, and
    no other rule of an engine has it; ``label`` is its name in
    messages, ``chance`` what its random choices go by. ``paces`` are those of
    its answers, and ``fixed`` tells of each that its words are always the same but for
    the parameters of the request; ``said`` are those words. ``sure`` tells that it always
    answers when its stateless conditions hold, ``asks`` that functions answer for it.
    """

    index: int
    label: str
    chance: str
    when: When
    answers: tuple[ReplySpec | ErrorSpec | Function, ...]
    conditions: tuple[Condition, ...]
    candidate: Candidate
    paces: tuple[Pace, ...]
    sure: bool
    asks: bool = False
    fixed: tuple[bool, ...] = ()
    said: dict[tuple[object, ...], Any] = field(default_factory=dict, compare=False, repr=False)

    def place_of(self, answer: object) -> int | None:
        """Give the place of an answer among its own, None where it is none of them."""
        for place, each in enumerate(self.answers):
            if each is answer:
                return place
        return None


class Verdict(Struct, frozen=True):
    """Whether a rule would answer, and if not, why not."""

    compiled: Compiled
    mismatches: tuple[Unmet, ...]


def compile_rules(
    rules: Sequence[Rule],
    pacing: PacingSpec | None,
    *,
    alone: bool = False,
    edition: int = 0,
) -> tuple[Compiled, ...]:
    """Make rules ready for matching; ``pacing`` is that of the scenario.

    A rule's counters and chance go by its name, so that a named rule may move; by
    its place when it has no name, shares it, or it looks like a key of ours.
    Rules that are ``alone`` belong to one session: what they count by server is
    counted there. Another ``edition`` of a scenario counts anew.
    """
    names = Counter(rule.name for rule in rules)
    return tuple(
        _compile(
            index,
            rule.name or f"rule {index + 1}",
            _key(rule.name, names, index),
            rule,
            pacing,
            alone=alone,
            edition=edition,
        )
        for index, rule in enumerate(rules)
    )


_OURS = re.compile(r"[+#]|\d+/")
"""How the keys begin that are no names: of added rules, of places, of later editions."""


def _key(name: str | None, names: Mapping[str | None, int], index: int) -> str:
    if name and names[name] == 1 and not _OURS.match(name):
        return name
    return f"#{index}"


def compile_added(
    rules: Sequence[AddedRule], pacing: PacingSpec | None, *, alone: bool
) -> tuple[Compiled, ...]:
    """Make rules ready that were added; they come before those of the scenario."""
    return tuple(
        _compile(-index, rule.name, rule.key, rule, pacing, alone=alone)
        for index, rule in enumerate(rules, start=1)
    )


class Index:
    """Rules in file order, ready to be asked quickly: those of each API by themselves.

    Most rules go by a text that the user's must hold: that is looked for before anything else,
    and where there are many, only of those that are near.
    """

    def __init__(self, rules: Sequence[Compiled]) -> None:
        self._rules = rules
        self._of: dict[str, tuple[list[_Row], Needles | None]] = {}

    def candidates(self, request: Request) -> list[Compiled]:
        """Give the rules all of whose stateless conditions hold, in file order.

        Behind a rule that is sure to answer none is looked at.
        """
        return self.among(request.api, request.user_text, lambda: request)

    def among(self, api: Api, said: str, whole: Callable[[], Request]) -> list[Compiled]:
        """Give the same, where the ``whole`` request is read only if a rule looks at it.

        ``said`` is the text of the user.
        """
        known = self._of.get(api)
        if known is None:
            known = self._of[api] = self._sorted(whole())
        rows, needles = known
        if needles is not None:
            rows = [rows[place] for place in needles.near(said)]
        fitting: list[Compiled] = []
        for needle, tests, compiled in rows:
            if needle not in said:
                continue
            for holds in tests:
                if not holds(whole()):
                    break
            else:
                fitting.append(compiled)
                if compiled.sure:
                    break
        return fitting

    def _sorted(self, request: Request) -> tuple[list[_Row], Needles | None]:
        """Give the rules for the API of a request, and what finds those that are near a text."""
        rows = list(self._rows(request))
        many = len(rows) >= _MANY
        return rows, Needles([needle for needle, _, _ in rows]) if many else None

    def _rows(self, request: Request) -> Iterator[_Row]:
        """Give the rules for the API of a request."""
        for compiled in self._rules:
            others = [each for each in compiled.conditions if each.name != "api"]
            if all(each.holds(request) for each in compiled.conditions if each.name == "api"):
                needle = next((each.needle for each in others if each.needle), "")
                tests = tuple(each.holds for each in others if not each.enough)
                yield needle, tests, compiled


_MANY = 24
"""So many rules are found by an index; fewer are looked at one after the other."""
_Row = tuple[str, tuple[Callable[[Request], bool], ...], Compiled]


class Situation(Struct, frozen=True):
    """What a session knew when a request was decided, for explaining it.

    ``skipped`` is what the store said of candidates, by rule index.
    """

    attempt: int = 1
    state: Mapping[str, Scalar] = {}
    skipped: Mapping[int, Skip] = {}


def explain(
    rules: Iterable[Compiled], request: Request, situation: Situation
) -> tuple[Verdict, ...]:
    """Say of each rule which conditions do not hold, and what was found instead."""
    return tuple(
        Verdict(compiled, tuple(_mismatches(compiled, request, situation))) for compiled in rules
    )


def _mismatches(compiled: Compiled, request: Request, situation: Situation) -> Iterator[Unmet]:
    for condition in compiled.conditions:
        if not condition.holds(request):
            yield condition.unmet(request)
    candidate = compiled.candidate
    low, high = candidate.attempts
    if situation.attempt < low or (high is not None and situation.attempt > high):
        wanted = told_bounds(low, high)
        yield Unmet("attempt", f"wanted {wanted}, was {situation.attempt}")
    for name, value in candidate.state:
        found = situation.state.get(name)
        if not same(found, value):
            yield Unmet(f"state.{name}", f"wanted {shown(value)}, was {shown(found)}")
    match situation.skipped.get(compiled.index):
        case "times":
            yield Unmet("times", f"wanted at most {candidate.times}, and has answered as often")
        case "replies":
            yield Unmet("replies", f"all {candidate.length} have been given")
        case _:
            pass


def _compile(
    index: int,
    label: str,
    key: str,
    rule: Rule | AddedRule,
    pacing: PacingSpec | None,
    *,
    alone: bool,
    edition: int = 0,
) -> Compiled:
    when = rule.when
    candidate = Candidate(
        key=f"{edition}/{key}" if edition else key,
        attempts=(1, None) if when.attempt is None else bounds(when.attempt),
        state=tuple((when.state or {}).items()),
        times=rule.times,
        length=len(rule.answers),
        per="session" if alone and rule.per == "server" else rule.per,
        after_last=rule.after_last,
        set_state=tuple(rule.set_state.items()),
    )
    where = rule.where if isinstance(rule, AddedRule) else ()
    return Compiled(
        index=index,
        label=label,
        chance=key,
        when=when,
        answers=rule.answers,
        conditions=(*conditions(when), *where),
        candidate=candidate,
        paces=tuple(pace_of(answer, pacing) for answer in rule.answers),
        asks=any(callable(each) for each in rule.answers),
        fixed=tuple(isinstance(each, ReplySpec) and each.fixed for each in rule.answers),
        sure=when.attempt is None
        and not candidate.state
        and rule.times is None
        and rule.after_last != "pass",
    )
