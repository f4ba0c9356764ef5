"""Talks to the application without a socket: messages in, messages out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.routing import compile_path

from mockdock.app import MAX_BODY, App
from mockdock.arrival import marked, straightened
from mockdock.delivery import Clock, ScaledClock
from mockdock.dialects import DIALECTS, Dialect, Route
from mockdock.engine import Engine
from mockdock.observe import Observer
from mockdock.scenario import load
from tests.azure_types import as_openai
from tests.langdb_types import check_langdb
from tests.openai_types import check_answer

__all__ = ["Answer", "Message", "app_of", "ask", "exchange", "post", "scope_of"]

Message = dict[str, Any]
Headers = Mapping[str, str] | Sequence[tuple[bytes, bytes]]
FAILED = 400
_PATHS = {
    each.name: [(route, compile_path(route.path)[0]) for route in each.routes] for each in DIALECTS
}


@dataclass(frozen=True)
class Answer:
    """What the application sent back, and which dialect and operation had to answer.

    The operation is empty where the dialect has none for the path and the method.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    dialect: str = ""
    operation: str = ""

    def json(self) -> Any:
        """Read the body, which is one JSON value."""
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)

    def checked(self) -> Any:
        """Check it against the types of the openai package, and give its JSON or its events.

        What Azure adds is checked on its own, and left out; LangDB's by its specification.
        """
        kind, body = self.headers["content-type"], self.body
        if self.dialect == "langdb":
            return check_langdb(self.operation, self.status, kind, body)
        if "apim-request-id" in self.headers:
            body = as_openai(self.status, kind, body)
        elif self.status >= FAILED and [*(told := json.loads(body))] == ["message"]:
            return told  # Langdock's errors are flat
        return check_answer(self.status, kind, body)

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


def spoken_by(app: App, scope: Message) -> tuple[str, str]:
    """Tell by the tables alone which dialect has to answer a request, and what it calls it."""

    def found(dialect: Dialect, path: str) -> list[Route]:
        return [route for route, pattern in _PATHS[dialect.name] if pattern.match(path)]

    def known(path: str) -> bool:
        return any(found(each, path) for each in app.dialects)

    path = straightened(scope, known)["path"]
    every = [each for each in app.dialects if found(each, path)]
    if not every:
        near = max(app.dialects, key=lambda each: (marked(scope, each.mark), each.nearness(path)))
        return near.name, ""
    meant = [each for each in every if each.mark and marked(scope, each.mark)]
    speaker = (meant or [each for each in every if not each.mark] or every)[0]
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    operations = [each.operation for each in found(speaker, path) if each.method == method]
    return speaker.name, operations[0] if operations else ""


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

    Whatever comes is checked by the types of the dialect that has to answer.
    """
    answer = exchange(app, method, path, body, headers, **more)
    told = answer.headers
    assert told.get("content-length", str(len(answer.body))) == str(len(answer.body))
    answer.checked()
    return answer


def exchange(
    app: App,
    method: str,
    path: str,
    body: bytes | Iterable[bytes] = b"",
    headers: Headers = (),
    *,
    run: Callable[[Coroutine[Any, Any, None]], None] = asyncio.run,
    **more: Any,
) -> Answer:
    """Send one request as :func:`ask` does, and give the answer of whatever form.

    ``run`` is what runs it: a loop of its own.
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

    scope = {**scope_of(method, path, headers), **more}
    speaker = spoken_by(app, scope)
    run(app(scope, receive, send))
    start, *rest = sent
    assert start["type"] == "http.response.start"
    assert [message["more_body"] for message in rest] == [True] * (len(rest) - 1) + [False]
    told = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    return Answer(start["status"], told, b"".join(message["body"] for message in rest), *speaker)


def post(
    app: App, path: str, body: Any, headers: Mapping[str, str] | None = None, **more: Any
) -> Answer:
    """Send a JSON body, as an SDK with a key does."""
    usual = {
        "host": "127.0.0.1:8080",
        "content-type": "application/json",
        "authorization": "Bearer sk-test",
    }
    return ask(app, "POST", path, json.dumps(body).encode(), {**usual, **(headers or {})}, **more)
