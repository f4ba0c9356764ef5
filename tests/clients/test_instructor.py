"""instructor in all its modes for OpenAI; it takes the answer apart itself, per mode.

``Mode.FUNCTIONS``, ``TOOLS_STRICT`` and ``JSON_O1`` are other names for ``TOOLS`` and
``JSON_SCHEMA`` since instructor 1.15, and warn. ``PARALLEL_TOOLS`` cannot be streamed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import instructor
import pytest
from instructor import Mode
from instructor.core.exceptions import InstructorRetryException
from openai import OpenAI
from pydantic import BaseModel, Field, field_validator

from mockdock.observe import Exchange
from tests.clients.conftest import Serve

RENAMED = [Mode.FUNCTIONS, Mode.TOOLS_STRICT, Mode.JSON_O1]
ONE = [Mode.TOOLS, Mode.JSON, Mode.JSON_SCHEMA, Mode.MD_JSON, *RENAMED]
ASK = [{"role": "user", "content": "Jason is 25 years old and lives in Rome."}]

pytestmark = pytest.mark.filterwarnings("ignore:Mode.* is deprecated:DeprecationWarning")


class Home(BaseModel):
    """Where someone lives."""

    city: str
    country: str | None = None


class Person(BaseModel):
    """Someone."""

    name: str
    age: int = Field(ge=0, le=120)
    mood: Literal["glad", "sad"]
    homes: list[Home] = Field(min_length=1)


class Weather(BaseModel):
    """Look up the weather."""

    city: str


class Upper(BaseModel):
    """Something the first answer is not."""

    word: str

    @field_validator("word")
    @classmethod
    def _loud(cls, word: str) -> str:
        if not word.isupper():
            raise ValueError("say it in capitals")
        return word


@contextmanager
def client(base_url: str, mode: Mode) -> Iterator[Any]:
    with OpenAI(base_url=base_url, api_key="test", max_retries=0) as made:
        yield instructor.from_openai(made, mode=mode)


@pytest.mark.parametrize("mode", ONE)
def test_one_object(mode: Mode, base_url: str) -> None:
    """The first answer fits the model."""
    with client(base_url, mode) as made:
        person = made.chat.completions.create(
            model="gpt-4o", response_model=Person, messages=ASK, max_retries=0
        )
    assert isinstance(person, Person)


@pytest.mark.parametrize("mode", ONE)
def test_an_object_that_grows(mode: Mode, base_url: str) -> None:
    """Partial objects come while it streams; the last is whole."""
    with client(base_url, mode) as made:
        *_, last = made.chat.completions.create_partial(
            model="gpt-4o", response_model=Person, messages=ASK, max_retries=0
        )
    assert Person.model_validate(last.model_dump())


@pytest.mark.parametrize("mode", ONE)
def test_several_objects_in_a_stream(mode: Mode, base_url: str) -> None:
    with client(base_url, mode) as made:
        people = list(
            made.chat.completions.create_iterable(
                model="gpt-4o", response_model=Person, messages=ASK, max_retries=0
            )
        )
    assert people
    assert all(isinstance(person, Person) for person in people)


def test_parallel_tools(base_url: str) -> None:
    with client(base_url, Mode.PARALLEL_TOOLS) as made:
        found = list(
            made.chat.completions.create(
                model="gpt-4o",
                response_model=Iterable[Weather | Home],
                messages=ASK,
                max_retries=0,
            )
        )
    assert found
    assert all(isinstance(one, Weather | Home) for one in found)


@pytest.mark.parametrize("mode", [Mode.TOOLS, Mode.JSON, Mode.MD_JSON])
def test_an_answer_that_does_not_fit_is_asked_for_again(
    mode: Mode, serve: Serve, exchanges: list[Exchange]
) -> None:
    """The second request holds the first answer and what is wrong with it."""
    words: list[dict[str, Any]] = [{"word": "hello"}, {"word": "HELLO"}]
    replies = (
        [{"tool_calls": [{"name": "Upper", "arguments": word}]} for word in words]
        if mode is Mode.TOOLS
        else [{"json": word} for word in words]
    )
    with client(serve({"rules": [{"replies": replies}]}), mode) as made:
        upper = made.chat.completions.create(
            model="gpt-4o", response_model=Upper, messages=ASK, max_retries=2
        )
    assert upper.word == "HELLO"
    first, second = (exchange.request for exchange in exchanges)
    assert first is not None
    assert second is not None
    assert len(second.messages) > len(first.messages)


def test_an_answer_that_never_fits(serve: Serve, exchanges: list[Exchange]) -> None:
    url = serve({"otherwise": {"json": {"word": "hello"}}})
    with client(url, Mode.JSON_SCHEMA) as made, pytest.raises(InstructorRetryException):
        made.chat.completions.create(
            model="gpt-4o", response_model=Upper, messages=ASK, max_retries=2
        )
    assert len(exchanges) == 3
