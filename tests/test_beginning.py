"""Requests that come whole, with a head that came before: answered while their bytes are taken."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import re
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from mockdock import rendering
from mockdock.app import App
from mockdock.delivery import ManualClock
from mockdock.delivery.wire import heads
from mockdock.delivery.wire.httptools_wire import HttpWire
from mockdock.observe import Exchange
from tests.conformance.asgi import app_of
from tests.delivery.test_heads import Transport
from tests.observe.helpers import kept_here

RULE = {"when": {"user": "hello"}, "reply": "Always the same."}
_IDS = re.compile(rb"chatcmpl-\w+|req_\w+")


def request(text: str, key: str = "sk-a", **more: Any) -> bytes:
    said = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}
    body = json.dumps(said).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Talk:
    """A connection to an application, in the running loop."""

    def __init__(self, app: Any) -> None:
        off: dict[str, Any] = dict.fromkeys(("access_log", "date_header", "proxy_headers"), False)
        config = uvicorn.Config(app, lifespan="off", log_config=None, **off)
        config.load()
        self.transport = Transport()
        self.state = ServerState()
        self.wire = HttpWire(config, self.state, {})
        self.wire.connection_made(self.transport)

    def say(self, data: bytes) -> bytes:
        """Give what is written before the bytes are taken."""
        self.transport.data = b""
        self.wire.data_received(data)
        return self.transport.data

    async def ask(self, data: bytes) -> bytes:
        """Give what is written once nothing more is to be done."""
        self.say(data)
        while self.state.tasks:
            await asyncio.gather(*self.state.tasks, return_exceptions=True)
        return self.transport.data

    async def warm(self) -> None:
        """Make a trail, and let the head be known."""
        for number in range(5):
            assert (await self.ask(request(f"hello {number}"))).startswith(b"HTTP/1.1 200")


def made(*observers: Callable[[Exchange], Any], **settings: Any) -> App:
    app = app_of(RULE, seed=3, clock=ManualClock(), **settings)
    app.observers = (*app.observers, *observers)
    return app


def test_a_reply_leaves_while_the_request_is_taken_and_is_the_same() -> None:
    tasks: list[object] = []
    app = made(lambda _: tasks.append(asyncio.current_task()))

    async def go() -> None:
        talk = Talk(app)
        await talk.warm()
        tasks.clear()
        for number in range(3):
            at_once = talk.say(request("hello you"))
            assert not talk.state.tasks
            late = talk.say(request("hello you")[:-9])
            assert late == b""
            late = await talk.ask(request("hello you")[-9:])
            assert _IDS.sub(b"", at_once) == _IDS.sub(b"", late)
            assert at_once.count(b"Always the same.") == 1
            assert talk.state.total_requests == 7 + 2 * number
        mine = asyncio.current_task()
        assert [each is mine for each in tasks] == [True, False] * 3

    asyncio.run(go())
    kept = kept_here(app.journal.entries())
    assert [each.exchange.attempt for each in kept[5:]] == [1, 2, 3, 4, 5, 6]
    assert app.journal.tally("").uses["#0"].times == 11
    assert len({each.exchange.head.headers[-2] for each in kept}) == 11


def test_a_reply_waits_for_who_looks_on() -> None:
    let = asyncio.Event()
    app = made(lambda exchange: let.wait() if b"wait" in exchange.body else None)

    async def go() -> None:
        talk = Talk(app)
        await talk.warm()
        assert talk.say(request("hello wait")) == b""
        assert talk.say(request("hello you")) == b""
        for _ in range(5):
            await asyncio.sleep(0)
        assert talk.transport.data == b""
        let.set()
        told = await talk.ask(b"")
        assert told.count(b"HTTP/1.1 200") == told.count(b"Always the same.") == 2
        assert talk.say(request("hello you")).startswith(b"HTTP/1.1 200")

    asyncio.run(go())


def test_a_reply_waits_for_a_client_that_takes_none() -> None:
    app = made()

    async def go() -> None:
        talk = Talk(app)
        await talk.warm()
        talk.wire.pause_writing()
        assert talk.say(request("hello you")) == b""
        await asyncio.sleep(0)
        assert talk.transport.data == b""
        talk.wire.resume_writing()
        assert (await talk.ask(b"")).count(b"Always the same.") == 1

    asyncio.run(go())
    assert app.journal.tally("").requests == 6


def test_who_has_no_room_or_no_key_is_refused_the_usual_way() -> None:
    app = made(limits=[{"per": "server", "rpm": 6}], auth={"keys": ["sk-a"]})

    async def go() -> None:
        talk = Talk(app)
        await talk.warm()
        assert b"invalid_api_key" in await talk.ask(request("hello you", "sk-b"))
        assert b"invalid_api_key" in await talk.ask(request("hello you", "sk-b"))
        assert talk.say(request("hello you")).startswith(b"HTTP/1.1 200")
        refused = await talk.ask(request("hello you"))
        assert refused.startswith(b"HTTP/1.1 429")
        assert b"Limit 6, Used 6, Requested 1" in refused

    asyncio.run(go())
    assert [each.exchange.attempt for each in kept_here(app.journal.entries())][-2:] == [1, 2]


def test_a_defect_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    app = made()

    def broken(*_: Any) -> Any:
        monkeypatch.undo()
        raise RuntimeError("a defect")

    async def go() -> None:
        talk = Talk(app)
        await talk.warm()
        monkeypatch.setattr(rendering, "_extra", broken)
        failed = await talk.ask(request("hello you"))
        assert failed.startswith(b"HTTP/1.1 500")
        assert b"mockdock failed, see its log" in failed
        assert talk.say(request("hello you")).startswith(b"HTTP/1.1 200")

    asyncio.run(go())
    last = kept_here(app.journal.entries())[-2].exchange
    assert (last.rule, last.status, last.attempt) == ("rule 1", 500, 1)
    assert app.journal.tally("").uses["#0"].times == 7


@pytest.mark.parametrize(("said", "ended"), [("handler closed", False), ("no memory", True)])
def test_a_connection_that_is_lost_takes_what_is_told(
    said: str, ended: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = made()

    def lost(_: object) -> None:
        raise RuntimeError(said)

    async def go() -> None:
        talk = Talk(app)
        await talk.warm()
        monkeypatch.setattr(talk.transport, "write", lost)
        assert await talk.ask(request("hello you")) == b""
        assert talk.transport.closed is ended

    with caplog.at_level(logging.ERROR):
        asyncio.run(go())
    assert bool(caplog.records) is ended
    assert app.journal.tally("").requests == 6


def test_an_application_that_cannot_begin_is_answered_for() -> None:
    class Broken:
        def begin(self, *_: Any) -> None:
            raise RuntimeError("no")

        async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})

    async def go() -> None:
        heads._known.clear()
        talk = Talk(Broken())
        assert (await talk.ask(request("hello you"))).startswith(b"HTTP/1.1 204")
        told = await talk.ask(request("hello you"))
        assert told.startswith(b"HTTP/1.1 500")
        assert told.endswith(b"Internal Server Error")

    asyncio.run(go())


class Mishap(BaseException):
    """What no handler of exceptions catches."""


@pytest.mark.parametrize("mishap", [Mishap, KeyboardInterrupt, asyncio.CancelledError])
def test_what_ends_more_than_a_request_ends_no_more_than_that(
    mishap: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    def ends(exchange: Exchange) -> None:
        if b"end" in exchange.body:
            raise mishap

    app = made(ends)

    async def go() -> None:
        talk = Talk(app)
        await talk.warm()
        assert (await talk.ask(request("hello end"))).startswith(b"HTTP/1.1 500")
        assert talk.transport.closed

    with caplog.at_level(logging.ERROR):
        asyncio.run(go())
    assert "Exception in ASGI application" in caplog.text


def test_who_looks_on_has_a_context_of_his_own() -> None:
    seen: list[int] = []
    looked = ContextVar("looked", default=0)

    def looks(_: Exchange) -> None:
        seen.append(looked.get())
        looked.set(looked.get() + 1)

    async def go() -> None:
        talk = Talk(made(looks))
        await talk.warm()
        for _ in range(3):
            assert talk.say(request("hello you"))

    asyncio.run(go())
    assert seen == [0] * 8


def test_a_connection_that_has_ended_leaves_nothing() -> None:
    app = made()

    async def go() -> weakref.ref[HttpWire]:
        talk = Talk(app)
        await talk.warm()
        assert talk.say(request("hello you"))
        talk.wire.connection_lost(None)
        return weakref.ref(talk.wire)

    gc.collect()
    gc.disable()
    try:
        assert asyncio.run(go())() is None
    finally:
        gc.enable()
