"""Requests to LangDB's gateway in process, on a clock that never makes anybody wait."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from mockdock.app import App
from mockdock.delivery import ManualClock
from mockdock.delivery.clock import Timer
from tests.conformance.asgi import Answer, ask, post

__all__ = ["ADMIN", "HI", "LeapingClock", "Talk", "model_body"]

HI: dict[str, Any] = {"role": "user", "content": "Hi"}
ADMIN = {"x-admin-key": "k"}


class LeapingClock(ManualClock):
    """A clock that moves to each moment somebody waits for: exact times, and no wait.

    For one request at a time.
    """

    def call_at(self, due: float, callback: Callable[[], None], *, first: bool = False) -> Timer:
        """Call back at once, at that moment."""
        timer = super().call_at(due, callback, first=first)
        self.advance(max(0.0, due - self.now()))
        return timer


class Talk:
    """Sends requests of one project, and gives what came as JSON."""

    def __init__(self, app: App, project: str = "p") -> None:
        self.app = app
        self.project = project

    def headers(self, more: Mapping[str, str]) -> dict[str, str]:
        """Give the headers of any request."""
        return {"x-project-id": self.project, **more}

    def chat(self, text: str = "Hi", model: str = "gpt-4o", **more: Any) -> Answer:
        """Ask a model; what begins with "x_" is a header."""
        headers = {name.replace("_", "-"): more.pop(name) for name in [*more] if name[:2] == "x_"}
        messages = more.pop("messages", [{"role": "user", "content": text}])
        body = {"model": model, "messages": messages, **more}
        return post(self.app, "/v1/chat/completions", body, self.headers(headers))

    def post(self, path: str, body: Any = None, headers: Mapping[str, str] = {}) -> Answer:
        """Send a body, an empty object where none is given."""
        return post(self.app, path, {} if body is None else body, self.headers(headers))

    def get(self, path: str, headers: Mapping[str, str] = {}) -> Answer:
        """Get a path."""
        return ask(self.app, "GET", path, b"", self.headers(headers))

    def told(self, path: str, body: Any = None) -> Any:
        """Give the answer to a question, a body asking by POST."""
        answer = self.get(path) if body is None else self.post(path, body)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)


def model_body(**more: Any) -> dict[str, Any]:
    """Make the body of the specification's example, the prices among it."""
    return {
        "model_name": "my-model",
        "description": "A custom completions model for text and image inputs",
        "provider_info_id": "e2e9129b-6661-4eeb-80a2-0c86964974c9",
        "project_id": "p",
        "public": False,
        "request_response_mapping": "openai-compatible",
        "model_type": "completions",
        "input_token_price": 0.00001,
        "output_token_price": 0.00003,
        "context_size": 128000,
        "capabilities": ["tools"],
        "input_types": ["text", "image"],
        "output_types": ["text", "image"],
        "tags": [],
        "type_prices": {"text_generation": 0.00002},
        "mp_price": None,
        "owner_name": "openai",
        "priority": 0,
        "model_name_in_provider": "my-model-v1.2",
        "parameters": {"top_k": {"default": 0, "min": 0, "required": False, "step": 1}},
        **more,
    }
