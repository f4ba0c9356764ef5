"""The verbs of a server elsewhere, over its control API."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ValidationError

from mockdock.errors import MockdockError, Problem, ScenarioError, StartError, UsageError
from mockdock.observe.verbs import (
    About,
    Changes,
    Counts,
    InPython,
    Opening,
    RuleCard,
    Scalar,
    Settings,
    Unused,
    Verdict,
)
from mockdock.remote.connections import Connections
from mockdock.remote.portable import portable_rule, portable_scenario
from mockdock.scenario.models import VERSION

__all__ = ["RemoteVerbs"]

Model = TypeVar("Model", bound=BaseModel)

_ALL = "*"
_PAGE = 500
_LONGEST_WAIT = 20.0
"""Seconds a single request waits; a longer wait is several."""
_OK = range(200, 300)


class RemoteVerbs:
    """Every verb, done to a server that runs elsewhere.

    ``url`` is that of the server, perhaps with a path below which it is;
    ``token`` its control token. An answer may take ``timeout`` seconds. Files
    that scenarios and rules name are read on this machine. Raises StartError
    when no mockdock server answers there, or one of another language.

    >>> verbs = RemoteVerbs("http://127.0.0.1:8080")
    >>> verbs.add_rule("", {"reply": "Hello!"})
    '+1'
    """

    def __init__(self, url: str, token: str | None = None, timeout: float = 10.0) -> None:
        self._connections = Connections(url, timeout)
        self._headers = {"accept": "application/json"}
        if token is not None:
            if not (token.isascii() and token.isprintable() and token.strip()):
                raise UsageError("a control token is visible ASCII characters")
            self._headers["authorization"] = f"Bearer {token}"
        about = self.about()
        if about.language != VERSION:
            raise StartError(
                f"the mockdock server at {self.url} (version {about.version}) speaks version "
                f"{about.language} of the scenario language, and this one version {VERSION}; "
                "install the same mockdock on both sides"
            )

    @property
    def url(self) -> str:
        """Scheme, host and port at which clients reach the server, and its path if it has one."""
        return self._connections.url

    def hang_up(self) -> None:
        """Close the connections that are kept; the next verb opens one anew."""
        self._connections.close()

    def about(self) -> About:
        """Tell what the server is."""
        return self._model(About, self._ask("GET", "version"))

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

    def rules(self, session: str) -> list[RuleCard]:
        """List the rules in the order they are tried."""
        answer = self._ask("GET", "rules", session=session)
        return [self._model(RuleCard, card) for card in answer["rules"]]

    def journal(
        self,
        session: str | None,
        *,
        after: int = 0,
        limit: int | None = None,
        wait: float = 0,
    ) -> list[dict[str, Any]]:
        """Give records of what is kept of a session, or of all, oldest first."""
        found: list[dict[str, Any]] = []
        waits = _waits(wait)
        while limit is None or len(found) < limit:
            size = _PAGE if limit is None else min(_PAGE, limit - len(found))
            now = 0.0 if found else next(waits, None)
            if now is None:
                break
            query = {"after": after, "limit": size, "wait": f"{now:f}"}
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

    def verify(
        self, session: str, *, unused: Unused = "added", order: Sequence[Sequence[str]] = ()
    ) -> Verdict:
        """Judge a session: requests no rule answered, rules never used, functions that raised."""
        body = {"unused": unused, "order": [list(group) for group in order]}
        return self._model(Verdict, self._ask("POST", "verify", body, session=session))

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

    def _ask(
        self,
        method: str,
        resource: str,
        body: Mapping[str, Any] | None = None,
        *,
        session: str | None = "",
        query: Mapping[str, Any] | None = None,
        wait: float = 0.0,
        again: bool = True,
    ) -> Any:
        """Give what the control API answers, or raise what it refuses."""
        if session == _ALL:
            raise UsageError(f"{_ALL!r} stands for all sessions; no session has that key")
        named = {"session": _ALL if session is None else session} if session != "" else {}
        asked = urlencode({**named, **(query or {})})
        path = f"/__mockdock/{resource}{f'?{asked}' if asked else ''}"
        headers, content = self._headers, None
        if body is not None:
            content = _written(body)
            headers = {**headers, "content-type": "application/json"}
        status, raw = self._connections.ask(method, path, content, headers, wait=wait, again=again)
        try:
            answer = json.loads(raw) if raw else None
        except ValueError:
            raise self._stranger(method, resource, status) from None
        if status not in _OK:
            raise self._refused(answer) or self._stranger(method, resource, status)
        return answer

    def _refused(self, answer: Any) -> MockdockError | None:
        """Make the error of a refusal, None where it is no control API's."""
        error = answer.get("error") if isinstance(answer, dict) else None
        if not isinstance(error, dict) or "kind" not in error or "problems" not in error:
            return None
        if error["kind"] == "scenario":
            known = {field.name for field in fields(Problem)}
            told = [
                Problem(**{name: value for name, value in one.items() if name in known})
                for one in error["problems"]
            ]
            return ScenarioError(told)
        kind = MockdockError if error["kind"] == "defect" else UsageError
        return kind(str(error["message"]))

    def _stranger(self, method: str, resource: str, status: int) -> StartError:
        hint = "; write it without /v1" if self.url.endswith("/v1") else ""
        return StartError(
            f"{self.url} is not a mockdock server: "
            f"{method} /__mockdock/{resource} was answered with {status}{hint}"
        )

    def _model(self, model: type[Model], answer: Any) -> Model:
        try:
            return model.model_validate(answer)
        except ValidationError:
            raise StartError(
                f"{self.url} is not a mockdock server, or one of another version: "
                f"it gave no {model.__name__} as it is known here"
            ) from None

    def _mapping(self, answer: Any) -> dict[str, Any]:
        return dict(answer)


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


def _written(body: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(body, allow_nan=False).encode()
    except (RecursionError, TypeError, ValueError) as error:
        raise UsageError(f"this cannot be sent as JSON: {error}") from None
