"""What a ledger keeps of an exchange."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from mockdock.accounts import ContentPart, Said
from mockdock.bookkeeping import entry_of
from mockdock.frames import Frame
from mockdock.ledger import Entry
from mockdock.observe import Exchange
from mockdock.request import ToolCall
from tests.conformance.asgi import app_of, post
from tests.dialects.langdb import posts
from tests.dialects.langdb.talk import LeapingClock, Talk
from tests.observe.helpers import kept_here

MILLION = 1_000_000
about: Any = pytest.approx
BEGAN = 1_738_146_300.736
FILE = {"type": "file", "file": {"file_id": "file-1"}}
SOUND = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/x.png", "detail": "low"}}
PNG = "https://example.com/x.png"


def talk_of(*rules: dict[str, Any], **settings: Any) -> Talk:
    """Make a server whose clock never waits."""
    usual = {"pacing": {"ttft": "500ms", "itl": "100ms"}}
    return Talk(app_of(*rules, clock=LeapingClock(BEGAN), **{**usual, **settings}))


def kept(talk: Talk) -> Entry:
    """Give what is kept of the last exchange."""
    entry = entry_of(kept_here(talk.app.journal.entries())[-1].exchange)
    assert entry is not None
    return entry


def test_an_answer_with_all_that_was_said_of_it() -> None:
    talk = talk_of({"reply": "Hello there!"})
    user = {"id": "7", "name": "mr"}
    talk.chat(
        extra={"user": user},
        x_thread_id="t",
        x_run_id="r",
        x_label="l",
        x_tags="a=1",
        x_thread_title="Title",
        x_thread_public="1",
    )
    entry = kept(talk)
    assert entry == Entry(
        project="p",
        provider="openai",
        model="gpt-4o",
        started_us=round(BEGAN * MILLION),
        thread="t",
        run="r",
        label="l",
        tags=(("a", "1"),),
        user_id="7",
        user_name="mr",
        duration_ms=about(700),
        input_tokens=8,
        output_tokens=3,
        cost=about((8 * 2.5 + 3 * 10) / MILLION),
        title="Title",
        public=True,
        messages=(Said("human", "Hi"),),
        replies=(Said("ai", "Hello there!"),),
    )


@pytest.mark.parametrize(
    ("reply", "ttft"),
    [("Hello there!", 500), ("", None), ({"refusal": "No."}, 500)],
)
def test_a_stream_has_a_time_to_its_first_token(reply: Any, ttft: float | None) -> None:
    talk = talk_of({"reply": reply})
    talk.chat(stream=True)
    assert kept(talk).ttft_ms == (None if ttft is None else pytest.approx(ttft))


def test_a_stream_without_pacing_is_not_rendered_again() -> None:
    """Its first token was due at once, like all of it."""
    talk = Talk(app_of({"reply": "Hello there!"}, clock=LeapingClock(BEGAN)))
    talk.chat(stream=True)
    exchange = kept_here(talk.app.journal.entries())[-1].exchange
    rendered: list[float] = []

    def told(_: Exchange) -> Iterator[tuple[float, Frame]]:
        rendered.append(0.0)
        yield from ()

    entry = entry_of(replace(exchange, told=told))
    assert entry is not None
    assert (entry.ttft_ms, rendered) == (0.0, [])
    assert max(at for at, _ in exchange.timed()) == 0.0


def test_a_failure_has_neither_tokens_nor_a_reply() -> None:
    talk = talk_of({"reply": {"error": "overloaded"}})
    talk.chat(stream=True, x_thread_id="t")
    entry = kept(talk)
    assert (entry.error, entry.status, entry.thread) == (True, 503, "t")
    assert (entry.input_tokens, entry.output_tokens, entry.cost, entry.ttft_ms) == (0, 0, 0, None)
    assert (entry.messages, entry.replies) == ((Said("human", "Hi"),), ())


def test_embeddings_are_on_no_thread_and_say_nothing() -> None:
    talk = talk_of()
    body = {"model": "text-embedding-3-small", "input": "Hi"}
    talk.post("/v1/embeddings", body, {"x-thread-id": "t"})
    entry = kept(talk)
    assert (entry.api, entry.thread, entry.messages, entry.replies) == ("embeddings", None, (), ())
    assert (entry.input_tokens, entry.output_tokens) == (1, 0)
    assert entry.cost == pytest.approx(0.02 / MILLION)


def test_what_is_on_no_account_or_asks_about_one_is_not_kept() -> None:
    talk = talk_of({"when": {"api": "chat"}, "reply": "Hi"})
    talk.told("/pricing")
    talk.chat(temperature=3)
    post(
        talk.app,
        "/v1/chat/completions",
        {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]},
    )
    assert [entry_of(each.exchange) for each in kept_here(talk.app.journal.entries())] == [None] * 3


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"role": "developer", "content": "Be brief"}, Said("system", "Be brief")),
        ({"role": "user", "content": "Hi"}, Said("human", "Hi")),
        ({"role": "user", "content": [{"type": "text", "text": "Hi"}]}, Said("human", "Hi")),
        (
            {"role": "user", "content": [{"type": "text", "text": "See"}, IMAGE]},
            Said("human", "", (ContentPart("Text", "See"), ContentPart("ImageUrl", PNG, "low"))),
        ),
        ({"role": "user", "content": [SOUND]}, Said("human", "", (ContentPart("InputAudio", ""),))),
        ({"role": "user", "content": [FILE]}, Said("human", "", (ContentPart("File", ""),))),
    ],
)
def test_messages_are_kept_without_their_files(message: dict[str, Any], said: Said) -> None:
    """An image is told by its address; sound and files are not kept."""
    talk = talk_of({"reply": "Hi"}, validation="lenient")
    assert talk.chat(messages=[message]).status == 200
    assert kept(talk).messages == (said,)


def test_calls_and_their_results_are_kept() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "42"},
    ]
    parameters = {"type": "object", "properties": {}}
    tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    talk = talk_of({"reply": {"tool_calls": [{"name": "f", "id": "call_2", "arguments": "{}"}]}})
    assert talk.chat(messages=messages, tools=[tool]).status == 200
    entry = kept(talk)
    assert entry.messages[1:] == (
        Said("ai", "", (), None, (ToolCall("call_1", "f", "{}"),)),
        Said("tool", "42", (), "call_1"),
    )
    assert entry.replies == (Said("ai", "", tool_calls=(ToolCall("call_2", "f", "{}"),)),)


def test_every_choice_is_a_reply_and_a_refusal_is_text() -> None:
    talk = talk_of({"reply": {"choices": [{"text": "Yes"}, {"refusal": "No"}]}})
    talk.chat(n=2)
    assert kept(talk).replies == (Said("ai", "Yes"), Said("ai", "No"))


@pytest.mark.parametrize(("fault", "failed"), [("error_event", True), ("crlf", False)])
def test_a_stream_that_ends_by_an_error_has_failed(fault: str, failed: bool) -> None:
    app = posts.app_of({"reply": "Hello there!"}, faults=[{"type": fault}])
    assert posts.post(app, stream=True).status == 200
    entry = entry_of(kept_here(app.journal.entries())[-1].exchange)
    assert entry is not None
    assert entry.error is failed
