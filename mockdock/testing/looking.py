"""What a session is: its rules and what they did, its scenario, its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict, cast

from mockdock.errors import UsageError
from mockdock.observe.verbs import RuleCard, Settings
from mockdock.testing.checks import plain, short, whole
from mockdock.testing.session import DockSession

__all__ = ["Explained", "Judged", "Looking", "Unmet"]

_MOST_ATTEMPTS = 1_000_000
"""Those that a client can tell of."""


class Unmet(TypedDict):
    """A condition that a request does not meet; None where there are no two texts to compare.

    >>> unmet: Unmet = {"name": "user", "text": "wanted 'a'", "wanted": None, "found": None}
    """

    name: str
    text: str
    wanted: str | None
    found: str | None


class Judged(TypedDict):
    """A rule, by name and key, and what it wants that a request does not have.

    >>> judged: Judged = {"rule": "weather", "key": "+1", "unmet": []}
    """

    rule: str
    key: str
    unmet: list[Unmet]


class Explained(TypedDict):
    """Which rule would answer; None when none would.

    ``refused`` is the body of the API's error, None when it takes the request.

    >>> explained: Explained = dock.explain({"model": "gpt-4o", "messages": []})
    """

    rule: str | None
    refused: dict[str, Any] | None
    verdicts: list[Judged]


class Looking:
    """What a session is, to look at.

    >>> [rule.name for rule in dock.rules if not rule.used]
    []
    """

    def __init__(self, session: DockSession) -> None:
        self._session = session

    @property
    def rules(self) -> list[RuleCard]:
        """The rules in the order they are tried, the scenario's behind those made here.

        Each has ``key``, ``name``, ``when``, ``answers`` (how many), ``times``,
        ``added`` (made while serving) and ``used`` (how often it answered).

        >>> [(rule.name, rule.used) for rule in dock.rules]
        [('weather', 1), ('hello', 1)]
        """
        return self._session.verbs.rules(self._session.key)

    @property
    def scenario(self) -> dict[str, Any]:
        """The scenario, in its own language; rules made here are not in it.

        >>> dock.scenario["mockdock"]
        1
        """
        return self._session.verbs.scenario(self._session.key)

    @property
    def settings(self) -> Settings:
        """The settings: ``seed``, ``otherwise``, ``validation``, ``time_scale`` and others.

        >>> dock.settings.otherwise
        'fail'
        """
        return self._session.verbs.settings(self._session.key)

    def explain(self, request: Mapping[str, Any], attempt: int = 1) -> Explained:
        """Tell which rule would answer the JSON body of a request, and why others do not.

        Nothing is answered, and nothing counted. Raises UsageError for what is
        no JSON object.

        >>> asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi!"}]}
        >>> dock.explain(asked)["rule"]
        'hello'
        """
        if not isinstance(request, Mapping):
            raise UsageError(f"explain({short(request)}): write the body of a request as a mapping")
        whole("attempt", attempt, 1, _MOST_ATTEMPTS)
        told = self._session.verbs.explain(self._session.key, plain(request), attempt)
        return cast("Explained", told)
