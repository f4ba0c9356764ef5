"""The current openai SDK, validating strictly, against a server on a socket."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam

from mockdock.delivery import ManualClock
from mockdock.observe import Exchange
from tests.acceptance.conftest import Serve
from tests.openai_types import CheckedAsyncOpenAI

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]
WEATHER: list[ChatCompletionToolParam] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]

Clients = Callable[..., OpenAI]


def ask(content: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": content}]


def rules(*rules: dict[str, Any], **settings: Any) -> dict[str, Any]:
    return {"mockdock": 1, "rules": list(rules), **settings}


def test_a_plain_reply(serve: Serve, client_of: Clients) -> None:
    """Text, snapshot, finish reason, usage and request id arrive as the SDK reads them."""
    client = client_of(serve(rules({"reply": "Hi there!"})))
    reply = client.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    assert reply.choices[0].message.content == "Hi there!"
    assert reply.choices[0].finish_reason == "stop"
    assert reply.model == "gpt-4o-mini-2024-07-18"
    assert reply.usage is not None
    # 3 for the message, 1 each for role and content, 3 for the answer; "Hi", " there", "!"
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (8, 3)
    assert reply.usage.total_tokens == 11
    assert reply._request_id is not None
    assert reply._request_id.startswith("req_")


def test_a_streamed_reply(serve: Serve, client_of: Clients) -> None:
    """One chunk for the role, one per token, one for the end; usage only where asked for."""
    client = client_of(serve(rules({"reply": "Hi there!"})))
    plain = client.chat.completions.create(model="gpt-4o", messages=HELLO)
    with client.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True) as stream:
        chunks = list(stream)
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert deltas[0].role == "assistant"
    assert [delta.content for delta in deltas] == ["", "Hi", " there", "!", None]
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * 4 + ["stop"]
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert chunks[0].model == plain.model
    assert all("usage" not in chunk.model_fields_set for chunk in chunks)


def test_usage_in_a_stream(serve: Serve, client_of: Clients) -> None:
    """With include_usage a last chunk without choices has it, all others null."""
    client = client_of(serve(rules({"reply": "Hi"})))
    plain = client.chat.completions.create(model="gpt-4o", messages=HELLO)
    with client.chat.completions.create(
        model="gpt-4o", messages=HELLO, stream=True, stream_options={"include_usage": True}
    ) as stream:
        *others, last = list(stream)
    assert last.choices == []
    assert last.usage == plain.usage
    assert all("usage" in c.model_fields_set and c.usage is None for c in others)


def test_the_stream_helper(serve: Serve, client_of: Clients) -> None:
    """The SDK's own event helper rebuilds the plain reply."""
    client = client_of(serve(rules({"reply": "One two three."})))
    with client.chat.completions.stream(model="gpt-4o", messages=HELLO) as stream:
        events = list(stream)
        final = stream.get_final_completion()
    deltas = [e.delta for e in events if e.type == "content.delta"]
    assert deltas == ["", "One", " two", " three", "."]
    assert [e.content for e in events if e.type == "content.done"] == ["One two three."]
    assert final.choices[0].message.content == "One two three."


def test_the_stream_helper_with_tools(serve: Serve, client_of: Clients) -> None:
    """Tool arguments arrive in fragments that join to the scripted JSON."""
    call = {"name": "get_weather", "arguments": {"city": "Paris"}}
    client = client_of(serve(rules({"reply": {"tool_calls": [call]}})))
    tool: Any = {
        **WEATHER[0],
        "function": {
            **WEATHER[0]["function"],
            "strict": True,
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
                "additionalProperties": False,
            },
        },
    }
    with client.chat.completions.stream(model="gpt-4o", messages=HELLO, tools=[tool]) as stream:
        events = list(stream)
        final = stream.get_final_completion()
    deltas = [e.arguments_delta for e in events if e.type == "tool_calls.function.arguments.delta"]
    assert len([delta for delta in deltas if delta]) > 1
    assert json.loads("".join(deltas)) == {"city": "Paris"}
    assert final.choices[0].finish_reason == "tool_calls"


def test_the_raw_response(serve: Serve, client_of: Clients) -> None:
    """Headers are those recorded from the API."""
    client = client_of(serve(rules({"name": "greet", "reply": "Hi"})))
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o", messages=HELLO)
    assert raw.headers["content-type"] == "application/json"
    assert raw.headers["openai-version"] == "2020-10-01"
    assert raw.headers["openai-processing-ms"].isdecimal()
    assert raw.headers["openai-organization"]
    assert raw.headers["x-request-id"].startswith("req_")
    assert len(raw.headers["x-request-id"]) == 36
    assert raw.headers["x-mockdock-rule"] == "greet"
    assert raw.parse().choices[0].message.content == "Hi"


def test_a_tools_round_trip(serve: Serve, client_of: Clients) -> None:
    """The SDK's own message objects go back in, and the loop ends."""
    client = client_of(serve("weather-agent"))
    messages: list[Any] = ask("What is the weather in Oslo and Rome?")
    first = client.chat.completions.create(model="gpt-4o", messages=messages, tools=WEATHER)
    message = first.choices[0].message
    assert first.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls is not None
    assert [call.type for call in message.tool_calls] == ["function", "function"]
    messages.append(message)
    for call, celsius in zip(message.tool_calls, (4, 21), strict=True):
        result = json.dumps({"celsius": celsius})
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    second = client.chat.completions.create(model="gpt-4o", messages=messages, tools=WEATHER)
    assert second.choices[0].message.content == "In Rome it is 21 degrees."


def test_an_agent_loop_ends_without_a_script(serve: Serve, client_of: Clients) -> None:
    """Under otherwise auto: one tool call per user turn, then a closing text."""
    client = client_of(serve())
    messages: list[Any] = ask("What is the weather in Oslo?")
    calls = 0
    for _ in range(5):
        reply = client.chat.completions.create(model="gpt-4o", messages=messages, tools=WEATHER)
        message = reply.choices[0].message
        if not message.tool_calls:
            break
        calls += 1
        messages.append(message)
        call: Any = message.tool_calls[0]
        assert "city" in json.loads(call.function.arguments)
        messages.append({"role": "tool", "tool_call_id": call.id, "content": "4 degrees"})
    assert calls == 1
    assert message.content


def test_structured_output_parses(serve: Serve, client_of: Clients) -> None:
    """The SDK's parse() gets a valid object out of otherwise auto."""
    from pydantic import BaseModel

    class Person(BaseModel):
        name: str
        age: int
        email: str | None

    client = client_of(serve())
    reply = client.chat.completions.parse(
        model="gpt-4o", messages=ask("Who?"), response_format=Person
    )
    person = reply.choices[0].message.parsed
    assert isinstance(person, Person)
    assert person.name


def test_a_refusal(serve: Serve, client_of: Clients) -> None:
    """A refusal has no content, plain and streamed."""
    client = client_of(serve(rules({"reply": {"refusal": "I'm very sorry."}})))
    message = client.chat.completions.create(model="gpt-4o", messages=HELLO).choices[0].message
    assert (message.content, message.refusal) == (None, "I'm very sorry.")
    with client.chat.completions.stream(model="gpt-4o", messages=HELLO) as stream:
        streamed = stream.get_final_completion().choices[0].message
    assert (streamed.content, streamed.refusal) == (None, "I'm very sorry.")


def test_models(serve: Serve, client_of: Clients) -> None:
    """The list holds what can be retrieved; an unknown one is not found."""
    client = client_of(serve())
    listed = client.models.list().data
    assert client.models.retrieve("gpt-4o") in listed
    assert client.models.retrieve("gpt-4o-2024-08-06") in listed
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")


@pytest.mark.parametrize("stream", [False, True])
def test_the_sdk_retries_until_it_works(
    serve: Serve, client_of: Clients, exchanges: list[Exchange], stream: bool
) -> None:
    """A 429 on a streamed request is an HTTP 429, and the retry gets the next reply."""
    flaky = {
        "per": "request",
        "replies": [
            {"error": "rate_limit", "retry_after": "20s"},
            {"error": "overloaded", "retry_after": "20s"},
            "at last",
        ],
    }
    client = client_of(serve(rules(flaky)), max_retries=2)
    for _ in range(2):  # a second, independent call starts anew
        exchanges.clear()
        if stream:
            with client.chat.completions.create(
                model="gpt-4o", messages=HELLO, stream=True
            ) as chunks:
                text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        else:
            reply = client.chat.completions.create(model="gpt-4o", messages=HELLO)
            text = reply.choices[0].message.content or ""
        assert text == "at last"
        assert [(e.status, e.attempt) for e in exchanges] == [(429, 1), (503, 2), (200, 3)]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("rate_limit", openai.RateLimitError),
        ("tokens_limit", openai.RateLimitError),
        ("quota", openai.RateLimitError),
        ("overloaded", openai.InternalServerError),
        ("server_error", openai.InternalServerError),
        ("timeout", openai.APIStatusError),
        ("auth", openai.AuthenticationError),
        ("permission", openai.PermissionDeniedError),
        ("not_found", openai.NotFoundError),
        ("bad_request", openai.BadRequestError),
        ("context_length", openai.BadRequestError),
        ("content_filter", openai.BadRequestError),
        (409, openai.ConflictError),
        (422, openai.UnprocessableEntityError),
        (599, openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_each_error_is_the_sdks_own(
    serve: Serve, client_of: Clients, error: str | int, kind: type[Exception], stream: bool
) -> None:
    client = client_of(serve(rules({"reply": {"error": error}})))
    with pytest.raises(kind) as caught:
        client.chat.completions.create(model="gpt-4o", messages=HELLO, stream=stream)
    assert isinstance(caught.value, openai.APIStatusError)
    assert isinstance(caught.value.body, dict)
    assert set(caught.value.body) == {"message", "type", "param", "code"}


def test_x_should_retry_stops_the_sdk(
    serve: Serve, client_of: Clients, exchanges: list[Exchange]
) -> None:
    client = client_of(
        serve(rules({"reply": {"error": 500, "should_retry": False}})), max_retries=2
    )
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model="gpt-4o", messages=HELLO)
    assert len(exchanges) == 1


def test_a_miss_under_fail_is_not_retried_and_explains(
    serve: Serve, client_of: Clients, exchanges: list[Exchange]
) -> None:
    rule = {"name": "weather", "when": {"user": "weather"}, "reply": "sunny"}
    client = client_of(serve(rules(rule, otherwise="fail")), max_retries=2)
    with pytest.raises(openai.NotFoundError, match=r"weather.*wanted.*'weather'.*'hello'"):
        client.chat.completions.create(model="gpt-4o", messages=HELLO)
    assert len(exchanges) == 1


def test_a_client_that_leaves_mid_stream(
    serve: Serve, client_of: Clients, exchanges: list[Exchange]
) -> None:
    """The server notices while it waits, and says after how many events."""
    clock = ManualClock()
    left = threading.Event()
    server = serve(
        rules({"reply": {"text": "one two three four", "pacing": {"itl": "1s"}}}),
        clock=clock,
        observers=[exchanges.append, lambda _: left.set()],
    )
    client = client_of(server)
    stream = client.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True)
    received = iter(stream)
    assert next(received).choices[0].delta.role == "assistant"
    assert next(received).choices[0].delta.content == "one"
    stream.close()
    assert left.wait(10)
    assert exchanges[0].outcome.ending == "client_left"
    assert exchanges[0].outcome.frames == 2
    assert client.models.list().data


def test_a_paced_stream_waits_for_its_clock(serve: Serve, client_of: Clients) -> None:
    """Nothing comes before its time; all that is due comes at once."""
    clock = ManualClock()
    text = "one two three"
    server = serve(
        rules({"reply": {"text": text, "pacing": {"ttft": "2s", "tps": 1}}}), clock=clock
    )
    client = client_of(server, timeout=30)
    got: list[str] = []
    done = threading.Event()

    def read() -> None:
        chunks = client.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True)
        got.extend(chunk.choices[0].delta.content or "" for chunk in chunks)
        done.set()

    reader = threading.Thread(target=read)
    reader.start()
    for seconds in (2.0, 1.0, 1.0):
        while not clock.waiting():
            assert reader.is_alive()
        clock.advance(seconds)
    assert done.wait(10)
    reader.join()
    assert "".join(got) == text
    assert clock.now() == 4.0


def test_the_async_client(serve: Serve) -> None:
    """Plain, streamed, raw and with the helper, side by side in one event loop."""
    server = serve(rules({"reply": "Hi there!"}))

    async def run() -> None:
        async with CheckedAsyncOpenAI(base_url=server.base_url, api_key="test") as client:
            plain = await client.chat.completions.create(model="gpt-4o", messages=HELLO)
            assert plain.choices[0].message.content == "Hi there!"
            stream = await client.chat.completions.create(
                model="gpt-4o", messages=HELLO, stream=True
            )
            parts = [chunk.choices[0].delta.content async for chunk in stream]
            assert "".join(part or "" for part in parts) == "Hi there!"
            async with client.chat.completions.stream(model="gpt-4o", messages=HELLO) as helper:
                final = await helper.get_final_completion()
            assert final.choices[0].message.content == "Hi there!"
            raw = await client.chat.completions.with_raw_response.create(
                model="gpt-4o", messages=HELLO
            )
            assert raw.status_code == 200
            replies = await asyncio.gather(
                *(client.chat.completions.create(model="gpt-4o", messages=HELLO) for _ in range(20))
            )
            assert all(each.choices[0].message.content == "Hi there!" for each in replies)

    asyncio.run(run())


def test_max_tokens_cuts_a_scripted_reply(serve: Serve, client_of: Clients) -> None:
    """Plain and streamed are cut at the same token border, and usage says so."""
    client = client_of(serve(rules({"reply": "One two three four five."})))
    reply = client.chat.completions.create(model="gpt-4o", messages=HELLO, max_tokens=3)
    assert reply.choices[0].message.content == "One two three"
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 3
    with client.chat.completions.create(
        model="gpt-4o", messages=HELLO, max_completion_tokens=3, stream=True
    ) as stream:
        chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "One two three"
    assert chunks[-1].choices[0].finish_reason == "length"


def test_same_seed_same_words_whatever_else_runs(serve: Serve) -> None:
    """Two servers with one seed give the same bytes, in whatever order requests come."""
    questions = [f"question {number}" for number in range(12)]

    def answers(order: list[str], **options: Any) -> dict[str, str]:
        clock = ManualClock()
        server = serve(clock=clock, **options)

        async def run() -> dict[str, str]:
            async with CheckedAsyncOpenAI(base_url=server.base_url, api_key="test") as client:

                async def one(question: str) -> tuple[str, str]:
                    raw = await client.chat.completions.with_raw_response.create(
                        model="gpt-4o", messages=ask(question)
                    )
                    raw.parse()
                    return question, raw.text

                return dict(await asyncio.gather(*(one(question) for question in order)))

        return asyncio.run(run())

    assert answers(questions) == answers(questions[::-1])
    assert answers(questions, seed=1) != answers(questions, seed=2)
