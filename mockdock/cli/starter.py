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

import pytest
from openai import OpenAI

from mockdock import MockDock

pytestmark = pytest.mark.mockdock(scenario="llm.yaml")


def ask(client: OpenAI, question: str) -> str | None:
    """Stand for the code under test."""
    reply = client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": question}]
    )
    return reply.choices[0].message.content


def test_weather(mockdock: MockDock) -> None:
    """A scripted question gets its scripted answer."""
    assert ask(OpenAI(**mockdock.openai), "How is the weather?") == "It is sunny."


def test_retry(mockdock: MockDock) -> None:
    """The client retries a rate limit by itself."""
    client = OpenAI(**mockdock.openai)
    assert ask(client, "A flaky question") == "It worked the second time."
    assert [call.status for call in mockdock.calls] == [429, 200]


def test_farewell(mockdock: MockDock) -> None:
    """A rule of this test alone comes before those of the scenario."""
    mockdock.when(user="bye").reply("See you!")
    assert ask(OpenAI(**mockdock.openai), "Goodbye!") == "See you!"
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
