"""Legacy completions as clients get them: the real SDK over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest
from openai import (
    APIConnectionError,
    APIError,
    AsyncOpenAI,
    NotFoundError,
    OpenAI,
    RateLimitError,
)
from openai.types import Completion

from mockdock import MockDock, Server, VerificationError
from mockdock.observe import Exchange, record
from mockdock.observe.entry import Entry
from mockdock.observe.line import line
from mockdock.observe.report import exchanges as shown
from tests.acceptance.conftest import Serve
from tests.openai_types import check_answer

ClientOf = Callable[..., OpenAI]


@pytest.fixture
def client_of() -> Iterator[ClientOf]:
    """Make plain clients: the types of the package do not know what is null in a stream."""
    with ExitStack() as stack:

        def make(server: Server, **options: Any) -> OpenAI:
            options = {"api_key": "test", "max_retries": 0, **options}
            return stack.enter_context(OpenAI(base_url=server.base_url, **options))

        yield make


MODEL = "gpt-3.5-turbo-instruct"
JOKE: dict[str, Any] = {
    "mockdock": 1,
    "rules": [{"when": {"api": "completions", "user": "joke"}, "reply": "Why not? Because."}],
}


def test_the_sdk_gets_a_text(serve: Serve, client_of: ClientOf) -> None:
    made = client_of(serve(JOKE)).completions.create(model=MODEL, prompt="A joke")
    assert (made.object, made.model) == ("text_completion", MODEL)
    assert (made.choices[0].text, made.choices[0].finish_reason) == ("Why not? Because.", "stop")
    assert made.usage is not None
    assert (made.usage.prompt_tokens, made.usage.completion_tokens) == (2, 5)


@pytest.mark.parametrize("stream", [False, True])
def test_bodies_are_what_the_types_say(serve: Serve, stream: bool) -> None:
    body = {"model": MODEL, "prompt": "A joke", "logprobs": 3, "echo": True, "stream": stream}
    answer = httpx2.post(f"{serve(JOKE).base_url}/completions", json=body)
    check_answer(answer.status_code, answer.headers["content-type"], answer.content)


def test_a_stream_joins_to_the_plain_text(serve: Serve, client_of: ClientOf) -> None:
    client = client_of(serve(JOKE))
    asked: dict[str, Any] = {"model": MODEL, "prompt": ["A joke", "Once"], "n": 2, "echo": True}
    plain = client.completions.create(**asked)
    texts = [""] * 4
    for event in client.completions.create(**asked, stream=True):
        for choice in event.choices:
            texts[choice.index] += choice.text
    assert texts == [choice.text for choice in plain.choices]
    assert texts[0] == "A jokeWhy not? Because."


def test_log_probabilities_of_a_stream_are_those_of_the_plain_text(
    serve: Serve, client_of: ClientOf
) -> None:
    client = client_of(serve(JOKE))
    asked: dict[str, Any] = {"model": MODEL, "prompt": "A joke", "logprobs": 2, "echo": True}
    plain = client.completions.create(**asked).choices[0].logprobs
    assert plain is not None
    assert plain.tokens == ["A", " joke", "Why", " not", "?", " Because", "."]
    assert plain.text_offset == [0, 1, 6, 9, 13, 14, 22]
    assert plain.token_logprobs is not None
    assert plain.token_logprobs[0] is None
    events = [
        event.choices[0].logprobs for event in client.completions.create(**asked, stream=True)
    ]
    for name in ("tokens", "text_offset", "token_logprobs", "top_logprobs"):
        joined = [each for one in events if one is not None for each in getattr(one, name)]
        assert joined == getattr(plain, name)


def test_the_async_client_gets_usage_last(serve: Serve) -> None:
    server = serve(JOKE)

    async def ask() -> list[Completion]:
        async with AsyncOpenAI(base_url=server.base_url, api_key="test") as client:
            stream = await client.completions.create(
                model=MODEL, prompt="joke", stream=True, stream_options={"include_usage": True}
            )
            return [event async for event in stream]

    *_, last = asyncio.run(ask())
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens == 5


def test_chat_models_are_refused_and_the_other_way_round(serve: Serve, client_of: ClientOf) -> None:
    client = client_of(serve())
    with pytest.raises(NotFoundError, match="This is a chat model and not supported"):
        client.completions.create(model="gpt-4o", prompt="x")
    with pytest.raises(NotFoundError, match="This is not a chat model"):
        client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "x"}])


def test_limits_hold(serve: Serve, client_of: ClientOf) -> None:
    client = client_of(serve({"mockdock": 1, "limits": [{"rpm": 1, "tpm": 100}]}))
    raw = client.completions.with_raw_response.create(model=MODEL, prompt="x", max_tokens=9)
    assert raw.headers["x-ratelimit-remaining-tokens"] == "90"
    assert raw.headers["openai-model"] == MODEL
    with pytest.raises(RateLimitError):
        client.completions.create(model=MODEL, prompt="x")


@pytest.mark.parametrize(("fault", "stream"), [("connection_reset", False), ("truncate", False)])
def test_faults_break_a_text(serve: Serve, client_of: ClientOf, fault: str, stream: bool) -> None:
    client = client_of(serve({"mockdock": 1, "faults": [fault]}))
    with pytest.raises(APIConnectionError):
        client.completions.create(model=MODEL, prompt="x", stream=stream)


def test_faults_break_a_stream(serve: Serve, client_of: ClientOf) -> None:
    client = client_of(serve({"mockdock": 1, "faults": ["error_event"]}))
    with pytest.raises(APIError):
        list(client.completions.create(model=MODEL, prompt="x", stream=True))


def test_pace_is_that_of_chat(serve: Serve, client_of: ClientOf, exchanges: list[Exchange]) -> None:
    server = serve({**JOKE, "pacing": {"ttft": "10s", "tps": 1}}, time_scale=0)
    list(client_of(server).completions.create(model=MODEL, prompt="joke", stream=True))
    moments = [due for due, _ in exchanges[0].timed()]
    assert moments[0] >= 10
    assert moments[-1] > moments[0] + 2


def test_an_exchange_is_a_line_and_a_record(
    serve: Serve, client_of: ClientOf, exchanges: list[Exchange]
) -> None:
    client_of(serve(JOKE)).completions.create(model=MODEL, prompt="A joke")
    told = record(Entry(1, exchanges[0]))
    assert "2+5 tok" in line(exchanges[0])
    assert told["reply"]["choices"][0]["text"] == "Why not? Because."
    assert "input: A joke" in shown([told])


def test_a_dock_shows_what_was_asked() -> None:
    with MockDock() as dock, OpenAI(**dock.openai) as client:
        dock.when(api="completions", user="joke").reply("Ha.")
        client.completions.create(model=MODEL, prompt=["A joke", "x"])
        assert dock.calls.last.request.user == "A joke\nx"
        assert dock.calls.last.request.inputs == ["A joke", "x"]
        assert dock.calls.last.reply.texts == ("Ha.", "Ha.")


def test_a_strict_dock_finds_what_no_rule_answers() -> None:
    def ask() -> None:
        with MockDock() as dock, OpenAI(**dock.openai) as client:
            dock.when(api="completions", user="joke").reply("Ha.")
            client.completions.create(model=MODEL, prompt="joke")
            with pytest.raises(NotFoundError):
                client.completions.create(model=MODEL, prompt="dog")

    with pytest.raises(VerificationError, match="input: dog"):
        ask()
