"""What openai-python makes of replies that are well-formed and wrong: it raises nothing.

A client that trusts what it gets fails later. Each test names what the SDK hands over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from openai import OpenAI, pydantic_function_tool
from openai.types.chat import ChatCompletionChunk
from pydantic import BaseModel, ValidationError

from mockdock import Server
from mockdock.fault import SPOILS

Ask = Callable[..., "Heard"]
SEARCH = {"name": "search", "arguments": {"query": "weather in Wien", "limit": 3}}
TOOL: Any = {
    "type": "function",
    "function": {"name": "search", "parameters": {"type": "object", "properties": {}}},
}
PERSON: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": "person",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"name": {"type": "string"}},
            "required": ["name"],
            "additionalProperties": False,
        },
    },
}


@dataclass
class Said:
    """What one choice says, of a plain reply or put together from a stream."""

    content: str | None = None
    finish: str | None = None
    names: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    logprobs: int = 0


@dataclass
class Heard:
    """A whole answer."""

    model: str
    usage: Any
    choices: list[Said]


def _plain(client: OpenAI, **asked: Any) -> Heard:
    answer = client.chat.completions.create(**asked)
    choices = []
    for choice in answer.choices:
        calls: Any = choice.message.tool_calls or []
        choices.append(
            Said(
                choice.message.content,
                choice.finish_reason,
                [call.function.name for call in calls],
                [call.function.arguments for call in calls],
                len((choice.logprobs and choice.logprobs.content) or []),
            )
        )
    return Heard(answer.model, answer.usage, choices)


def _streamed(client: OpenAI, **asked: Any) -> Heard:
    stream: Any = client.chat.completions.create(
        **asked, stream=True, stream_options={"include_usage": True}
    )
    chunks: list[ChatCompletionChunk] = list(stream)
    choices: dict[int, Said] = {}
    for chunk in chunks:
        for choice in chunk.choices:
            said = choices.setdefault(choice.index, Said())
            if choice.delta.content is not None:
                said.content = (said.content or "") + choice.delta.content
            for call in choice.delta.tool_calls or []:
                assert call.function is not None
                if call.function.name:
                    said.names.append(call.function.name)
                    said.arguments.append("")
                said.arguments[-1] += call.function.arguments or ""
            said.logprobs += len((choice.logprobs and choice.logprobs.content) or [])
            said.finish = choice.finish_reason or said.finish
    usage = next((chunk.usage for chunk in chunks if chunk.usage), None)
    (model,) = {chunk.model for chunk in chunks}
    return Heard(model, usage, [choices[index] for index in sorted(choices)])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    rules = [
        {"when": {"user": "search"}, "reply": {"tool_calls": [SEARCH]}},
        {"when": {"user": "both"}, "reply": {"text": "Wait", "tool_calls": [SEARCH, SEARCH]}},
        {"when": {"user": "person"}, "reply": {"json": {"name": "Ada"}}},
        {"reply": "Hello there"},
    ]
    with Server({"mockdock": 1, "rules": rules}) as running:
        yield running


@pytest.fixture(scope="module", params=["plain", "stream"])
def ask(server: Server, request: pytest.FixtureRequest) -> Iterator[Ask]:
    """Ask for a reply that is wrong in some way."""
    hear = _plain if request.param == "plain" else _streamed
    with OpenAI(base_url=server.base_url, api_key="test", max_retries=0) as client:

        def asking(fault: str, text: str = "Hi", **options: Any) -> Heard:
            return hear(
                client,
                model="gpt-4o",
                messages=[{"role": "user", "content": text}],
                extra_headers={"x-mockdock-fault": fault},
                **options,
            )

        yield asking


@pytest.mark.parametrize("n", [1, 2])
def test_nothing_is_wrong_where_nothing_is_asked_for(ask: Ask, n: int) -> None:
    heard = ask("", n=n, logprobs=True)
    assert [said.content for said in heard.choices] == ["Hello there"] * n
    assert [said.finish for said in heard.choices] == ["stop"] * n
    assert heard.choices[0].logprobs == 2
    assert heard.usage.total_tokens == heard.usage.prompt_tokens + 2 * n


@pytest.mark.parametrize("n", [1, 3])
def test_a_finish_without_content_is_an_empty_text(ask: Ask, n: int) -> None:
    heard = ask("finish_without_content", n=n, logprobs=True)
    assert heard.choices == [Said(content="", finish="stop")] * n
    assert heard.usage.completion_tokens == 2 * n, "it is charged all the same"


@pytest.mark.parametrize("text", ["search", "both"])
def test_a_finish_for_tool_calls_can_come_without_any(ask: Ask, text: str) -> None:
    heard = ask("finish_without_content", text, tools=[TOOL])
    assert heard.choices == [Said(content="", finish="tool_calls")]


def test_structured_output_that_is_missing_is_no_json(ask: Ask) -> None:
    whole = ask("", "person", response_format=PERSON)
    assert whole.choices[0].content is not None
    assert json.loads(whole.choices[0].content) == {"name": "Ada"}
    heard = ask("finish_without_content", "person", response_format=PERSON)
    assert (heard.choices[0].content, heard.choices[0].finish) == ("", "stop")


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("text", ["Hi", "search"])
def test_empty_choices_are_an_empty_list(ask: Ask, n: int, text: str) -> None:
    heard = ask("empty_choices", text, n=n, tools=[TOOL], logprobs=True)
    assert heard.choices == []
    assert heard.usage.completion_tokens > 0


def test_a_missing_usage_is_none(ask: Ask) -> None:
    heard = ask("missing_usage")
    assert heard.usage is None
    assert heard.choices == [Said("Hello there", "stop")]


def test_a_wrong_model_is_told_as_if_it_were_right(ask: Ask) -> None:
    assert ask("").model == "gpt-4o-2024-08-06"
    assert ask("wrong_model").model == "gpt-3.5-turbo-0125"


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("text", ["search", "both"])
@pytest.mark.parametrize("fault", ["cut_arguments", "broken_tool_call"])
def test_broken_arguments_are_handed_over_as_they_are(
    ask: Ask, fault: str, text: str, n: int
) -> None:
    heard = ask(fault, text, n=n, tools=[TOOL])
    assert len(heard.choices) == n
    for said in heard.choices:
        assert said.finish == "tool_calls"
        assert said.content == ("Wait" if text == "both" else None)
        *whole, broken = said.arguments
        assert [json.loads(each) for each in whole] == [SEARCH["arguments"]] * (text == "both")
        with pytest.raises(json.JSONDecodeError):
            json.loads(broken)
        assert said.names == ["search"] * len(said.arguments)


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("text", ["Hi", "search", "both", "person"])
def test_a_hallucinated_tool_is_none_of_those_on_offer(ask: Ask, text: str, n: int) -> None:
    heard = ask("hallucinated_tool", text, n=n, tools=[TOOL])
    assert len(heard.choices) == n
    for said in heard.choices:
        assert said.finish == "tool_calls"
        assert said.names[-1] == "made_up_tool"
        assert set(said.names[:-1]) <= {"search"}
        assert isinstance(json.loads(said.arguments[-1]), dict)


def test_several_things_can_be_wrong_at_once(ask: Ask) -> None:
    heard = ask("hallucinated_tool,cut_arguments,missing_usage,wrong_model", "search", tools=[TOOL])
    (said,) = heard.choices
    assert (said.names, heard.usage, heard.model) == (["made_up_tool"], None, "gpt-3.5-turbo-0125")
    with pytest.raises(json.JSONDecodeError):
        json.loads(said.arguments[0])


def test_every_wrong_reply_has_a_test_here() -> None:
    tested = {
        "broken_tool_call",
        "cut_arguments",
        "empty_choices",
        "finish_without_content",
        "hallucinated_tool",
        "missing_usage",
        "wrong_model",
    }
    assert tested == SPOILS


# --- the helpers of the SDK that read more into a reply


class Person(BaseModel):
    """What is asked for as structured output."""

    name: str


class Search(BaseModel):
    """A tool's arguments."""

    query: str
    limit: int


@pytest.fixture(params=["parse", "stream"])
def parsed(server: Server, request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Ask by one of the helpers that parse."""
    with OpenAI(base_url=server.base_url, api_key="test", max_retries=0) as client:

        def asking(fault: str, text: str, **options: Any) -> Any:
            asked: Any = {
                "model": "gpt-4o",
                "messages": [{"role": "user", "content": text}],
                "extra_headers": {"x-mockdock-fault": fault},
                **options,
            }
            if request.param == "parse":
                return client.chat.completions.parse(**asked)
            with client.chat.completions.stream(**asked) as stream:
                return stream.get_final_completion()

        yield asking


def test_what_is_not_said_is_parsed_as_none(parsed: Callable[..., Any]) -> None:
    whole = parsed("", "person", response_format=Person).choices[0].message
    assert whole.parsed == Person(name="Ada")
    empty = parsed("finish_without_content", "person", response_format=Person).choices[0]
    assert (empty.message.content, empty.message.parsed, empty.finish_reason) == ("", None, "stop")
    assert parsed("empty_choices", "person", response_format=Person).choices == []


def test_a_tool_nobody_offered_has_no_parsed_arguments(parsed: Callable[..., Any]) -> None:
    tools = [pydantic_function_tool(Search, name="search")]
    (call,) = parsed("", "search", tools=tools).choices[0].message.tool_calls
    assert call.function.parsed_arguments == Search(query="weather in Wien", limit=3)
    (call,) = parsed("hallucinated_tool", "search", tools=tools).choices[0].message.tool_calls
    assert (call.function.name, call.function.parsed_arguments) == ("made_up_tool", None)


@pytest.mark.parametrize("fault", ["cut_arguments", "broken_tool_call"])
def test_broken_arguments_raise_what_pydantic_does(parsed: Callable[..., Any], fault: str) -> None:
    tools = [pydantic_function_tool(Search, name="search")]
    with pytest.raises(ValidationError, match="Invalid JSON"):
        parsed(fault, "search", tools=tools)
