"""How a server elsewhere is asked: requests to its control API, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ValidationError

from mockdock.errors import MockdockError, Problem, ScenarioError, StartError, UsageError
from mockdock.names import CONTROL_PATH
from mockdock.observe.verbs import ALL_SESSIONS, About
from mockdock.remote.connections import Connections
from mockdock.scenario.models import VERSION

__all__ = ["Asking"]

Model = TypeVar("Model", bound=BaseModel)

_OK = range(200, 300)


class Asking:
    """A mockdock server elsewhere. Raises StartError when none is there, or another version."""

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
        if session == ALL_SESSIONS:
            raise UsageError(f"{ALL_SESSIONS!r} stands for all sessions; no session has that key")
        named = {"session": ALL_SESSIONS if session is None else session} if session != "" else {}
        asked = urlencode({**named, **(query or {})})
        path = f"{CONTROL_PATH}/{resource}{f'?{asked}' if asked else ''}"
        headers, content = self._headers, None
        if body is not None:
            content = _written(body)
            headers = {**headers, "content-type": "application/json"}
        connections = self._connections
        status, raw, _ = connections.ask(method, path, content, headers, wait=wait, again=again)
        return self._read(method, resource, status, raw)

    def _text(self, resource: str, accept: str) -> tuple[bytes, str]:
        """Give a text of the control API and its media type, or raise what it refuses."""
        path, headers = f"{CONTROL_PATH}/{resource}", {**self._headers, "accept": accept}
        status, raw, media_type = self._connections.ask("GET", path, None, headers, again=True)
        if status not in _OK:
            self._read("GET", resource, status, raw)
        return raw, media_type

    def _read(self, method: str, resource: str, status: int, raw: bytes) -> Any:
        try:
            answer = json.loads(raw) if raw else None
        except (ValueError, RecursionError):
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
            known = Problem._fields
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
            f"{method} {CONTROL_PATH}/{resource} was answered with {status}{hint}"
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


def _written(body: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(body, allow_nan=False).encode()
    except (RecursionError, TypeError, ValueError) as error:
        raise UsageError(f"this cannot be sent as JSON: {error}") from None
