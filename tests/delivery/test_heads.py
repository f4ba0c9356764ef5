"""Requests whose heads came before: they are what a parser makes of them."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from mockdock.delivery.wire import heads
from mockdock.delivery.wire.httptools_wire import HttpWire

POST = b"POST /v1/a%%20b?q=1 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nx-Two: b\r\n\r\n%b"
LOWER = b"POST /v1 HTTP/1.1\r\ncontent-length: %d\r\n\r\n%b"
GET = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"


class Transport(asyncio.Transport):
    """Keeps what is written, and whether it was closed."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 1), "peername": ("127.0.0.1", 2)})
        self.data = b""
        self.closed = False

    def write(self, data: Any) -> None:
        """Keep bytes."""
        self.data += data

    def is_closing(self) -> bool:
        """Tell whether it was closed."""
        return self.closed

    def close(self) -> None:
        """Close it."""
        self.closed = True

    def pause_reading(self) -> None:
        """Go on as before."""

    def resume_reading(self) -> None:
        """Go on as before."""


class App:
    """Keeps what it is asked, and answers nothing of interest."""

    def __init__(self) -> None:
        self.asked: list[tuple[dict[str, Any], bytes]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Read a request and answer it."""
        message = await receive()
        body = message["body"]
        while message.get("more_body"):
            message = await receive()
            body += message.get("body", b"")
        kept = {name: value for name, value in scope.items() if name != "extensions"}
        self.asked.append((kept, bytes(body)))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})
        assert (await receive())["type"] == "http.disconnect"


def asked(kind: type[HttpToolsProtocol], *chunks: bytes, **options: Any) -> tuple[Any, ...]:
    """Give what an application is asked, and what is written, where bytes come in chunks."""
    app, transport = App(), Transport()

    async def talk() -> None:
        settings: dict[str, Any] = {"lifespan": "off", "log_config": None, "date_header": False}
        config = uvicorn.Config(app, **{**settings, "access_log": False, **options})
        config.load()
        wire = kind(config, ServerState(), {"one": 1})
        wire.connection_made(transport)
        for chunk in chunks:
            if not transport.closed:
                wire.data_received(chunk)
            for _ in range(5):
                await asyncio.sleep(0)
        wire.connection_lost(None)

    asyncio.run(talk())
    return app.asked, transport.data, transport.closed


@pytest.mark.parametrize(
    "chunks",
    [
        [POST % (2, b"{}"), POST % (2, b"[]"), POST % (11, b"x" * 11), POST % (0, b"")],
        [LOWER % (3, b"abc"), LOWER % (4, b"abcd"), LOWER % (5, b"abc"), b"de", LOWER % (1, b"a")],
        [GET, GET, GET + GET, GET, POST % (1, b"a")],
        [POST % (2, b"{}") + POST % (3, b"abc"), POST % (2, b"{}"), GET + POST % (2, b"{}"), GET],
        [POST % (2, b"{}"), (POST % (2, b"[]"))[:50], (POST % (2, b"[]"))[50:], POST % (2, b"()")],
        [GET, GET[:9], GET[9:], b"\r\n" + GET, GET, b"\r\n\r\n" + GET, b"\r\n\r\n", GET],
        [POST % (2, b"{}"), POST % (5, b"a\r\n\r\n"), POST % (0, b"{}"), GET],
        [b"GET / HTTP/1.0\r\n\r\n"] * 2,
        [b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n"] * 2,
        [b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"] * 3,
        [b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"] * 3,
        [b"POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\na"] * 2,
        [b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\na\r\n0\r\n\r\n"] * 2,
        [LOWER % (1, b"a"), b"POST /v1 HTTP/1.1\r\ncontent-length: \r\n\r\na"],
        [LOWER % (1, b"a"), b"POST /v1 HTTP/1.1\r\ncontent-length: 01\r\n\r\na"],
        [b"POST / HTTP/1.1\r\ncontent-length: 1\r\nContent-Length: 1\r\n\r\na"] * 2,
        [b"GET / HTTP/1.1\nx: 1\r\n\r\n"] * 2,
        [b"GET / HTTP/1.1\r\nx:" + b"y" * 5000 + b"\r\n\r\n"] * 2,
        [b"nonsense\r\n\r\n"] * 2,
    ],
)
def test_a_head_says_what_it_said_before(chunks: list[bytes]) -> None:
    usual = asked(HttpToolsProtocol, *chunks)
    heads._known.clear()
    for _ in range(2):
        again = [chunk.replace(b"upgrade: h2c\r\n", b"") for chunk in chunks]
        assert asked(HttpWire, *chunks) == (
            usual if again == chunks else asked(HttpToolsProtocol, *again)
        )


@pytest.mark.parametrize("options", [{"root_path": "/here"}, {"limit_concurrency": 9}])
def test_the_parser_reads_all_where_a_server_adds_to_heads(options: dict[str, Any]) -> None:
    heads._known.clear()
    chunks = [GET, GET, POST % (1, b"a")]
    assert asked(HttpWire, *chunks, **options) == asked(HttpToolsProtocol, *chunks, **options)
    assert not heads._known


def test_accesses_are_logged_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    methods: list[str] = []
    log = logging.getLogger("uvicorn.access")
    monkeypatch.setattr(log, "hasHandlers", lambda: True)
    monkeypatch.setattr(log, "info", lambda *words: methods.append(words[2]))
    heads._known.clear()
    asked(HttpWire, GET, GET, POST % (1, b"a"), POST % (2, b"ab"), access_log=True)
    assert methods == ["GET", "GET", "POST", "POST"]


def test_only_so_many_heads_are_remembered() -> None:
    heads._known.clear()
    lines = [b"GET /%d HTTP/1.1\r\n\r\n" % number for number in range(heads._MOST + 1)]
    asked(HttpWire, *lines)
    assert len(heads._known) == 1


def test_heads_that_are_known_are_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    heads._known.clear()
    read: list[bytes] = []
    on_url = HttpToolsProtocol.on_url

    def noted(wire: HttpToolsProtocol, url: bytes) -> None:
        read.append(url)
        on_url(wire, url)

    monkeypatch.setattr(HttpToolsProtocol, "on_url", noted)
    asked(HttpWire, POST % (1, b"a"), POST % (22, b"b" * 22), GET, GET)
    assert read == [b"/v1/a%20b?q=1", b"/v1/models"]


def test_idle_connections_end_once_their_time_is_over() -> None:
    transport = Transport()

    async def talk() -> list[bool]:
        config = uvicorn.Config(
            App(), lifespan="off", log_config=None, access_log=False, timeout_keep_alive=1
        )
        config.load()
        wire = HttpWire(config, ServerState(), {})
        wire.timeout_keep_alive = 0.2  # type: ignore[assignment]
        wire.connection_made(transport)
        seen = []
        for _ in range(3):
            wire.data_received(GET)
            await asyncio.sleep(0.12)
            seen.append(transport.closed)
        await asyncio.sleep(0.4)
        wire.connection_lost(None)
        return [*seen, transport.closed]

    assert asyncio.run(talk()) == [False, False, False, True]
