"""Requests read off records again are those that were parsed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any

import pytest

from mockdock.app import App
from mockdock.engine import Engine
from mockdock.engine.nearest import idle
from mockdock.local.requests import request_of
from mockdock.scenario import load
from tests.conformance.asgi import Message, scope_of
from tests.observe.helpers import kept_here

RULES = {
    "mockdock": 1,
    "azure": {"deployments": {"mine": "gpt-4o"}},
    "rules": [{"when": {"user": "never"}, "reply": "x"}],
}
ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi \ud83d\ude00"}]}
CHAT = {"model": "gpt-4o", **ASKED}
PATHS: dict[str, tuple[str, Any]] = {
    "openai": ("/v1/chat/completions", CHAT),
    "completions": ("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "Say"}),
    "embeddings": ("/v1/embeddings", {"model": "text-embedding-3-small", "input": "Hi"}),
    "moderations": ("/v1/moderations", {"input": "Hi"}),
    "deployment": ("/openai/deployments/mine/chat/completions", ASKED),
    "azure v1": ("/openai/v1/chat/completions", {"model": "mine", **ASKED}),
    "langdock": ("/openai/eu/v1/chat/completions", CHAT),
    "langdb": ("/a-project/v1/chat/completions", CHAT),
}


def asked(path: str, body: Any) -> App:
    app = App(Engine(load(RULES).scenario))
    scope = scope_of("POST", path, {"authorization": "Bearer key-of-mine-0123456789"})
    scope["query_string"] = b"api-version=2024-10-21"
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()

    async def receive() -> Message:
        return {"type": "http.request", "body": sent}

    async def send(_: MutableMapping[str, Any]) -> None:
        """Take the answer for granted."""

    asyncio.run(app(scope, receive, send))
    return app


@pytest.mark.parametrize("name", PATHS)
def test_a_request_is_read_off_its_record_as_it_was_parsed(name: str) -> None:
    app = asked(*PATHS[name])
    (entry,) = kept_here(app.journal.entries())
    parsed, again = entry.exchange.request, request_of(app.engine, entry.record(secrets=True))
    assert parsed is not None
    assert again is not None
    assert again.but(version="", account=None) == parsed.but(version="", account=None)
    hidden = request_of(app.engine, entry.record())
    assert hidden is not None
    assert hidden.body == parsed.body
    near, nearest = (idle(app.engine.rules[0], [each]) for each in (parsed, hidden))
    assert near is not None
    assert nearest is not None
    assert near.unmet == nearest.unmet


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/nowhere", CHAT),
        ("/v1/chat/completions", {"model": "gpt-4o"}),
        ("/v1/chat/completions", b"\xff{"),
    ],
)
def test_what_was_no_request_is_none(path: str, body: Any) -> None:
    app = asked(path, body)
    (entry,) = kept_here(app.journal.entries())
    assert entry.exchange.request is None
    assert request_of(app.engine, entry.record()) is None
