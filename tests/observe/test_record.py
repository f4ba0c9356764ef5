"""An exchange as JSON: every key, of every kind of exchange."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from dataclasses import replace
from typing import Any

import httpx2
import orjson
import pytest

from mockdock import Server
from mockdock.app import App
from mockdock.delivery import ManualClock, ScaledClock
from mockdock.frames import Frame, Outcome, Raw
from mockdock.observe import Entry, record
from mockdock.reply import Choice, Failure, NearRule, Piece, Spoken, Unmet
from mockdock.request import Request
from tests.conformance.asgi import Message, app_of, ask, post, scope_of
from tests.observe.helpers import ANSWER, exchange, kept_here, unchecked

CHAT = "/v1/chat/completions"
ASKED: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
UNBROKEN: dict[str, Any] = {
    "headless": False,
    "cut": None,
    "raw": None,
    "alone": [],
    "moments": [],
}
PARAMETERS = {"type": "object", "properties": {}}
KEY = "sk-abcdefghijklmnopqrstuvwxyz"


def last(app: App, *, secrets: bool = False) -> dict[str, Any]:
    """Record the last exchange; it must be JSON."""
    made = record(kept_here(app.journal.entries())[-1], secrets=secrets)
    assert orjson.loads(orjson.dumps(made)) == made
    return made


def joined(made: dict[str, Any]) -> bytes:
    """Give the bytes a record says were sent."""
    chunks = made["reply"]["chunks"]
    return b"".join(
        each.encode() if isinstance(each, str) else base64.b64decode(each["base64"])
        for each in chunks
    )


def test_every_key_of_a_plain_answer() -> None:
    app = app_of({"name": "greet", "reply": "Hello you"}, clock=ManualClock())
    headers = {"x-mockdock-session": "mine", "x-stainless-retry-count": "1"}
    answer = post(app, CHAT, ASKED, headers)
    made = last(app)
    request, reply = made.pop("request"), made.pop("reply")
    assert made == {
        "number": 1,
        "session": "mine",
        "started": 1_700_000_000.0,
        "duration": 0.0,
        "at": 0.0,
        "era": app.sessions.base.era,
        "time_scale": 1.0,
        "faults": [],
        "injected": [],
        "trouble": "",
        "dialect": "openai",
        "gateway": {},
        "method": "POST",
        "path": CHAT,
        "status": 200,
        "attempt": 2,
        "model": "gpt-4o",
        "stream": False,
        "rule": "greet",
        "rule_key": "greet",
        "missed": False,
        "usage": {
            "prompt_tokens": 8,
            "completion_tokens": 2,
            "total_tokens": 10,
            "cached_tokens": 0,
            "prompt_audio_tokens": 0,
            "reasoning_tokens": 0,
            "completion_audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
        "outcome": {"ending": "completed", "frames": 1, "bytes": len(answer.body), **UNBROKEN},
    }
    assert json.loads(request["body"]) == ASKED
    assert request["headers"] == {
        "host": "127.0.0.1:8080",
        "content-type": "application/json",
        "authorization": "[redacted]",
        **headers,
    }
    assert reply == {
        "headers": answer.headers,
        "chunks": [answer.body.decode()],
        "choices": [
            {"text": "Hello you", "refusal": None, "tool_calls": [], "finish_reason": "stop"}
        ],
        "embeddings": None,
        "flagged": None,
        "error": None,
        "error_status": None,
        "retry_after": None,
        "cause": None,
        "nearest": [],
        "warnings": [],
    }


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"stream_options": {"include_usage": True}},
        {"n": 3},
        {"logprobs": True, "top_logprobs": 3},
        {"stream_options": {"include_obfuscation": False}},
    ],
    ids=["plain", "usage", "n", "logprobs", "clear"],
)
def test_the_chunks_of_a_stream_join_to_the_bytes_on_the_wire(more: dict[str, Any]) -> None:
    app = app_of({"reply": "Größe, one two three"})
    answer = post(app, CHAT, {**ASKED, "stream": True, **more})
    made = last(app, secrets=True)
    assert made["stream"] is True
    assert joined(made) == answer.body
    assert len(made["reply"]["chunks"]) == made["outcome"]["frames"]
    assert made["outcome"]["bytes"] == len(answer.body)
    assert made["reply"]["chunks"][-1].endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("seconds", [1, 2, 3])
def test_of_a_stream_that_was_cut_only_what_was_sent_is_told(seconds: int) -> None:
    async def until(waits: int) -> None:
        while clock.waiting() != waits:  # noqa: ASYNC110 - a clock has no event
            await asyncio.sleep(0)

    async def play(app: App) -> bytes:
        sent: list[Message] = []
        gone = asyncio.Event()
        arriving = [{"type": "http.request", "body": json.dumps(body).encode()}]

        async def receive() -> Message:
            if arriving:
                return arriving.pop(0)
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        task = asyncio.ensure_future(app(scope_of("POST", CHAT), receive, send))
        for _ in range(seconds):
            await until(1)
            clock.advance(1)
            await until(0)
        await until(1)
        gone.set()
        await task
        return b"".join(message.get("body", b"") for message in sent)

    body = {**ASKED, "stream": True}
    clock = ManualClock()
    reply = {"text": "one two three four five", "pacing": {"ttft": "1s", "itl": "1s"}}
    app = app_of({"reply": reply}, clock=clock)
    on_the_wire = asyncio.run(play(app))
    made = last(app)
    assert made["outcome"]["ending"] == "client_left"
    assert made["duration"] == seconds
    assert joined(made) == on_the_wire
    words = ["one", "two", "three", "four"]
    assert [word in on_the_wire.decode() for word in words] == [n < seconds for n in range(4)]


def test_of_a_client_that_left_before_the_answer_nothing_was_sent() -> None:
    made = record(Entry(1, exchange(outcome=Outcome("client_left", 0, 0), told=lambda _: iter(()))))
    assert made["reply"]["chunks"] == []
    assert made["outcome"] == {"ending": "client_left", "frames": 0, "bytes": 0, **UNBROKEN}


def test_tool_calls_and_refusals_are_told_in_no_providers_words() -> None:
    tool = {"type": "function", "function": {"name": "find", "parameters": PARAMETERS}}
    calls = {"tool_calls": [{"name": "find", "arguments": {"city": "Köln"}}]}
    app = app_of({"when": {"user": "Hi"}, "reply": calls}, {"reply": {"refusal": "No."}})
    post(app, CHAT, {**ASKED, "tools": [tool]})
    (choice,) = last(app)["reply"]["choices"]
    (call,) = choice.pop("tool_calls")
    assert choice == {"text": None, "refusal": None, "finish_reason": "tool_calls"}
    assert call.pop("id").startswith("call_")
    assert call == {"name": "find", "arguments": '{"city":"Köln"}'}
    post(app, CHAT, {**ASKED, "messages": [{"role": "user", "content": "Other"}]})
    (choice,) = last(app)["reply"]["choices"]
    assert (choice["text"], choice["refusal"]) == (None, "No.")


def test_what_was_spoken_is_its_text() -> None:
    spoken = Spoken("id", b"sound", 0, (Piece("Good ", 1), Piece("day", 1)))
    choice = Choice(0, None, None, (), "stop", spoken)
    made = record(Entry(1, exchange(reply=replace(ANSWER, choices=(choice,)))))
    assert made["reply"]["choices"][0]["text"] == "Good day"


def test_a_scripted_error() -> None:
    app = app_of({"name": "slow", "reply": {"error": "rate_limit", "message": "Slow down"}})
    answer = post(app, CHAT, ASKED)
    made = last(app)
    assert (made["status"], made["missed"], made["usage"]) == (429, False, None)
    assert (made["rule"], made["reply"]["error"]) == ("slow", "rate_limit")
    assert made["reply"]["choices"] == []
    assert joined(made) == answer.body


def test_a_request_no_rule_answered_and_what_came_near() -> None:
    rules = [{"name": "bye", "when": {"user": {"equals": "Bye"}}, "reply": "x"}]
    app = app_of(*rules, otherwise="fail")
    post(app, CHAT, ASKED)
    made = last(app)
    assert (made["status"], made["missed"], made["rule"], made["rule_key"]) == (
        404,
        True,
        None,
        None,
    )
    (near,) = made["reply"]["nearest"]
    (unmet,) = near["unmet"]
    assert near["rule"] == "bye"
    assert (unmet["name"], unmet["wanted"], unmet["found"]) == ("user", "Bye", "Hi")


def test_what_could_not_be_parsed_has_no_model() -> None:
    app = app_of()
    answer = ask(app, "POST", CHAT, b'{"model": "gpt-4o", ')
    made = last(app)
    assert (made["model"], made["stream"], made["attempt"]) == ("", False, 1)
    assert made["request"]["body"] == '{"model": "gpt-4o", '
    assert (made["status"], joined(made)) == (400, answer.body)
    assert made["missed"] is False


def test_bytes_that_are_no_text_are_kept_as_base64() -> None:
    app = app_of()
    ask(app, "POST", CHAT, b"\xff\xfe{")
    assert last(app)["request"]["body"] == {"base64": base64.b64encode(b"\xff\xfe{").decode()}


def test_a_body_that_was_not_read_is_empty() -> None:
    app = app_of()
    answer = ask(app, "PUT", "/nowhere", b"x")
    made = last(app)
    assert (made["method"], made["path"], made["request"]["body"]) == ("PUT", "/nowhere", "")
    assert (made["missed"], made["reply"]["error"]) == (True, "unknown_url")
    assert joined(made) == answer.body


def test_an_answer_of_the_models_api_has_no_choices() -> None:
    app = app_of()
    answer = ask(app, "GET", "/v1/models/gpt-4o")
    made = last(app)
    assert (made["model"], made["usage"], made["reply"]["choices"]) == ("gpt-4o", None, [])
    assert made["reply"]["error"] is None
    assert joined(made) == answer.body


def test_warnings_are_told() -> None:
    app = app_of({"reply": {"tool_calls": [{"name": "other", "arguments": {}}]}})
    post(app, CHAT, ASKED)
    (warning,) = last(app)["reply"]["warnings"]
    assert "other" in warning


def test_what_a_function_raised_is_told() -> None:
    failure = Failure("server_error", cause=ValueError("no such city"))
    made = record(Entry(1, exchange(reply=failure)))
    assert made["reply"]["cause"] == "ValueError('no such city')"


def leaky(app: App) -> None:
    """Put a key wherever there is room for one."""
    body = {**ASKED, "messages": [{"role": "user", "content": f"My key is {KEY}"}]}
    headers = {"authorization": f"Bearer {KEY}", "x-note": f"a {KEY}", "x-mockdock-session": KEY}
    post(app, CHAT, body, {**headers, "cookie": "session=1"})


def test_secrets_are_hidden() -> None:
    app = app_of({"reply": {"text": f"Your key is {KEY}", "headers": {"x-own": KEY}}})
    leaky(app)
    made = last(app)
    assert KEY not in json.dumps(made)
    assert made["session"] == "[redacted]"
    assert made["request"]["headers"]["authorization"] == "[redacted]"
    assert made["request"]["headers"]["cookie"] == "[redacted]"
    assert made["request"]["headers"]["x-note"] == "a [redacted]"
    assert "My key is [redacted]" in made["request"]["body"]
    assert made["reply"]["choices"][0]["text"] == "Your key is [redacted]"
    assert made["reply"]["headers"]["x-own"] == "[redacted]"


def test_a_key_that_is_spread_over_the_chunks_of_a_stream_is_hidden() -> None:
    app = app_of({"reply": f"Your key is {KEY}, keep it"}, {"reply": "unused"})
    post(app, CHAT, {**ASKED, "stream": True})
    assert last(app)["reply"]["chunks"] == ["[redacted]"]
    assert len(last(app, secrets=True)["reply"]["chunks"]) > 4


COMPANY = "my-company-key-abcdef123456"


@pytest.mark.parametrize("more", [{}, {"stream": True}], ids=["plain", "stream"])
def test_a_key_of_no_known_form_is_hidden_in_logprobs(more: dict[str, Any]) -> None:
    app = app_of({"reply": f"Your key is {COMPANY}, keep it"})
    auth = {"authorization": f"Bearer {COMPANY}"}
    post(app, CHAT, {**ASKED, "logprobs": True, **more}, auth)
    assert last(app)["reply"]["chunks"] == ["[redacted]"]
    assert last(app)["reply"]["choices"][0]["text"] == "Your key is [redacted], keep it"
    assert "company" in str(last(app, secrets=True)["reply"]["chunks"])


def test_a_key_is_hidden_in_logprobs_of_stored_completions() -> None:
    app = app_of({"reply": f"Your key is {COMPANY}, keep it"})
    auth = {"authorization": f"Bearer {COMPANY}"}
    body = {**ASKED, "logprobs": True, "store": True}
    made = json.loads(post(app, CHAT, body, auth).body)
    for path in (f"{CHAT}/{made['id']}", CHAT):
        answer = ask(app, "GET", path, b"", auth)
        assert COMPANY in answer.body.decode()
        assert last(app)["reply"]["chunks"] == ["[redacted]"]


def test_logprobs_without_a_secret_are_shown() -> None:
    app = app_of({"reply": "Nothing to hide"})
    auth = {"authorization": f"Bearer {COMPANY}"}
    answer = post(app, CHAT, {**ASKED, "logprobs": True}, auth)
    assert joined(last(app)) == answer.body


def test_a_key_of_no_known_form_is_hidden_in_every_place() -> None:
    app = app_of({"reply": {"text": f"It is {COMPANY}", "headers": {"x-echo": COMPANY}}})
    headers = {"authorization": f"Bearer {COMPANY}", "x-note": COMPANY}
    post(app, CHAT, {**ASKED, "user": COMPANY}, headers)
    made = last(app)
    assert COMPANY not in json.dumps(made)
    assert made["request"]["headers"]["x-note"] == "[redacted]"
    assert made["reply"]["headers"]["x-echo"] == "[redacted]"


def test_a_key_is_hidden_in_bytes_that_are_no_text() -> None:
    app = app_of()
    ask(app, "POST", CHAT, b"\xff" + COMPANY.encode(), {"authorization": f"Bearer {COMPANY}"})
    shown = base64.b64encode(b"\xff[redacted]").decode()
    assert last(app)["request"]["body"] == {"base64": shown}
    told = base64.b64encode(b"\xff" + COMPANY.encode()).decode()
    assert last(app, secrets=True)["request"]["body"] == {"base64": told}


def test_secrets_are_shown_to_who_wants_them() -> None:
    app = app_of({"reply": {"text": f"Your key is {KEY}", "headers": {"x-own": KEY}}})
    leaky(app)
    made = last(app, secrets=True)
    assert made["session"] == KEY
    assert made["request"]["headers"]["authorization"] == f"Bearer {KEY}"
    assert made["request"]["headers"]["cookie"] == "session=1"
    assert KEY in made["request"]["body"]
    assert made["reply"]["choices"][0]["text"] == f"Your key is {KEY}"
    assert made["reply"]["headers"]["x-own"] == KEY


def test_a_key_in_a_path_is_hidden() -> None:
    app = app_of()
    ask(app, "GET", f"/v1/models/{KEY}")
    assert KEY not in json.dumps(last(app))
    assert last(app, secrets=True)["path"] == f"/v1/models/{KEY}"


def test_a_key_in_what_came_near_and_in_what_was_raised_is_hidden() -> None:
    unmet = Unmet("user", f"was {KEY}", f"want {KEY}", f"found {KEY}")
    failure = Failure("no_match", cause=ValueError(KEY), nearest=(NearRule("one", (unmet,)),))
    one = Entry(1, exchange(reply=failure, asked=Request("openai", "chat", KEY)))
    assert KEY not in json.dumps(record(one))
    assert json.dumps(record(one, secrets=True)).count(KEY) == 5


def test_a_secret_that_a_fault_cut_in_pieces_is_shown_in_none() -> None:
    faults = [{"type": "slicer", "size": 7}]
    app = app_of({"reply": {"error": 400, "message": f"The key {KEY} is odd"}}, faults=faults)
    answer = post(app, CHAT, ASKED)
    shown, hidden = last(app, secrets=True), last(app)
    assert joined(shown) == answer.body
    assert len(shown["reply"]["chunks"]) > 3
    assert hidden["reply"]["chunks"] == ["[redacted]"]
    assert (hidden["faults"], hidden["injected"]) == (
        ["slicer"],
        [{"type": "slicer", "size": 7}],
    )


def test_a_head_is_recorded_as_it_was_sent() -> None:
    fault = {"type": "html_error", "status": 504}
    app = app_of({"reply": {"text": "Hello", "faults": [fault]}})
    answer = unchecked(app, ASKED)
    made = last(app)
    assert (made["status"], made["usage"]["completion_tokens"]) == (504, 1)
    assert made["reply"]["headers"] == dict(answer.headers)
    assert joined(made) == answer.content


def test_the_pace_of_a_reply_is_recorded() -> None:
    reply = {"text": "one two three", "pacing": {"ttft": "1s", "itl": "500ms"}}
    app = app_of({"reply": reply}, clock=ScaledClock(0))
    post(app, CHAT, {**ASKED, "stream": True})
    outcome = last(app)["outcome"]
    assert len(outcome["moments"]) == outcome["frames"]
    assert outcome["moments"][-1] == 2.0
    assert sorted(outcome["moments"]) == outcome["moments"]


@pytest.mark.parametrize(
    ("fault", "cut"),
    [
        ({"type": "truncate", "end": "rst"}, {"end": "rst", "gate": None, "for": 0.0, "at": 0.0}),
        ("wrong_content_length", {"end": "fin", "gate": None, "for": 0.0, "at": 0.0}),
        (
            {"type": "connection_refused", "for": "1ms"},
            {"end": "rst", "gate": "refuse", "for": 0.001, "at": 0.0},
        ),
    ],
    ids=str,
)
def test_how_a_connection_was_ended_is_recorded(fault: Any, cut: Any) -> None:
    scenario = {"mockdock": 1, "rules": [{"reply": {"text": "Hello", "faults": [fault]}}]}
    with (
        Server(scenario) as server,
        contextlib.suppress(httpx2.HTTPError),
    ):
        httpx2.post(f"{server.base_url}/chat/completions", json=ASKED)
    (entry,) = kept_here(server.app.journal.entries())
    made = record(entry)
    assert (made["outcome"]["ending"], made["outcome"]["cut"]) == ("cut", cut)
    assert made["outcome"]["raw"] == (0 if fault == "wrong_content_length" else None)


def test_raw_bytes_at_the_end_close_the_connection() -> None:
    made = record(
        Entry(
            1,
            exchange(
                outcome=Outcome("cut", 2, 3),
                told=lambda _: iter([(0.0, Frame(b"a", flush=True)), (1.5, Raw(b"bc"))]),
            ),
        )
    )
    assert made["outcome"] == {
        "ending": "cut",
        "frames": 2,
        "bytes": 3,
        "headless": False,
        "cut": {"end": "fin", "gate": None, "for": 0.0, "at": 1.5},
        "raw": 1,
        "alone": [0, 1],
        "moments": [0.0, 1.5],
    }
    nothing = exchange(outcome=Outcome("cut", 0, 0), told=lambda _: iter(()))
    assert record(Entry(1, nothing))["outcome"]["cut"]["at"] == 0.0
