"""Functions of a test that take part in answering."""

from __future__ import annotations

import asyncio
import functools
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import AsyncMock, Mock

import httpx2
import pytest
from openai import APIStatusError, AsyncOpenAI, InternalServerError

from mockdock import MockDock, UsageError, VerificationError
from mockdock.testing import CallRequest
from tests.testing.helpers import ask, said, streamed

_PATIENCE = 30.0


async def _async(request: CallRequest) -> str:
    await asyncio.sleep(0)
    return f"<{request.user}>"


class _Callable:
    def __call__(self, request: CallRequest) -> str:
        return f"<{request.user}>"


class _AsyncCallable:
    async def __call__(self, request: CallRequest) -> str:
        return f"<{request.user}>"


def _with_more(mark: str, request: CallRequest) -> str:
    return f"{mark}{request.user}>"


@pytest.mark.parametrize(
    "function",
    [
        lambda request: f"<{request.user}>",
        lambda request: _async(request),  # noqa: PLW0108 - a plain function that gives an awaitable
        _async,
        _Callable(),
        _AsyncCallable(),
        functools.partial(_with_more, "<"),
        functools.partial(_async),
        Mock(return_value="<Hi!>"),
        AsyncMock(return_value="<Hi!>"),
    ],
)
def test_any_callable_answers(dock: MockDock, function: Callable[[CallRequest], str]) -> None:
    dock.respond_with(function)
    assert said(dock) == streamed(dock) == "<Hi!>"
    dock.verify()


def test_a_text_is_taken_as_it_is(dock: MockDock) -> None:
    dock.respond_with(lambda _: "${user} costs $${5} ${")
    assert said(dock) == "${user} costs $${5} ${"


def test_a_mapping_is_in_the_words_of_the_language(dock: MockDock) -> None:
    dock.respond_with(
        lambda request: (
            {"error": "rate_limit", "retry_after": "20s"}
            if request.attempt == 1
            else {"text": "${user}, again", "finish": "length"}
        )
    )
    answer = ask(dock)
    assert answer.choices[0].message.content == "Hi!, again"
    assert answer.choices[0].finish_reason == "length"
    assert dock.calls.count == 2


def test_a_function_sees_the_request(dock: MockDock) -> None:
    seen: list[CallRequest] = []

    def sees(request: CallRequest) -> str:
        seen.append(request)
        return "ok"

    dock.respond_with(sees)
    ask(dock, "Hi!", extra_headers={"x-team": "blue"}, temperature=0.5)
    (request,) = seen
    assert (request.model, request.user, request.attempt) == ("gpt-4o", "Hi!", 1)
    assert request.headers["x-team"] == "blue"
    assert request.json["temperature"] == 0.5
    assert request.raw.startswith(b"{")


def test_what_a_function_raises_fails_the_test_and_is_not_retried(dock: MockDock) -> None:
    dock.respond_with(lambda request: f"{1 / 0}{request}")
    with pytest.raises(InternalServerError, match="ZeroDivisionError"):
        ask(dock)
    assert dock.calls.count == 1
    with pytest.raises(VerificationError, match="ZeroDivisionError") as caught:
        dock.verify()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert caught.value.__cause__.__cause__ is None
    dock.reset()
    dock.verify()


def _exhausted(_: CallRequest) -> str:
    return next(iter([]))


def _pytest_fails(_: CallRequest) -> str:
    pytest.fail("not like that")


def _exits(_: CallRequest) -> str:
    sys.exit(3)


def _cancels(_: CallRequest) -> str:
    raise asyncio.CancelledError("my own")


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (_exhausted, "StopIteration"),
        (_pytest_fails, "Failed: not like that"),
        (_exits, "SystemExit: 3"),
        (_cancels, "CancelledError: my own"),
    ],
)
@pytest.mark.parametrize("plain", [True, False])
def test_nothing_that_is_raised_ends_the_server(
    dock: MockDock, function: Callable[[CallRequest], str], told: str, *, plain: bool
) -> None:
    async def awaited(request: CallRequest) -> str:
        return function(request)

    dock.when(user="wrong").respond_with(function if plain else awaited)
    dock.reply("The server lives.")
    with pytest.raises(InternalServerError):
        ask(dock, "wrong")
    assert said(dock) == "The server lives."
    with pytest.raises(VerificationError, match="raised") as caught:
        dock.verify()
    assert told in f"{caught.value} {caught.value.__cause__!r}"


def test_a_predicate_that_raises_fails_the_test(dock: MockDock) -> None:
    def where(request: CallRequest) -> bool:
        return request.json["no such field"] is None

    dock.when(where=where).reply("x")
    with pytest.raises(InternalServerError):
        ask(dock)
    assert dock.calls.count == 1
    with pytest.raises(VerificationError, match="KeyError") as caught:
        dock.verify()
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_predicate_is_named_where_a_miss_is_explained(dock: MockDock) -> None:
    def is_urgent(request: CallRequest) -> bool:
        return "urgent" in request.user

    dock.when(where=is_urgent).reply("x")
    with pytest.raises(APIStatusError, match="where is_urgent"):
        ask(dock)


@pytest.mark.parametrize("wrong", [None, 5, ["x"], b"x"])
def test_an_answer_that_is_none_is_told(dock: MockDock, wrong: object) -> None:
    def wrongly(_: CallRequest) -> object:
        return wrong

    dock.respond_with(wrongly)  # type: ignore[arg-type]
    with pytest.raises(InternalServerError):
        ask(dock)
    with pytest.raises(VerificationError, match="an answer is a text") as caught:
        dock.verify()
    assert isinstance(caught.value.__cause__, UsageError)
    assert "wrongly returned" in str(caught.value.__cause__)


def test_an_answer_with_unknown_words_is_told(dock: MockDock) -> None:
    dock.respond_with(lambda _: {"txt": "x"})
    with pytest.raises(InternalServerError, match="did you mean 'text'"):
        ask(dock)
    with pytest.raises(VerificationError, match="did you mean 'text'"):
        dock.verify()


def test_many_functions_wait_for_each_other(dock: MockDock) -> None:
    together = threading.Barrier(64)
    rule = dock.respond_with(lambda _: f"{together.wait(_PATIENCE) is not None}")
    base_url = dock.base_url
    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda _: said(dock), range(64)))
    assert base_url == dock.base_url
    assert answers == ["True"] * 64
    assert rule.count == dock.calls.count == 64


def test_functions_may_ask_the_mock_themselves(dock: MockDock) -> None:
    async def asks(request: CallRequest) -> str:
        async with AsyncOpenAI(**dock.openai) as client:
            answer = await client.chat.completions.create(
                model=request.model, messages=[{"role": "user", "content": "inner"}]
            )
        return f"async {answer.choices[0].message.content}"

    dock.when(user="inner").reply("words")
    dock.when(user="plain").respond_with(lambda _: f"plain {said(dock, 'inner')}")
    dock.when(user="async").respond_with(asks)
    assert said(dock, "plain") == "plain words"
    assert said(dock, "async") == "async words"


def test_a_function_that_never_returns_does_not_hold_up_the_end() -> None:
    begun, let_go = threading.Event(), threading.Event()

    def waits(_: CallRequest) -> str:
        begun.set()
        let_go.wait(_PATIENCE)
        return "late"

    before = set(threading.enumerate())
    with MockDock(strict=False) as dock, ThreadPoolExecutor(1) as pool:
        dock.respond_with(waits)
        asked = pool.submit(ask, dock, retries=0)
        assert begun.wait(_PATIENCE)
        dock.close()
        assert not let_go.is_set()
        with pytest.raises(APIStatusError) as caught:
            asked.result(_PATIENCE)
        assert caught.value.status_code == 503
    let_go.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(_PATIENCE)
        assert not thread.is_alive()


def test_functions_answer_without_a_socket_too(dock: MockDock) -> None:
    dock.when(user="plain").respond_with(lambda request: request.user)
    dock.when(user="async").respond_with(_async)

    async def main() -> list[str | None]:
        transport = httpx2.ASGITransport(app=dock.asgi)
        async with AsyncOpenAI(
            base_url="http://mockdock/v1",
            api_key=dock.api_key,
            http_client=httpx2.AsyncClient(transport=transport),
        ) as client:
            answers = [
                await client.chat.completions.create(
                    model="gpt-4o", messages=[{"role": "user", "content": text}]
                )
                for text in ("plain", "async")
            ]
        return [answer.choices[0].message.content for answer in answers]

    assert asyncio.run(main()) == ["plain", "<async>"]


def test_of_all_that_was_raised_the_first_ten_are_kept(dock: MockDock) -> None:
    def wrong(request: CallRequest) -> str:
        raise LookupError(request.user)

    dock.respond_with(wrong)
    for number in range(11):
        with pytest.raises(InternalServerError):
            ask(dock, str(number))
    assert [str(error) for error in dock.raised] == [str(number) for number in range(10)]
    dock.reset()
    assert dock.raised == ()
