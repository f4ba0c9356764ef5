"""The verbs of a server elsewhere, over its control API."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from mockdock.errors import UsageError
from mockdock.observe.verbs import (
    Changes,
    Counts,
    Exposition,
    InPython,
    LimitCard,
    Opening,
    RuleCard,
    Scalar,
    Settings,
    Unused,
    Verdict,
)
from mockdock.remote.asking import Asking
from mockdock.remote.portable import portable_rule, portable_scenario

__all__ = ["RemoteVerbs"]

_PAGE = 500
_LONGEST_WAIT = 20.0
"""Seconds a single request waits; a longer wait is several."""


class RemoteVerbs(Asking):
    """Every verb, done to a server that runs elsewhere.

    ``url`` is that of the server, perhaps with a path below which it is;
    ``token`` its control token. An answer may take ``timeout`` seconds. Files
    that scenarios and rules name are read on this machine. Raises StartError
    when no mockdock server answers there, or one of another language.

    >>> verbs = RemoteVerbs("http://127.0.0.1:8080")
    >>> verbs.add_rule("", {"reply": "Hello!"})
    '+1'
    """

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema of the scenario language."""
        return self._mapping(self._ask("GET", "schema"))

    def sessions(self) -> list[str]:
        """Name the sessions that are open, in the order they were opened."""
        return list(self._ask("GET", "sessions")["sessions"])

    def open(self, session: str, opening: Opening) -> None:
        """Open a session, anew when it was open."""
        body = {name: value for name, value in opening if value is not None}
        if opening.scenario is not None:
            body["scenario"] = portable_scenario(opening.scenario)
        self._ask("PUT", f"sessions/{quote(session, safe='')}", body)

    def close(self, session: str) -> None:
        """Close a session and forget everything of it; harmless when it is not open."""
        self._ask("DELETE", f"sessions/{quote(session, safe='')}")

    def load(self, session: str, scenario: Mapping[str, Any]) -> None:
        """Replace the scenario; added rules stay in front of it."""
        self._ask("PUT", "scenario", portable_scenario(scenario), session=session)

    def scenario(self, session: str) -> dict[str, Any]:
        """Give the scenario, in its own language."""
        return self._mapping(self._ask("GET", "scenario", session=session))

    def add_rule(
        self,
        session: str,
        rule: Mapping[str, Any],
        in_python: InPython | None = None,
        *,
        first: bool = False,
    ) -> str:
        """Put a rule before those of the scenario, and give its key."""
        _refuse_python(in_python)
        query = {"first": "true"} if first else {}
        answer = self._ask(
            "POST", "rules", portable_rule(rule), session=session, query=query, again=False
        )
        return str(answer["key"])

    def replace_rule(
        self, session: str, key: str, rule: Mapping[str, Any], in_python: InPython | None = None
    ) -> None:
        """Change an added rule; its place and counters stay."""
        _refuse_python(in_python)
        self._ask("PUT", f"rules/{quote(key, safe='')}", portable_rule(rule), session=session)

    def remove_rule(self, session: str, key: str) -> None:
        """Remove an added rule."""
        self._ask("DELETE", f"rules/{quote(key, safe='')}", session=session, again=False)

    def rules(self, session: str, *, key: str | None = None) -> list[RuleCard]:
        """List the rules in the order they are tried, or only the one with this key."""
        query = {} if key is None else {"key": key}
        answer = self._ask("GET", "rules", session=session, query=query)
        return [self._model(RuleCard, card) for card in answer["rules"]]

    def trouble(self, session: str) -> dict[str, Any]:
        """Give the trouble of the scenario, in the words of the language."""
        return self._mapping(self._ask("GET", "faults", session=session))

    def set_trouble(self, session: str, trouble: Mapping[str, Any]) -> None:
        """Replace these parts of the scenario; others stay, None takes one away."""
        self._ask("PUT", "faults", dict(trouble), session=session)

    def limits(self, session: str) -> list[LimitCard]:
        """Tell how the limits stand now; one that counts apart, for each it has counted."""
        answer = self._ask("GET", "limits", session=session)
        return [self._model(LimitCard, card) for card in answer["limits"]]

    def journal(
        self,
        session: str | None,
        *,
        after: int = 0,
        last: int | None = None,
        limit: int | None = None,
        wait: float = 0,
    ) -> list[dict[str, Any]]:
        """Give records of what is kept of a session, or of all, oldest first."""
        found: list[dict[str, Any]] = []
        waits = _waits(wait)
        most = min((each for each in (last, limit) if each is not None), default=None)
        while most is None or len(found) < most:
            size = _PAGE if most is None else min(_PAGE, most - len(found))
            now = 0.0 if found else next(waits, None)
            if now is None:
                break
            query = {"after": after, "limit": size, "wait": f"{now:f}"}
            if last is not None and not found:
                query["last"] = last
            page = self._ask("GET", "journal", session=session, query=query, wait=now)["records"]
            found += page
            if page:
                after = page[-1]["number"]
            if found and len(page) < size:
                break
        return found

    def counts(self, session: str | None) -> Counts:
        """Count what a session did, or all together."""
        return self._model(Counts, self._ask("GET", "counts", session=session))

    def metrics(self, accept: str = "") -> Exposition:
        """Write the numbers of the whole server for Prometheus, as an Accept header wants them."""
        return Exposition(*self._text("metrics", accept))

    def verify(
        self, session: str | None, *, unused: Unused = "added", order: Sequence[Sequence[str]] = ()
    ) -> Verdict:
        """Judge a session: requests no rule answered, rules never used, functions that raised.

        None: all sessions.
        """
        body = {"unused": unused, "order": [list(group) for group in order]}
        return self._model(Verdict, self._ask("POST", "verify", body, session=session))

    def audit(
        self, session: str | None, policy: str | Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Judge how clients took it when things went wrong, by what the journal keeps."""
        return self._mapping(self._ask("POST", "audit", {"policy": policy}, session=session))

    def wait(self, session: str, count: int, timeout: float) -> bool:
        """Wait until a session has had so many requests, up to ``timeout`` real seconds."""
        for now in _waits(timeout):
            query = {"count": max(count, 0), "wait": f"{now:f}"}
            answer = self._ask("GET", "wait", session=session, query=query, wait=now)
            if answer["reached"]:
                return True
        return False

    def explain(self, session: str, request: Mapping[str, Any], attempt: int = 1) -> dict[str, Any]:
        """Tell which rule would answer the JSON body of a chat request, and why others do not."""
        body = {"request": dict(request), "attempt": attempt}
        return self._mapping(self._ask("POST", "explain", body, session=session))

    def state(self, session: str) -> dict[str, Scalar]:
        """Give the named states."""
        return self._mapping(self._ask("GET", "state", session=session))

    def set_state(self, session: str, states: Mapping[str, Scalar]) -> None:
        """Set named states; None unsets."""
        self._ask("PUT", "state", dict(states), session=session)

    def settings(self, session: str) -> Settings:
        """Give the settings as they are."""
        return self._model(Settings, self._ask("GET", "settings", session=session))

    def change(self, session: str, changes: Changes) -> None:
        """Change settings from the next request on."""
        names = Changes.model_fields
        body = {name: value for name, value in changes if name in names and value is not None}
        self._ask("PATCH", "settings", body, session=session)

    def clock(self, session: str) -> dict[str, float]:
        """Give ``now`` (scenario seconds) and ``time`` (seconds since 1970)."""
        return self._mapping(self._ask("GET", "clock", session=session))

    def advance(self, session: str, seconds: float) -> None:
        """Move the session's time on; only time that does not run by itself can be."""
        self._ask("POST", "clock", {"seconds": seconds}, session=session, again=False)

    def reset(self, session: str | None) -> None:
        """Forget what a session did: counters, states, journal, added rules. None: all sessions."""
        self._ask("POST", "reset", session=session)


def _refuse_python(in_python: InPython | None) -> None:
    if in_python is not None and (in_python.where or in_python.functions):
        raise UsageError(
            "Python functions need a server in this process: this one runs elsewhere; "
            "say it in the words of the scenario language"
        )


def _waits(seconds: float) -> Iterator[float]:
    """Cut a wait into requests: give how long each may take, one at least."""
    end = time.monotonic() + seconds
    yield min(max(seconds, 0.0), _LONGEST_WAIT)
    while (left := end - time.monotonic()) > 0:
        yield min(left, _LONGEST_WAIT)
