"""Docks and clients for the tests of the Python API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from openai.types.chat import ChatCompletion

from mockdock import MockDock
from mockdock.testing import DockServer
from tests.openai_types import CheckedOpenAI

__all__ = ["WEATHER", "ask", "loose", "said", "streamed"]

WEATHER: Any = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}},
}
"""A tool on offer."""


def ask(dock: MockDock, text: str = "Hi!", *, retries: int = 2, **options: Any) -> ChatCompletion:
    """Ask with the SDK, and give its completion."""
    options.setdefault("model", "gpt-4o")
    options.setdefault("messages", [{"role": "user", "content": text}])
    with CheckedOpenAI(**dock.openai, max_retries=retries) as client:
        completion: ChatCompletion = client.chat.completions.create(**options)
    return completion


def said(dock: MockDock, text: str = "Hi!", **options: Any) -> str | None:
    """Ask, and give the words of the answer."""
    return ask(dock, text, **options).choices[0].message.content


def streamed(dock: MockDock, text: str = "Hi!") -> str:
    """Ask for a stream, and give its words joined."""
    with CheckedOpenAI(**dock.openai) as client:
        chunks = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": text}], stream=True
        )
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


@contextmanager
def loose(server: DockServer, *scenario: Any, **settings: Any) -> Iterator[MockDock]:
    """Open a dock that does not verify in the end."""
    with MockDock(*scenario, strict=False, server=server, **settings) as dock:
        yield dock
