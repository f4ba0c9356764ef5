"""``mockdock init``: a scenario and a test to start from."""

from __future__ import annotations

from pathlib import Path

from mockdock.errors import MockdockError

__all__ = ["write_starter"]

SCENARIO = """\
# A starter scenario: edit, then run  mockdock check llm.yaml
mockdock: 1
name: starter

rules:
  # The first rule that fits answers. A plain text means "contains".
  - name: weather
    when: {user: weather}
    reply: It is sunny.

  # The first attempt fails, the client's retry succeeds.
  - name: flaky
    when: {user: flaky}
    per: request
    replies:
      - {error: rate_limit, retry_after: 1s}
      - It worked the second time.

# What no rule answers is an error, so that a test cannot pass by luck.
otherwise: fail
"""

TEST = '''\
"""Tests of code that talks to an LLM, answered by mockdock."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI

from mockdock import Server


@pytest.fixture
def client() -> Iterator[OpenAI]:
    """An OpenAI client whose API is llm.yaml."""
    with (
        Server(Path(__file__).with_name("llm.yaml")) as server,
        OpenAI(base_url=server.base_url, api_key="test") as client,
    ):
        yield client


def ask(client: OpenAI, question: str) -> str | None:
    """Stand for the code under test."""
    reply = client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": question}]
    )
    return reply.choices[0].message.content


def test_weather(client: OpenAI) -> None:
    """A scripted question gets its scripted answer."""
    assert ask(client, "How is the weather?") == "It is sunny."


def test_retry(client: OpenAI) -> None:
    """The client retries a rate limit by itself."""
    assert ask(client, "A flaky question") == "It worked the second time."
'''

_FILES = {"llm.yaml": SCENARIO, "test_llm.py": TEST}


def write_starter(folder: Path) -> list[Path]:
    """Write both files and name them. Raises MockdockError rather than overwrite."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MockdockError(f"{folder}: {error.strerror or error}") from error
    paths = {folder / name: text for name, text in _FILES.items()}
    for path in paths:
        if path.exists():
            raise MockdockError(f"{path} is there already; nothing was written")
    for path, text in paths.items():
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise MockdockError(f"{path}: {error.strerror or error}") from error
    return list(paths)
