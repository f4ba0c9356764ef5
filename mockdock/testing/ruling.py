"""What a session answers: its rules, its scenario, its states."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from mockdock.errors import UsageError
from mockdock.observe.verbs import Scalar
from mockdock.testing.answering import Answering
from mockdock.testing.call import CallRequest
from mockdock.testing.checks import plain, short
from mockdock.testing.rules import Matching, RuleHandle
from mockdock.testing.session import DockSession
from mockdock.testing.sources import Source, mapping, place, words
from mockdock.testing.spec import Answer, Function, Spec

if TYPE_CHECKING:
    from mockdock.request import Api, DialectName

__all__ = ["Ruling", "States", "Words"]

Words = str | re.Pattern[str] | Mapping[str, Any]
"""A condition on a text: what it contains, a pattern, or the words of the language."""

States = Mapping[str, Scalar]


class Ruling(Answering):
    """Rules, the scenario behind them, and named states.

    >>> dock.when(user="weather").reply("Sunny.")
    """

    def __init__(self, session: DockSession) -> None:
        self._session = session

    def when(
        self,
        *,
        dialect: DialectName | None = None,
        api: Api | None = None,
        model: str | Sequence[str] | None = None,
        user: Words | None = None,
        system: Words | None = None,
        turn: int | Mapping[str, int] | None = None,
        attempt: int | Mapping[str, int] | None = None,
        after_tool: bool | str | None = None,
        offers_tool: bool | str | None = None,
        stream: bool | None = None,
        headers: Mapping[str, bool | Words] | None = None,
        body: Mapping[str, Any] | None = None,
        state: States | None = None,
        where: Callable[[CallRequest], object] | None = None,
        name: str | None = None,
        per: Literal["session", "request", "server"] | None = None,
        after_last: Literal["repeat", "cycle", "pass", "fail"] | None = None,
        times: int | None = None,
        set_state: States | None = None,
        first: bool = False,
    ) -> Matching:
        """Begin a rule for requests that meet all of these conditions.

        They are those of the scenario language; ``where`` is a function of the
        request, true or not, that may be asked more than once. ``name`` is by
        default the line of the test. Rules are tried in the order they were
        made, before those of the scenario, the one made ``first`` sooner; the
        first that fits answers.

        >>> dock.when(user="weather", model="gpt-4*").reply("Sunny.")
        >>> dock.when(where=lambda request: len(request.messages) > 9).fail("context_length")
        """
        if where is not None and not callable(where):
            raise UsageError(f"where={short(where)}: write a function of the request")
        conditions = {
            "dialect": dialect,
            "api": api,
            "model": model,
            "user": words(user),
            "system": words(system),
            "turn": turn,
            "attempt": attempt,
            "after_tool": after_tool,
            "offers_tool": offers_tool,
            "stream": stream,
            "headers": _each_in_words(headers),
            "body": body,
            "state": state,
        }
        given = {key: value for key, value in conditions.items() if value is not None}
        fields = {
            "name": place() if name is None else name,
            "when": given or None,
            "per": per,
            "after_last": after_last,
            "times": times,
            "set_state": set_state,
        }
        return Matching(self._session, Spec(fields, where, first=first))

    def _answer(
        self, answers: Sequence[Answer | Function], *, attempts: bool = False
    ) -> RuleHandle:
        return self.when()._answer(answers, attempts=attempts)  # noqa: SLF001 - of its own kind

    def load(self, *scenario: Source) -> None:
        """Replace the scenario; rules made in Python stay in front of it.

        Raises ScenarioError with every problem found.

        >>> dock.load("weather-agent")
        """
        self._session.verbs.load(self._session.key, mapping(scenario))

    @contextmanager
    def in_order(self) -> Iterator[None]:
        """Let the rules made inside have to answer in the order they are made.

        >>> with dock.in_order():
        ...     dock.when(user="plan").reply("First think.")
        ...     dock.when(user="act").reply("Then act.")
        """
        with self._session.ordering():
            yield

    def set_state(self, states: States | None = None, /, **more: Scalar) -> None:
        """Set named states, which conditions ask for; None unsets.

        >>> dock.set_state(logged_in=True)
        >>> dock.set_state({"cart.items": 3})
        """
        if states is not None and not isinstance(states, Mapping):
            raise UsageError(f"set_state({short(states)}): write names and values")
        given = {**(states or {}), **more}
        for name, value in given.items():
            finite = not isinstance(value, float) or math.isfinite(value)
            right = isinstance(value, str | int | float | None) and finite
            if not isinstance(name, str) or not right:
                raise UsageError(
                    f"the state {short(name)}={short(value)}: write a text, a number, True, False "
                    "or None, and a text for its name"
                )
        self._session.verbs.set_state(self._session.key, plain(given, "state"))

    @property
    def state(self) -> dict[str, Scalar]:
        """The named states.

        >>> dock.state
        {}
        """
        return self._session.verbs.state(self._session.key)

    def reset(self) -> None:
        """Begin anew: no rules but the scenario's, no calls, no states.

        >>> dock.reset()
        """
        self._session.reset()


def _each_in_words(headers: Any) -> Any:
    if not isinstance(headers, Mapping):
        return headers
    return {name: words(wanted) for name, wanted in headers.items()}
