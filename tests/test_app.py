"""The application as a server sees it: scopes, messages, observers, defects."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from mockdock.app import App
from mockdock.delivery import ManualClock
from mockdock.dialects import DIALECTS
from mockdock.engine import Engine
from mockdock.observe import Exchange
from mockdock.reply import Completion, Failure
from mockdock.scenario import load
from tests.conformance.asgi import Message, app_of, ask, post, scope_of

CHAT = "/v1/chat/completions"
ASKED: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}


class Wire:
    """A connection a test looks at while it is open."""

    def __init__(self, body: Any, path: str = CHAT) -> None:
        data = json.dumps(body).encode()
        self.scope = scope_of("POST", path, {"content-type": "application/json"})
        self.sent: list[Message] = []
        self._arriving: list[Message] = [{"type": "http.request", "body": data}]
        self._gone = asyncio.Event()

    async def receive(self) -> Message:
        """Give the body, then wait for the client to leave."""
        if self._arriving:
            return self._arriving.pop(0)
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """Note what is sent."""
        self.sent.append(message)

    def leave(self) -> None:
        """Hang up."""
        self._gone.set()

    @property
    def body(self) -> bytes:
        """Give the body bytes sent so far."""
        return b"".join(message.get("body", b"") for message in self.sent)

    def start(self, app: App) -> asyncio.Task[None]:
        """Open the connection."""
        return asyncio.ensure_future(app(self.scope, self.receive, self.send))


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_observers_get_the_exchange_before_the_last_byte(stream: bool) -> None:
    order: list[Any] = []

    async def send(message: Any) -> None:
        order.append(message)

    async def play() -> None:
        clock = ManualClock()
        reply = {"text": "one two three", "pacing": {"ttft": "1s", "itl": "4s"}}
        app = app_of({"name": "greet", "reply": reply}, observers=[order.append], clock=clock)
        wire = Wire({**ASKED, "stream": stream})
        task = asyncio.ensure_future(app(wire.scope, wire.receive, send))
        await settle()
        clock.advance(2)
        await settle()
        assert (b"one" in b"".join(map(_body, order))) is stream
        clock.advance(8)
        await task

    asyncio.run(play())
    (exchange,) = (each for each in order if isinstance(each, Exchange))
    after = order[order.index(exchange) + 1 :]
    assert after[-1]["more_body"] is False
    assert b"".join(map(_body, after)).endswith(b"data: [DONE]\n\n" if stream else b"}\n")
    assert isinstance(exchange.reply, Completion)
    assert (exchange.method, exchange.path, exchange.status) == ("POST", CHAT, 200)
    assert (exchange.rule, exchange.attempt, exchange.session) == ("greet", 1, "")
    assert exchange.outcome.ending == "completed"
    assert exchange.outcome.sent == len(b"".join(map(_body, order)))
    assert exchange.started == 1_700_000_000
    assert exchange.duration == 10


def _body(message: Any) -> bytes:
    body: bytes = b"" if isinstance(message, Exchange) else message.get("body", b"")
    return body


def test_observers_see_refusals_too() -> None:
    seen: list[Exchange] = []
    app = app_of(observers=[seen.append])
    assert ask(app, "POST", CHAT, b"{").status == 400
    assert ask(app, "GET", "/nowhere").status == 404
    assert [(each.status, each.request, each.rule) for each in seen] == [
        (400, None, None),
        (404, None, None),
    ]
    assert all(isinstance(each.reply, Failure) for each in seen)


def test_an_observer_that_fails_costs_the_client_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[Exchange] = []

    def failing(_: Exchange) -> None:
        raise RuntimeError("full disk")

    answer = post(app_of({"reply": "fine"}, observers=[failing, seen.append]), CHAT, ASKED)
    assert answer.json()["choices"][0]["message"]["content"] == "fine"
    assert len(seen) == 1
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("ERROR", "an observer failed")
    ]


@pytest.mark.parametrize("where", ["authorize", "decide", "compose"])
def test_a_defect_is_an_error_no_client_retries_and_its_trace_is_in_the_log(
    where: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret of the inside")

    seen: list[Exchange] = []
    app = app_of(observers=[seen.append])
    monkeypatch.setattr(app.engine, where, broken)
    for stream in (False, True):
        answer = post(app, CHAT, {**ASKED, "stream": stream})
        assert answer.status == 500
        assert answer.headers["x-should-retry"] == "false"
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == {
            "error": {
                "message": "mockdock failed, see its log",
                "type": "server_error",
                "param": None,
                "code": None,
            }
        }
    assert [each.status for each in seen] == [500, 500]
    (record, _) = caplog.records
    assert (record.name, record.levelno) == ("mockdock", logging.ERROR)
    assert record.getMessage() == f"mockdock failed to answer POST {CHAT}"
    assert "a secret of the inside" in caplog.text


def test_a_defect_in_rendering_is_told_the_same_way(caplog: pytest.LogCaptureFixture) -> None:
    """A lone surrogate cannot be written as UTF-8; no server sends such a path, a test can."""
    answer = ask(app_of(), "GET", "/\ud800")
    assert answer.status == 500
    assert answer.json()["error"]["message"] == "mockdock failed, see its log"
    assert len(caplog.records) == 1


def test_the_engine_can_be_replaced_while_a_reply_is_under_way() -> None:
    """The reply that has begun ends as the old engine wanted it; the next is the new one's."""

    async def play() -> tuple[bytes, bytes]:
        clock = ManualClock()
        app = app_of({"reply": {"text": "old answer", "pacing": {"ttft": "1s"}}}, clock=clock)
        first = Wire({**ASKED, "stream": True})
        task = first.start(app)
        await settle()
        assert b"old" not in first.body
        app.engine = Engine(load({"mockdock": 1, "rules": [{"reply": "new answer"}]}).scenario)
        clock.advance(1)
        await task
        second = Wire({**ASKED, "stream": True})
        await second.start(app)
        return first.body, second.body

    first, second = asyncio.run(play())
    assert b'"old"' in first
    assert b"new" not in first
    assert b'"new"' in second


def test_a_client_that_leaves_while_sending_its_body_gets_nothing() -> None:
    seen: list[Exchange] = []
    sent: list[Message] = []
    app = app_of(observers=[seen.append])
    arriving: list[Message] = [
        {"type": "http.request", "body": b'{"model"', "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return arriving.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope_of("POST", CHAT), receive, send))
    assert (arriving, sent, seen) == ([], [], [])


def test_a_client_that_leaves_mid_stream_is_noted() -> None:
    seen: list[Exchange] = []

    async def play() -> Wire:
        clock = ManualClock()
        reply = {"text": "one two three", "pacing": {"ttft": "1s", "itl": "1s"}}
        app = app_of({"reply": reply}, observers=[seen.append], clock=clock)
        wire = Wire({**ASKED, "stream": True})
        task = wire.start(app)
        await settle()
        clock.advance(1)
        await settle()
        wire.leave()
        await task
        return wire

    wire = asyncio.run(play())
    (exchange,) = seen
    assert exchange.outcome.ending == "client_left"
    assert exchange.outcome.sent == len(wire.body)
    assert b'"one"' in wire.body
    assert b"two" not in wire.body


def test_websockets_are_refused() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    for path in (CHAT, "/"):
        scope = {**scope_of("GET", path), "type": "websocket", "subprotocols": []}
        asyncio.run(app_of()(scope, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1000}] * 2


def test_a_slash_at_the_end_is_another_path() -> None:
    assert ask(app_of(), "POST", f"{CHAT}/", b"{}").status == 404


def test_the_base_url_is_the_address_where_no_host_is_sent() -> None:
    answer = ask(app_of(), "GET", "/")
    assert answer.headers["x-mockdock-base-url"] == "http://127.0.0.1:8080/v1"


@pytest.mark.parametrize(
    ("name", "header"),
    [("plain: 1/2", "plain: 1/2"), (" spaced\n", "spaced"), ("Größe %", "Gr%C3%B6%C3%9Fe %25")],
)
def test_the_rule_that_answered_is_named_in_a_header(name: str, header: str) -> None:
    answer = post(app_of({"name": name, "reply": "x"}), CHAT, ASKED)
    assert answer.headers["x-mockdock-rule"] == header


def test_no_rule_no_header() -> None:
    assert "x-mockdock-rule" not in post(app_of(), CHAT, ASKED).headers


def test_the_time_an_answer_took_is_told_in_scenario_time() -> None:
    """A plain reply says how long its first frame took, pacing included."""

    async def play() -> Wire:
        clock = ManualClock()
        app = app_of({"reply": {"text": "x", "pacing": {"ttft": "350ms"}}}, clock=clock)
        wire = Wire(ASKED)
        task = wire.start(app)
        await settle()
        clock.advance(1)
        await task
        return wire

    wire = asyncio.run(play())
    assert (b"openai-processing-ms", b"350") in wire.sent[0]["headers"]


def test_two_equal_requests_give_the_same_bytes_with_one_seed() -> None:
    def told(app: App) -> tuple[bytes, str]:
        answer = post(app, CHAT, ASKED)
        return answer.body, answer.headers["x-request-id"]

    def fixed() -> App:
        return app_of(clock=ManualClock())

    assert told(fixed()) == told(fixed())


def test_lenient_validation_is_asked_of_the_dialect() -> None:
    odd = {**ASKED, "temperature": 9, "top_k": 5}
    assert post(app_of(), CHAT, odd).status == 400
    assert post(app_of(validation="lenient"), CHAT, odd).status == 200


def test_every_route_of_every_dialect_is_served() -> None:
    app = app_of()
    for dialect in DIALECTS:
        for route in dialect.routes:
            answer = ask(app, route.method, route.path.replace("{model:path}", "gpt-4o"), b"{}")
            assert answer.status in (200, 400), route
