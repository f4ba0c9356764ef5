"""Requests that go a trail, over ASGI and over a socket: told and kept as any other."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import weakref
from collections.abc import MutableMapping
from typing import Any

import orjson
import pytest

from mockdock import Server, rendering
from mockdock.app import App
from mockdock.delivery import ManualClock
from mockdock.dialects.openai import terms
from mockdock.observe import Exchange, record
from mockdock.observe.entry import Entry
from tests.conformance.asgi import Message, app_of, ask, scope_of
from tests.observe.helpers import kept_here

PATH = "/v1/chat/completions"
HEADERS = {"content-type": "application/json", "authorization": "Bearer sk-a"}
RULE = {"when": {"user": "hello"}, "reply": "Always the same."}


def body(text: str, **more: Any) -> bytes:
    said = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}
    return json.dumps(said).encode()


def chat(app: App, text: str, **more: Any) -> Any:
    return ask(app, "POST", PATH, body(text, **more), HEADERS)


def warm(**settings: Any) -> App:
    """Make an app that has a trail for plain requests."""
    app = app_of(RULE, seed=3, clock=ManualClock(), **settings)
    for number in range(5):
        assert chat(app, f"hello {number}").status == 200
    assert app.engine.trails
    return app


def last(app: App) -> Exchange:
    exchange: Exchange = kept_here(app.journal.entries())[-1].exchange
    return exchange


def test_what_went_a_trail_is_read_when_somebody_looks_at_it() -> None:
    app = warm()
    answer = chat(app, "hello you")
    exchange = last(app)
    assert callable(exchange.asked)
    assert not exchange.streamed
    assert exchange.account is None
    request = exchange.request
    assert request is not None
    assert request.user_text == "hello you"
    assert request.caller.key == "sk-a"
    assert exchange.request is request
    assert exchange.rule == "rule 1"
    told = record(Entry(1, exchange))
    assert json.loads(told["request"]["body"])["messages"][0]["content"] == "hello you"
    assert b"".join(frame.data for frame in exchange.rendered()) == answer.body


def test_who_has_no_room_on_a_trail_is_refused_the_usual_way_and_counted_once() -> None:
    app = warm(limits=[{"per": "server", "rpm": 6}])
    assert chat(app, "hello 5").status == 200
    refused = chat(app, "hello 6")
    assert refused.status == 429
    assert "Limit 6, Used 6, Requested 1" in refused.body.decode()
    app.sessions.base.clock.advance(60)
    assert chat(app, "hello 6").status == 200
    assert [each.exchange.attempt for each in kept_here(app.journal.entries())][-2:] == [1, 2]
    assert app.journal.tally("").uses["#0"].times == 7


def test_what_goes_no_trail_is_answered_the_usual_way() -> None:
    app = warm()
    assert chat(app, "hello", stream=True).body.endswith(b"data: [DONE]\n\n")
    assert chat(app, "nothing known").status in (200, 404, 500)
    wished = {**HEADERS, "x-mockdock-fault": "503"}
    assert ask(app, "POST", PATH, body("hello"), wished).status == 503
    assert (
        ask(app, "POST", PATH, body("hello"), {**HEADERS, "content-type": "text/x"}).status == 415
    )
    assert ask(app, "POST", PATH, b"[]", HEADERS).status == 400
    assert ask(app, "POST", PATH, b"{", HEADERS).status == 400
    assert chat(app, "hello", messages=[{"role": "user", "content": 7}]).status == 400


def test_what_a_glance_told_of_the_parameters_is_not_worked_out_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where it goes no trail, as a stream and what no rule always says."""
    app = warm()
    written: list[object] = []

    class Counting:
        @staticmethod
        def dumps(told: object) -> bytes:
            written.append(told)
            return orjson.dumps(told)

    monkeypatch.setattr(terms, "orjson", Counting)
    asked: tuple[dict[str, Any], ...] = ({}, {"stream": True}, {"stream": True}, {"seed": 1})
    for number, more in enumerate(asked, 1):
        assert chat(app, "hello", **more).status == 200
        assert len(written) == number


def test_a_defect_on_a_trail_is_answered_and_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    app = warm(limits=[{"per": "server", "rpm": 50, "tpm": 5000}])
    before = chat(app, "hello you").headers
    failing = [RuntimeError("a defect")]
    extra = rendering._extra

    def broken(*args: Any) -> Any:
        if failing:
            raise failing.pop()
        return extra(*args)

    monkeypatch.setattr(rendering, "_extra", broken)
    failed = chat(app, "hello you")
    assert failed.status == 500
    assert last(app).rule == "rule 1"
    after = chat(app, "hello you").headers
    name = "x-ratelimit-remaining-tokens"
    tokens = last(app).reply.usage.total_tokens  # type: ignore[union-attr]
    assert int(before[name]) - int(after[name]) == tokens


def test_a_body_that_came_at_once_is_not_taken_where_it_is_too_large() -> None:
    with Server({"mockdock": 1, "rules": [RULE]}, max_body=400) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as client:
            statuses = []
            for text in ("hello", "hello you", "hello" * 100):
                sent = body(text)
                head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n"
                head += f"content-type: application/json\r\ncontent-length: {len(sent)}\r\n\r\n"
                client.sendall(head.encode() + sent)
                statuses.append(client.recv(65536).split(b" ")[1])
    assert statuses == [b"200", b"200", b"413"]


def test_who_sends_his_body_late_is_charged_when_it_is_there() -> None:
    app = warm(limits=[{"per": "server", "rpm": 60}])
    clock = app.sessions.base.clock
    clock.advance(600)

    async def go() -> list[int]:
        sent: list[MutableMapping[str, Any]] = []
        arriving = asyncio.Event()

        async def receive() -> Message:
            await arriving.wait()
            return {"type": "http.request", "body": body("hello late")}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        late = asyncio.ensure_future(app(scope_of("POST", PATH, HEADERS), receive, send))
        await asyncio.sleep(0)
        clock.advance(60)
        statuses = [await status(app, f"hello {number}") for number in range(61)]
        arriving.set()
        await late
        statuses.append(sent[0]["status"])
        return [*statuses, await status(app, "hello again")]

    statuses = asyncio.run(go())
    assert statuses == [200] * 60 + [429] * 3


async def status(app: App, text: str) -> int:
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body(text)}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await app(scope_of("POST", PATH, HEADERS), receive, send)
    told: int = sent[0]["status"]
    return told


def test_what_is_kept_of_an_exchange_keeps_no_engine() -> None:
    app = warm()
    chat(app, "hello you")
    old = weakref.ref(app.engine)
    app.engine = app.engine.changed(seed=4)
    gc.collect()
    assert old() is None
    request = last(app).request
    assert request is not None
    assert request.user_text == "hello you"
