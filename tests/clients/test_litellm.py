"""LiteLLM's openai provider: text, tools, formats, streams and errors."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import litellm
import pytest
from litellm import exceptions
from pydantic import BaseModel

from mockdock.observe import Exchange
from tests.clients.conftest import Serve

pytestmark = [
    # LiteLLM's own types; pydantic tells that it cannot keep them from being changed.
    pytest.mark.filterwarnings("ignore:Item .* is using the `ReadOnly` qualifier:UserWarning"),
    # LiteLLM looks at every attribute of its pydantic models, also at those that warn.
    pytest.mark.filterwarnings(
        "ignore:Accessing the 'model_.*' attribute on the instance:DeprecationWarning"
    ),
    # It leaves event loops and their socket pairs behind; TCP connections it closes.
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <(function BaseEventLoop.__del__|socket.socket .*family=1,)"
        ":pytest.PytestUnraisableExceptionWarning"
    ),
]

TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Tell the weather of a city",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]


class Person(BaseModel):
    """Someone."""

    name: str
    age: int


def ask(content: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}]


def complete(base_url: str, content: str, **options: Any) -> Any:
    options = {"messages": ask(content), "max_retries": 0, **options}
    return litellm.completion(model="openai/gpt-4o", api_base=base_url, api_key="test", **options)


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No invitation to open an issue on every error."""
    monkeypatch.setattr(litellm, "suppress_debug_info", True)


def test_a_text(base_url: str) -> None:
    reply = complete(base_url, "Hello")
    assert reply.choices[0].message.content
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage.prompt_tokens == 8
    assert litellm.completion_cost(reply) > 0


def test_a_text_in_a_coroutine(base_url: str) -> None:
    async def running() -> Any:
        reply = await litellm.acompletion(
            model="openai/gpt-4o", api_base=base_url, api_key="test", messages=ask("Hello")
        )
        await litellm.close_litellm_async_clients()
        return reply

    reply = asyncio.run(running())
    assert (
        reply.choices[0].message.content == complete(base_url, "Hello").choices[0].message.content
    )


def test_a_stream_is_the_text_in_parts(base_url: str) -> None:
    whole = complete(base_url, "Hello")
    chunks = list(complete(base_url, "Hello", stream=True, stream_options={"include_usage": True}))
    assert len(chunks) > 5
    built: Any = litellm.stream_chunk_builder(chunks, messages=ask("Hello"))
    assert built.choices[0].message.content == whole.choices[0].message.content
    assert built.usage.completion_tokens == whole.usage.completion_tokens


@pytest.mark.parametrize("stream", [False, True])
def test_a_tools_round_trip(stream: bool, base_url: str) -> None:
    question = ask("What is the weather in Oslo?")
    first = complete(base_url, "", messages=question, tools=TOOLS, stream=stream)
    if stream:
        first = litellm.stream_chunk_builder(list(first), messages=question)
    assert first.choices[0].finish_reason == "tool_calls"
    message = first.choices[0].message
    (call,) = message.tool_calls
    assert json.loads(call.function.arguments).keys() == {"city"}
    told = {"role": "tool", "tool_call_id": call.id, "content": "21 degrees"}
    last = complete(base_url, "", messages=[*question, message, told], tools=TOOLS)
    assert last.choices[0].finish_reason == "stop"
    assert "21 degrees" in last.choices[0].message.content


@pytest.mark.parametrize("stream", [False, True])
def test_a_pydantic_model_as_response_format(stream: bool, base_url: str) -> None:
    reply = complete(base_url, "Someone", response_format=Person, stream=stream)
    if stream:
        reply = litellm.stream_chunk_builder(list(reply))
    assert Person.model_validate_json(reply.choices[0].message.content)


def test_a_json_object(base_url: str) -> None:
    reply = complete(base_url, "Someone, as JSON", response_format={"type": "json_object"})
    assert isinstance(json.loads(reply.choices[0].message.content), dict)


def test_log_probabilities(base_url: str) -> None:
    reply = complete(base_url, "Hello", logprobs=True, top_logprobs=2)
    tokens = reply.choices[0].logprobs.content
    assert "".join(token.token for token in tokens) == reply.choices[0].message.content


def test_a_rate_limit_is_waited_out(serve: Serve, exchanges: list[Exchange]) -> None:
    """The SDK below tries again, told to do so in a millisecond."""
    replies = [{"error": "rate_limit", "retry_after": "20s"}, "Welcome back."]
    url = serve({"rules": [{"replies": replies, "per": "request"}]})
    reply = complete(url, "Hello", max_retries=2)
    assert reply.choices[0].message.content == "Welcome back."
    assert [exchange.status for exchange in exchanges] == [429, 200]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("rate_limit", exceptions.RateLimitError),
        ("quota", exceptions.RateLimitError),
        ("overloaded", exceptions.ServiceUnavailableError),
        ("server_error", exceptions.InternalServerError),
        ("auth", exceptions.AuthenticationError),
        ("permission", exceptions.APIError),
        ("not_found", exceptions.NotFoundError),
        ("bad_request", exceptions.BadRequestError),
        ("context_length", exceptions.ContextWindowExceededError),
        ("content_filter", exceptions.ContentPolicyViolationError),
    ],
)
def test_errors_by_their_words(kind: str, expected: type[Exception], serve: Serve) -> None:
    """LiteLLM classifies by status and by text: each error is the one it knows."""
    url = serve({"otherwise": {"error": kind}})
    with pytest.raises(expected) as raised:
        complete(url, "Hello")
    assert type(raised.value) is expected
