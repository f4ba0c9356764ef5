"""Posts chat requests to LangDB's paths of an application, on the project "p"."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mockdock.app import App
from mockdock.delivery import ManualClock
from mockdock.engine import Engine
from mockdock.scenario import load
from tests.conformance.asgi import Answer, exchange

__all__ = ["app_of", "get", "post", "route", "routed", "said"]


def app_of(*rules: Any, clock: ManualClock | None = None, **settings: Any) -> App:
    """Make an application from rules and settings; its time stands still."""
    scenario = load({"mockdock": 1, "rules": list(rules), **settings}).scenario
    return App(Engine(scenario), clock=clock or ManualClock())


def post(
    app: App,
    text: str = "Hello!",
    *,
    path: str = "/v1/chat/completions",
    headers: Mapping[str, str] | None = None,
    **body: Any,
) -> Answer:
    """Ask for a chat completion; the fields of ``body`` win."""
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **body}
    return _exchange(app, "POST", path, json.dumps(asked).encode(), headers or {})


def get(app: App, path: str, body: Any = None) -> Any:
    """Ask for what is kept: a POST with a body, where one is given."""
    data = b"" if body is None else json.dumps(body).encode()
    answer = _exchange(app, "GET" if body is None else "POST", path, data, {})
    assert answer.status == 200, answer.body
    return answer.json()


def route(targets: Any = "openai/gpt-4o", *, name: str = "r", **more: Any) -> dict[str, Any]:
    """Make a route."""
    return {"name": name, "targets": targets, **more}


def routed(app: App, *routes: Any, **more: Any) -> Answer:
    """Ask for a chat completion of a router with these routes."""
    router = {"type": "conditional", "routes": list(routes)}
    return post(app, **{"model": "router/dynamic", "router": router, **more})


def said(answer: Answer) -> str:
    """Give the text of an answer."""
    assert answer.status == 200, answer.body
    text = answer.json()["choices"][0]["message"]["content"]
    assert isinstance(text, str)
    return text


def _exchange(app: App, method: str, path: str, body: bytes, more: Mapping[str, str]) -> Answer:
    headers = {
        "host": "localhost:1234",
        "content-type": "application/json",
        "authorization": "Bearer k",
        "x-project-id": "p",
        **more,
    }
    return exchange(app, method, path, body, headers)
