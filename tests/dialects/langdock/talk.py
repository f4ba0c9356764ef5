"""Talks to the application by Langdock's paths; every error is of the flat form, or of OpenAI's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mockdock import resources
from mockdock.app import App
from tests.conformance.asgi import Answer, exchange
from tests.openai_types import check_answer

__all__ = ["BASE", "CHAT", "MODELS", "chat", "exchange", "golden", "hello", "message", "send"]

BASE = "/openai/eu/v1"
CHAT = f"{BASE}/chat/completions"
MODELS = f"{BASE}/models"
_ERROR = 400


def golden(name: str) -> bytes:
    """Read a golden file."""
    return (resources.fixtures() / "langdock" / name).read_bytes()


def hello(model: str = "gpt-4o-mini", **more: Any) -> dict[str, Any]:
    """Make a small chat request."""
    return {"model": model, "messages": [{"role": "user", "content": "Hello!"}], **more}


def chat(app: App, body: Any, path: str = CHAT, headers: Mapping[str, str] | None = None) -> Answer:
    """Post a body, which is JSON unless it is bytes, as an SDK with a key does."""
    usual = {
        "host": "localhost:1234",
        "content-type": "application/json",
        "authorization": "Bearer sk-ld-test",
    }
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return send(app, "POST", path, data, {**usual, **(headers or {})})


def send(
    app: App, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Answer:
    """Send one request, and wait for the whole answer; its form is checked."""
    answer = exchange(app, method, path, body, headers or {"host": "localhost:1234"})
    _check(answer)
    return answer


def message(answer: Answer) -> str:
    """Give the message of an error that is flat."""
    told = answer.json()
    assert list(told) == ["message"]
    text = told["message"]
    assert isinstance(text, str)
    return text


def _check(answer: Answer) -> None:
    """Check what every answer has: a known form, and no header that is not documented."""
    kind = answer.headers["content-type"]
    if answer.status < _ERROR or b'"error"' in answer.body:
        check_answer(answer.status, kind, answer.body)
    else:
        assert message(answer)
    names = {"content-type", "content-length", "allow", "connection", "retry-after"}
    names |= {"retry-after-ms", "x-should-retry"}
    assert all(name in names or name.startswith("x-mockdock-") for name in answer.headers)
