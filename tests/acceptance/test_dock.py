"""A dock as people hold it: the real SDK over a real socket, and no pytest fixture of ours."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from openai import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncOpenAI,
    NotFoundError,
    OpenAI,
    RateLimitError,
)
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam

from mockdock import MockDock, Server, VerificationError
from mockdock.observe.verbs import InPython
from mockdock.testing import CallRequest
from tests.openai_types import CheckedAsyncOpenAI, CheckedOpenAI

_PATIENCE = 30.0
_TOOL: ChatCompletionToolParam = {
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


@pytest.fixture
def dock() -> Iterator[MockDock]:
    """Open a strict dock of its own server."""
    with MockDock() as dock:
        yield dock


def _asked(text: str) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}


def test_an_agent_is_led_through_a_tool_call(dock: MockDock) -> None:
    with dock.in_order():
        wants = dock.when(user="weather").call_tool("get_weather", city="Paris").times(1)
        ends = dock.when(after_tool="get_weather").reply("It is ${tool.result.sky} in Paris.")
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": "The weather?"}]
    with CheckedOpenAI(**dock.openai) as client:
        while True:
            answer = client.chat.completions.create(
                model="gpt-4o", messages=messages, tools=[_TOOL]
            )
            message = answer.choices[0].message
            if not message.tool_calls:
                break
            messages.append(message.model_dump(exclude_none=True))  # type: ignore[arg-type]
            messages += [
                {"role": "tool", "tool_call_id": call.id, "content": '{"sky": "clear"}'}
                for call in message.tool_calls
            ]
    assert message.content == "It is clear in Paris."
    assert (wants.count, ends.count) == (1, 1)
    assert dock.calls.first.reply.tool_calls[0].json == {"city": "Paris"}
    assert dock.calls.last.request.messages[-1]["role"] == "tool"


def test_retries_of_the_sdk_are_seen_and_take_no_time(dock: MockDock) -> None:
    busy = dock.when(per="request").fail("rate_limit", attempts=2, retry_after=3600)
    rule = busy.then.reply("At last.")
    with CheckedOpenAI(**dock.openai) as client:
        answer = client.chat.completions.create(**_asked("Hi!"))
        assert answer.choices[0].message.content == "At last."
        with pytest.raises(RateLimitError):
            client.with_options(max_retries=1).chat.completions.create(**_asked("Once more!"))
    assert [call.status for call in rule.calls] == [429, 429, 200, 429, 429]
    assert [call.attempt for call in rule.calls] == [1, 2, 3, 1, 2]


def test_async_clients_and_streams(dock: MockDock) -> None:
    dock.respond_with(lambda request: f"You said: {request.user}")

    async def one(client: AsyncOpenAI, text: str) -> str:
        stream = await client.chat.completions.create(**_asked(text), stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    async def main() -> list[str]:
        async with CheckedAsyncOpenAI(**dock.openai) as client:
            answers = await asyncio.gather(*(one(client, f"{number}") for number in range(20)))
        await dock.wait_for_async(20, _PATIENCE)
        return list(answers)

    assert asyncio.run(main()) == [f"You said: {number}" for number in range(20)]
    assert dock.calls.filter(stream=True).count == 20


def test_sixty_four_threads_are_counted_exactly(dock: MockDock) -> None:
    first = dock.reply("first").times(10)
    rest = dock.reply("rest")
    begin = threading.Barrier(64)
    with CheckedOpenAI(**dock.openai) as client:

        def one(_: int) -> str | None:
            begin.wait(_PATIENCE)
            answer: str | None = (
                client.chat.completions.create(**_asked("Hi!")).choices[0].message.content
            )
            return answer

        with ThreadPoolExecutor(64) as pool:
            answers = list(pool.map(one, range(64)))
    assert (answers.count("first"), answers.count("rest")) == (10, 54)
    assert (first.count, rest.count, dock.calls.count) == (10, 54, 64)


def test_a_client_that_hangs_up_is_seen() -> None:
    with MockDock(time_scale="manual") as slow:
        slow.reply("one two three four", pacing={"itl": "1s", "chunk": "word"})
        with CheckedOpenAI(**slow.openai, max_retries=0) as client:
            stream = client.chat.completions.create(**_asked("Hi!"), stream=True)
            chunks = iter(stream)
            assert next(chunks).choices[0].delta.role == "assistant"
            stream.close()
        call = slow.wait_for(1, _PATIENCE).last
    assert call.outcome.ending == "client_left"
    assert call.outcome.frames == len(call.chunks)
    assert b"four" not in b"".join(call.chunks)


def test_the_sdk_works_without_a_socket(dock: MockDock) -> None:
    dock.when(user="call").call_tool("get_weather", city="Paris")
    dock.reply("No socket was used.")

    async def main() -> None:
        transport = httpx2.ASGITransport(app=dock.asgi)
        async with CheckedAsyncOpenAI(
            base_url="http://mockdock/v1",
            api_key=dock.api_key,
            http_client=httpx2.AsyncClient(transport=transport),
        ) as client:
            answer = await client.chat.completions.create(**_asked("Hi!"))
            assert answer.choices[0].message.content == "No socket was used."
            called = await client.chat.completions.create(**_asked("call"), tools=[_TOOL])
            assert called.choices[0].finish_reason == "tool_calls"
            stream = await client.chat.completions.create(**_asked("Hi!"), stream=True)
            words = [chunk.choices[0].delta.content or "" async for chunk in stream]
            assert "".join(words) == "No socket was used."

    asyncio.run(main())
    assert dock.calls.count == 3


def test_a_miss_fails_with_the_nearest_rule() -> None:
    with pytest.raises(VerificationError) as caught, MockDock() as dock:  # noqa: PT012 - leaving raises
        dock.when(name="weather", user="weather").reply("Sunny.")
        with CheckedOpenAI(**dock.openai) as client, pytest.raises(NotFoundError):
            client.chat.completions.create(**_asked("How is the wether?"))
    assert "weather" in str(caught.value)
    assert "How is the wether?" in str(caught.value)


def test_a_dock_of_a_script_is_started_and_closed() -> None:
    dock = MockDock().start()
    dock.reply("Hello!")
    with CheckedOpenAI(**dock.openai, max_retries=0) as client:
        answer = client.chat.completions.create(**_asked("Hi!"))
        assert answer.choices[0].message.content == "Hello!"
        dock.verify()
        dock.close()
        with pytest.raises(APIConnectionError):
            client.chat.completions.create(**_asked("Hi!"))


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_client_that_gave_up_while_a_function_answered_is_told(stream: bool) -> None:
    asked, gave_up = threading.Event(), threading.Event()

    def late(_: CallRequest) -> str:
        asked.set()
        assert gave_up.wait(30)
        return "too late"

    with MockDock() as dock:
        rule = dock.when(user="Hi").respond_with(late)
        dock.when(user="Are you there?").reply("Yes.")
        with OpenAI(**dock.openai, timeout=0.2, max_retries=0) as client:
            with pytest.raises(APITimeoutError):
                client.chat.completions.create(**_asked("Hi"), stream=stream)
            assert asked.wait(30)
            assert rule.count == 1
        with OpenAI(**dock.openai) as client:  # what the server was told before is seen by now
            client.chat.completions.create(**_asked("Are you there?"))
            client.chat.completions.create(**_asked("Are you there?"))
        gave_up.set()
        call = dock.wait_for(3).last
        assert (call.outcome.ending, call.outcome.frames) == ("client_left", 0)


def test_a_call_that_is_cut_off_by_the_end_of_the_server_is_recorded() -> None:
    asked = threading.Event()

    async def never(_: Any, __: int) -> Any:
        asked.set()
        await asyncio.Event().wait()

    with Server() as server:
        server.verbs.add_rule("", {"reply": "x"}, InPython(functions={0: never}))
        with (
            OpenAI(base_url=server.base_url, api_key="x", max_retries=0) as client,
            ThreadPoolExecutor(1) as pool,
        ):
            answer = pool.submit(lambda: client.chat.completions.create(**_asked("Hi")))
            assert asked.wait(30)
            server.stop()
            assert isinstance(answer.exception(), APIStatusError)
    (record,) = server.verbs.journal("")
    assert (record["status"], record["outcome"]["ending"]) == (503, "stopped")
