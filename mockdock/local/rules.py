"""Rules that are added while serving, from the words of the language and from Python."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from mockdock.engine import AddedRule, Condition, Function
from mockdock.errors import ConditionError
from mockdock.observe.lone import lone_rule
from mockdock.observe.verbs import InPython
from mockdock.request import Request
from mockdock.scenario import ErrorSpec, ReplySpec, Rule, load

__all__ = ["added_rule", "read_rule"]


def read_rule(rule: Mapping[str, Any], *, files: bool) -> Rule:
    """Read a rule that stands alone. Raises ScenarioError; its paths begin in the rule."""
    with lone_rule(rule) as scenario:
        return load(scenario, files=files).scenario.rules[0]


def added_rule(key: str, rule: Rule, in_python: InPython | None) -> AddedRule:
    """Make a rule ready to be added, with what only Python can say."""
    more = in_python or InPython()
    answers: list[ReplySpec | ErrorSpec | Function] = list(rule.answers)
    for at, function in more.functions.items():
        answers[at] = _spoken(function)
    return AddedRule(
        key=key,
        name=rule.name or f"rule {key}",
        when=rule.when,
        answers=tuple(answers),
        where=tuple(_condition(name, holds) for name, holds in more.where),
        per=rule.per,
        after_last=rule.after_last,
        times=rule.times,
        set_state=rule.set_state,
    )


def _condition(name: str, holds: Callable[[Request], bool]) -> Condition:
    def checked(request: Request) -> bool:
        try:
            return holds(request)
        except Exception as error:
            raise ConditionError(name, error) from error

    return Condition(name, checked, lambda _: "was not true")


def _spoken(function: Callable[[Request, int], Awaitable[Any]]) -> Function:
    """Let a function answer in the words of the language."""

    async def answer(request: Request, attempt: int) -> ReplySpec | ErrorSpec:
        given = await function(request, attempt)
        when = {"api": request.api} if request.api != "chat" else {}
        return read_rule({"when": when, "reply": given}, files=True).answers[0]

    return answer
