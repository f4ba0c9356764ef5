"""pydantic-ai: tools, structured output in its three ways, and streams."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import (
    Agent,
    ModelHTTPError,
    NativeOutput,
    PromptedOutput,
    ToolOutput,
)
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from mockdock.observe import Exchange
from tests.clients.conftest import Serve

LIMITED = {"replies": [{"error": "rate_limit", "retry_after": "20s"}, "Welcome back."]}


class City(BaseModel):
    """A place."""

    name: str
    population: int


def run(base_url: str, action: Callable[[Any], Awaitable[Any]]) -> Any:
    """Run an action with a model of its own, and close the connections."""

    async def running() -> Any:
        async with AsyncOpenAI(base_url=base_url, api_key="test") as client:
            return await action(
                OpenAIChatModel("gpt-4o", provider=OpenAIProvider(openai_client=client))
            )

    return asyncio.run(running())


def test_a_text(base_url: str) -> None:
    result = run(base_url, lambda model: Agent(model).run("Hello"))
    assert result.output
    assert result.usage.input_tokens == 8
    assert result.usage.output_tokens > 0
    assert result.response.model_name == "gpt-4o-2024-08-06"


def test_a_tools_round_trip(serve: Serve, exchanges: list[Exchange]) -> None:
    """The agent calls the tool once, and its answer tells what the tool gave."""
    asked: list[str] = []

    def get_weather(city: str) -> str:
        """Tell the weather of a city."""
        asked.append(city)
        return "sunny, 21 degrees"

    url = serve()
    result = run(url, lambda model: Agent(model, tools=[get_weather]).run("Weather in Oslo?"))
    assert len(asked) == 1
    assert "21 degrees" in result.output
    assert [exchange.status for exchange in exchanges] == [200, 200]


@pytest.mark.parametrize("how", [ToolOutput, NativeOutput, PromptedOutput])
def test_structured_output(how: Any, serve: Serve, exchanges: list[Exchange]) -> None:
    """The first answer fits the model: no retry is needed."""
    result = run(serve(), lambda model: Agent(model, output_type=how(City)).run("About Oslo"))
    assert isinstance(result.output, City)
    assert len(exchanges) == 1


def test_structured_output_after_a_tool(serve: Serve, exchanges: list[Exchange]) -> None:
    """The tool is called first; its result leads to the output tool, and that is the end."""

    def find_population(city: str) -> int:
        """Count the people in a city."""
        return len(city)

    def ask(model: Any) -> Any:
        return Agent(model, output_type=City, tools=[find_population]).run(
            "Find the population of Oslo"
        )

    result = run(serve(), ask)
    assert isinstance(result.output, City)
    assert [
        part.tool_name for part in result.all_messages()[1].parts if part.part_kind == "tool-call"
    ] == ["find_population"]
    assert len(exchanges) == 2


def test_a_streamed_text(base_url: str) -> None:
    async def stream(model: Any) -> tuple[list[str], Any]:
        async with Agent(model).run_stream("Tell me more") as answer:
            texts = [text async for text in answer.stream_text(debounce_by=None)]
            return texts, answer.usage

    texts, usage = run(base_url, stream)
    assert len(texts) > 5
    assert all(later.startswith(text) for text, later in pairwise(texts))
    assert usage.output_tokens > 0


@pytest.mark.parametrize("how", [ToolOutput, NativeOutput, PromptedOutput])
def test_streamed_structured_output(how: Any, base_url: str) -> None:
    """It grows field by field, and the last is the whole."""

    async def stream(model: Any) -> list[Any]:
        agent: Any = Agent(model, output_type=how(City))
        async with agent.run_stream("About Rome") as answer:
            return [output async for output in answer.stream_output(debounce_by=None)]

    assert isinstance(run(base_url, stream)[-1], City)


def test_a_rate_limit_is_waited_out(serve: Serve, exchanges: list[Exchange]) -> None:
    """The SDK below tries again, told to do so in a millisecond."""
    result = run(serve({"rules": [LIMITED]}), lambda model: Agent(model).run("Hello"))
    assert result.output == "Welcome back."
    assert [exchange.status for exchange in exchanges] == [429, 200]


def test_a_refused_request_tells_why(serve: Serve) -> None:
    url = serve({"otherwise": {"error": "bad_request", "message": "No.", "code": "nope"}})
    with pytest.raises(ModelHTTPError) as raised:
        run(url, lambda model: Agent(model).run("Hello"))
    assert raised.value.status_code == 400
    assert raised.value.body == {
        "message": "No.",
        "type": "invalid_request_error",
        "param": None,
        "code": "nope",
    }
