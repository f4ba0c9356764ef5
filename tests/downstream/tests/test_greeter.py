"""Tests of a project that uses mockdock; the last ones fail, to show how."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest
from greeter import greet, whisper
from openai import NotFoundError, OpenAI

from mockdock.testing import MockDock
from mockdock.testing.plugin import DockFactory


def test_greets_by_the_clock(mockdock_env: MockDock) -> None:
    mockdock_env.when(after_tool="local_time").reply("Good morning, Ada!")
    mockdock_env.when(user="Greet Ada").call_tool("local_time", name="Ada")
    assert greet("Ada") == "Good morning, Ada!"
    assert mockdock_env.calls.count == 2
    assert "9" in mockdock_env.calls.last.request.messages[-1]["content"]


def test_a_client_of_ones_own(mockdock: MockDock) -> None:
    mockdock.reply("Hello!")
    with OpenAI(**mockdock.openai) as client:
        answer = client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "Hi"}]
        )
    assert answer.choices[0].message.content == "Hello!"


def test_tries_again_when_there_is_too_much_to_do(mockdock_env: MockDock) -> None:
    mockdock_env.fail("rate_limit", attempts=2, retry_after="20s").then.reply("At last!")
    assert greet("Bob") == "At last!"
    assert [call.status for call in mockdock_env.calls] == [429, 429, 200]


async def test_whispers(mockdock_env: MockDock) -> None:
    pieces = await whisper("Ada")
    assert "".join(pieces) == "psst, good morning"
    assert mockdock_env.calls.last.rule == "whisper"


async def test_whispers_to_many(mockdock_env: MockDock) -> None:
    await asyncio.gather(*(whisper(name) for name in ("Ada", "Bob", "Cleo")))
    assert mockdock_env.calls.count == 3


@pytest.mark.mockdock(scenario="night.yaml")
@pytest.mark.usefixtures("mockdock_env")
class TestAtNight:
    """A marker for all tests of a class; one of them says more."""

    def test_says_good_night(self) -> None:
        """Paths begin in the folder of the test."""
        assert greet("Ada") == "Good night!"

    @pytest.mark.mockdock(otherwise="echo")
    async def test_has_no_whisper(self) -> None:
        """The scenario of the ini file is not used here."""
        assert "".join(await whisper("Ada")) == "Whisper to Ada."


def test_the_command_line(mockdock_env: MockDock) -> None:
    mockdock_env.reply("Hello from afar!")
    said = subprocess.run(
        [sys.executable, "-m", "greeter", "Ada"], check=True, capture_output=True, text=True
    )
    assert said.stdout == "Hello from afar!\n"


@pytest.fixture(scope="module")
def echo(mockdock_factory: DockFactory) -> Iterator[MockDock]:
    with mockdock_factory(otherwise="echo") as dock:
        yield dock


@pytest.mark.parametrize("text", ["Say it", "And again"])
def test_a_dock_for_many_tests(echo: MockDock, text: str) -> None:
    with OpenAI(**echo.openai) as client:
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": text}])
    assert echo.calls.last.reply.text == text


@pytest.mark.meant_to_fail
def test_asks_for_what_no_rule_answers(mockdock_env: MockDock) -> None:
    mockdock_env.when(user="Greet", times=1).call_tool("local_time", name="Ada")
    with pytest.raises(NotFoundError, match="no rule matches"):
        greet("Ada")


@pytest.mark.meant_to_fail
def test_never_says_farewell(mockdock_env: MockDock) -> None:
    mockdock_env.when(user="farewell", name="farewell").reply("Goodbye!")
