"""Talks to the application without a socket: messages in, messages out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mockdock.app import MAX_BODY, App
from mockdock.delivery import Clock, ScaledClock
from mockdock.engine import Engine
from mockdock.observe import Observer
from mockdock.scenario import load
from tests.azure_types import as_openai
from tests.openai_types import check_answer

__all__ = ["Answer", "Message", "app_of", "ask", "post", "scope_of"]

Message = dict[str, Any]
Headers = Mapping[str, str] | Sequence[tuple[bytes, bytes]]
FAILED = 400
_OF_OPENAI = {"error", "has_more", "object", "results"}


@dataclass(frozen=True)
class Answer:
    """What the application sent back."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Read the body, which is one JSON value."""
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)

    def checked(self) -> Any:
        """Check it against the types of the openai package, and give its JSON or its events.

        What Azure adds is checked on its own, and left out.
        """
        kind, body = self.headers["content-type"], self.body
        if "apim-request-id" in self.headers:
            body = as_openai(self.status, kind, body)
        elif self.status >= FAILED and [*(told := json.loads(body))] == ["message"]:
            return told  # Langdock's errors are flat
        elif self._is_of_langdb():
            return json.loads(body) if kind == "application/json" else body
        return check_answer(self.status, kind, body)

    def _is_of_langdb(self) -> bool:
        """Tell what is checked by LangDB's own tests: it is not of OpenAI's form."""
        if self.headers["content-type"] != "application/json" or not self.body:
            return self.headers["content-type"].startswith("text/plain")
        told = json.loads(self.body)
        if isinstance(told, list) or "x-provider-name" in self.headers:
            return True
        return isinstance(told.get("error"), str) or not _OF_OPENAI & told.keys()

    def events(self) -> list[Any]:
        """Read the events of a stream, without the one that ends it."""
        events: list[Any] = self.checked()
        return events


def app_of(
    *rules: Mapping[str, Any],
    observers: Sequence[Observer] = (),
    clock: Clock | None = None,
    max_body: int = MAX_BODY,
    **settings: Any,
) -> App:
    """Make an application of rules and other settings of a scenario; nothing waits in it."""
    scenario = load({"mockdock": 1, "seed": 1, "rules": list(rules), **settings}).scenario
    clock = ScaledClock(0) if clock is None else clock
    return App(Engine(scenario), clock=clock, observers=observers, max_body=max_body)


def scope_of(method: str, path: str, headers: Headers = ()) -> Message:
    """Make a scope as uvicorn does."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("utf-8", "replace"),
        "root_path": "",
        "query_string": b"",
        "headers": [(_bytes(name), _bytes(value)) for name, value in pairs],
        "server": ("127.0.0.1", 8080),
        "client": ("127.0.0.1", 50000),
    }


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def ask(
    app: App,
    method: str,
    path: str,
    body: bytes | Iterable[bytes] = b"",
    headers: Headers = (),
    **more: Any,
) -> Answer:
    """Send one request, its body in one piece or in several, and wait for the whole answer.

    Whatever comes is checked against the types of the openai package.
    """
    chunks = [body] if isinstance(body, bytes) else list(body)
    arriving: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": index < len(chunks)}
        for index, chunk in enumerate(chunks, 1)
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        if not arriving:
            await asyncio.Event().wait()  # a client that stays says nothing more
        return arriving.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app({**scope_of(method, path, headers), **more}, receive, send))
    start, *rest = sent
    assert start["type"] == "http.response.start"
    assert [message["more_body"] for message in rest] == [True] * (len(rest) - 1) + [False]
    told = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    answer = Answer(start["status"], told, b"".join(message["body"] for message in rest))
    assert told.get("content-length", str(len(answer.body))) == str(len(answer.body))
    answer.checked()
    return answer


def post(app: App, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """Send a JSON body, as an SDK with a key does."""
    usual = {
        "host": "127.0.0.1:8080",
        "content-type": "application/json",
        "authorization": "Bearer sk-test",
    }
    return ask(app, "POST", path, json.dumps(body).encode(), {**usual, **(headers or {})})
