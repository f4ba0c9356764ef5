"""openai's ``parse`` and ``stream`` with pydantic models; runs on openai 2 and 3."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel, Field

from tests.clients.conftest import Serve


class Unit(Enum):
    """How to measure."""

    CELSIUS = "celsius"
    FAHRENHEIT = "fahrenheit"


class Step(BaseModel):
    """One step on the way."""

    explanation: str
    output: str


class Solution(BaseModel):
    """A nested model with what strict schemas allow."""

    steps: list[Step] = Field(min_length=1)
    answer: int | str
    unit: Unit
    remark: str | None


class GetWeather(BaseModel):
    """Look up the weather."""

    city: str
    unit: Unit


ASK: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Weather in Oslo?"}]
PLAIN = {"name": True, "arguments": True}
TOOLS: Any = [openai.pydantic_function_tool(GetWeather)]


def client(base_url: str) -> OpenAI:
    return OpenAI(
        base_url=base_url, api_key="test", max_retries=0, _strict_response_validation=True
    )


@pytest.fixture
def openai_client(base_url: str) -> Iterator[OpenAI]:
    with client(base_url) as made:
        yield made


def test_parse_gives_the_model(openai_client: OpenAI) -> None:
    reply = openai_client.chat.completions.parse(
        model="gpt-4o", messages=ASK, response_format=Solution
    )
    assert isinstance(reply.choices[0].message.parsed, Solution)
    assert reply.choices[0].message.refusal is None


def test_parse_gives_each_of_n_choices(openai_client: OpenAI) -> None:
    reply = openai_client.chat.completions.parse(
        model="gpt-4o", messages=ASK, response_format=Step, n=3
    )
    parsed = [choice.message.parsed for choice in reply.choices]
    assert all(isinstance(step, Step) for step in parsed)
    assert len({str(step) for step in parsed}) == 3


def test_parse_gives_the_arguments_of_a_tool(openai_client: OpenAI) -> None:
    reply = openai_client.chat.completions.parse(model="gpt-4o", messages=ASK, tools=TOOLS)
    assert reply.choices[0].finish_reason == "tool_calls"
    calls = reply.choices[0].message.tool_calls
    assert calls is not None
    assert isinstance(calls[0].function.parsed_arguments, GetWeather)


def test_parse_takes_both_a_format_and_tools(openai_client: OpenAI) -> None:
    """The tool is called first; with its result the answer has the format."""
    messages: list[Any] = list(ASK)
    first = openai_client.chat.completions.parse(
        model="gpt-4o", messages=messages, tools=TOOLS, response_format=Solution
    )
    message = first.choices[0].message
    assert message.tool_calls
    assert message.parsed is None
    # Without what the SDK has parsed: it would send that, too.
    said = message.model_dump(
        include={"role": True, "tool_calls": {0: {"id": True, "type": True, "function": PLAIN}}}
    )
    told = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "12 degrees"}
    messages += [said, told]
    second = openai_client.chat.completions.parse(
        model="gpt-4o", messages=messages, tools=TOOLS, response_format=Solution
    )
    assert isinstance(second.choices[0].message.parsed, Solution)


def test_a_cut_answer_cannot_be_parsed(openai_client: OpenAI) -> None:
    with pytest.raises(openai.LengthFinishReasonError):
        openai_client.chat.completions.parse(
            model="gpt-4o", messages=ASK, response_format=Solution, max_tokens=2
        )


def test_a_filtered_answer_cannot_be_parsed(serve: Serve) -> None:
    url = serve({"otherwise": {"text": "{", "finish": "content_filter"}})
    with client(url) as made, pytest.raises(openai.ContentFilterFinishReasonError):
        made.chat.completions.parse(model="gpt-4o", messages=ASK, response_format=Solution)


def test_a_refusal_is_not_parsed(serve: Serve) -> None:
    with client(serve({"otherwise": {"refusal": "I can't."}})) as made:
        reply = made.chat.completions.parse(model="gpt-4o", messages=ASK, response_format=Solution)
    assert reply.choices[0].message.refusal == "I can't."
    assert reply.choices[0].message.parsed is None


def test_a_stream_ends_in_the_model(openai_client: OpenAI) -> None:
    """The text grows, and the whole is what parse gives for the same request."""
    plain = openai_client.chat.completions.parse(
        model="gpt-4o", messages=ASK, response_format=Solution
    )
    with openai_client.chat.completions.stream(
        model="gpt-4o", messages=ASK, response_format=Solution
    ) as stream:
        events = list(stream)
        final = stream.get_final_completion()
    snapshots = [event.snapshot for event in events if event.type == "content.delta"]
    assert snapshots == sorted(snapshots, key=len)
    done = next(event for event in events if event.type == "content.done")
    assert isinstance(done.parsed, Solution)
    assert final.choices[0].message.parsed == plain.choices[0].message.parsed == done.parsed


def test_a_stream_ends_in_the_arguments_of_a_tool(openai_client: OpenAI) -> None:
    with openai_client.chat.completions.stream(
        model="gpt-4o", messages=ASK, tools=TOOLS, stream_options={"include_usage": True}
    ) as stream:
        events = list(stream)
        final = stream.get_final_completion()
    done = [event for event in events if event.type == "tool_calls.function.arguments.done"]
    assert [event.name for event in done] == ["GetWeather"]
    assert isinstance(done[0].parsed_arguments, GetWeather)
    assert final.usage is not None
    assert final.usage.completion_tokens > 0


def test_a_stream_tells_log_probabilities(openai_client: OpenAI) -> None:
    """Every token of the text has one, and their texts are the text."""
    with openai_client.chat.completions.stream(
        model="gpt-4o", messages=ASK, response_format=Step, logprobs=True, top_logprobs=2
    ) as stream:
        events = list(stream)
        final = stream.get_final_completion()
    done = next(event for event in events if event.type == "logprobs.content.done")
    assert "".join(token.token for token in done.content) == final.choices[0].message.content
    assert {len(token.top_logprobs) for token in done.content} == {2}


def test_a_streamed_refusal(serve: Serve) -> None:
    with (
        client(serve({"otherwise": {"refusal": "I really can't."}})) as made,
        made.chat.completions.stream(
            model="gpt-4o", messages=ASK, response_format=Solution
        ) as stream,
    ):
        events = list(stream)
    done = next(event for event in events if event.type == "refusal.done")
    assert done.refusal == "I really can't."
    assert not [event for event in events if event.type == "content.delta"]
