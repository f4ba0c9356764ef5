"""Uvicorn's httptools protocol, with its rough edges smoothed."""

from __future__ import annotations

import asyncio
import math
import re
from contextvars import copy_context
from functools import cached_property, lru_cache, partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from mockdock.delivery.gate import Gate
from mockdock.delivery.wire.handle import EXTENSION, Wire, begun_by, wired
from mockdock.delivery.wire.heads import Key, Known, key_of, known_by, learn
from mockdock.frames import Head, lines_of

__all__ = ["HttpWire"]

_BODILESS = frozenset({204, 304})
_H2C = re.compile(rb"\r\nupgrade:[ \t]*h2c[ \t]*(?=\r\n)", re.IGNORECASE)


class HttpWire(HttpToolsProtocol):
    """Hands its connection to the application, and declines an upgrade to HTTP/2 quietly.

    The JDK's client and ``curl --http2`` offer one with every first request.
    The parser takes the body after it for another protocol, and the request
    would arrive without its body; so the offer is not shown to it.

    A request that comes whole, with a head that was read before, is not shown to the parser
    at all, unless accesses are logged. One timer sees to it that nobody idles for too long,
    and is not made anew for each request.
    """

    def __init__(self, *args: Any, gate: Gate | None = None, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._gate, self._beginning = gate, begun_by(self.app)
        self.app = wired(self.app, gate, _whole)
        self._usual = not (self.root_path or self.access_log) and self.limit_concurrency is None
        self._between = self._usual
        """Whether the parser is between two requests, and knows of no reason to read no other."""
        self._key: Key | None = None
        self._idle_until = math.inf

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection."""
        super().connection_made(transport)
        self._alike = {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": "1.1",
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": self.root_path,
        }

    def connection_lost(self, exc: Exception | None) -> None:
        """End a connection."""
        super().connection_lost(exc)
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()

    def data_received(self, data: bytes) -> None:
        """Take bytes of the connection."""
        self._key = None
        if self._between and (self.cycle is None or self.cycle.response_complete):
            divided = key_of(data)
            if divided is not None:
                self._key, body = divided
                known = known_by(self._key)
                if known is not None:
                    self._idle_until = math.inf
                    self._begin(known, body)
                    return
        if b"h2c" in data:
            head, end, body = data.partition(b"\r\n\r\n")
            data = _H2C.sub(b"", head + b"\r\n")[:-2] + end + body
        super().data_received(data)

    def _begin(self, known: Known, body: bytes) -> None:
        """Begin to answer a request that is all there; a task goes on where that has to wait."""
        state, headers = self.app_state.copy(), known.headers_with(len(body))
        self.cycle = cycle = _Read(self, body)
        wire = Wire(cycle, self._gate, _whole)
        scope: Any = {
            **self._alike,
            **known.said,
            "headers": headers,
            "state": state,
            "extensions": {EXTENSION: wire},
        }
        cycle.scope = scope
        try:
            # Whatever looks on may set variables of its context, as in a task of its own.
            rest = copy_context().run(self._beginning, scope, cycle.receive, cycle.send)
        except BaseException as error:  # noqa: BLE001 - uvicorn logs it, and answers
            rest = partial(_raised, error)
        if rest is None:
            cycle.on_response = _nothing  # as uvicorn does at the end: it holds the connection
        else:
            ready = rest
            self._start_asgi_task(cycle, lambda *_: ready())

    def on_message_begin(self) -> None:
        """Begin to read a request."""
        self._between = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Take the head of a request, and remember it."""
        super().on_headers_complete()
        key, self._key = self._key, None
        if key is None or self.expect_100_continue or self.parser.should_upgrade():
            return
        if self.cycle.keep_alive:
            learn(key, self.scope)

    def on_message_complete(self) -> None:
        """Take the end of a request."""
        super().on_message_complete()
        parser = self.parser
        self._between = self._usual and parser.should_keep_alive() and not parser.should_upgrade()

    def on_response_complete(self) -> None:
        """Begin with the next request that waits; where there is none, see that one comes."""
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._idle_until = self.loop.time() + self.timeout_keep_alive
        if self.timeout_keep_alive_task is None:
            self._look_at(self._idle_until)

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection where nothing came for too long, else look again."""
        self.timeout_keep_alive_task = None
        if self._idle_until <= self.loop.time():
            super().timeout_keep_alive_handler()
        elif self._idle_until < math.inf:
            self._look_at(self._idle_until)

    def _look_at(self, moment: float) -> None:
        handler = self.timeout_keep_alive_handler
        self.timeout_keep_alive_task = self.loop.call_at(moment, handler)

    def _unset_keepalive_if_required(self) -> None:
        """Let the connection be busy; uvicorn asks for it with each bytes that come."""
        self._idle_until = math.inf


class _Read(RequestResponseCycle):
    """A request of which all has been read, and its response; see ``RequestResponseCycle``."""

    access_log = False
    keep_alive = True
    disconnected = waiting_for_100_continue = more_body = False
    response_started = response_complete = False
    chunked_encoding = None
    expected_content_length = 0
    body: Any = b""
    _read = False

    def __init__(self, wire: HttpWire, body: bytes) -> None:
        self.transport = wire.transport
        self.flow = wire.flow
        self.logger = wire.logger
        self.default_headers = wire.server_state.default_headers
        self.on_response = wire.on_response_complete
        self.whole_body = body

    @cached_property
    def message_event(self) -> asyncio.Event:  # type: ignore[override]
        """Tells who receives that there is something; made when somebody does."""
        return asyncio.Event()

    async def receive(self) -> Any:
        """Give the body, and then wait for the end of the response or of the connection."""
        body, read, self._read = self.whole_body, self._read, True
        if read or self.disconnected:
            return await super().receive()
        return {"type": "http.request", "body": body, "more_body": False}


async def _raised(error: BaseException) -> None:
    raise error


def _nothing() -> None:
    """Do nothing."""


def _whole(cycle: RequestResponseCycle, head: Head, body: bytes) -> bool:
    """Write a reply in one go, where it goes the way of nearly all.

    Uvicorn looks at each header of each reply with two patterns, and writes head and body
    apart: half as much work again as its own for a reply of twenty headers.
    """
    if (
        cycle.response_started
        or cycle.disconnected
        or cycle.access_log
        or cycle.flow.write_paused
        or not cycle.keep_alive
        or head.status in _BODILESS
        or cycle.scope["method"] == "HEAD"
    ):
        return False
    start = _start(head.status, *cycle.default_headers)
    lines = head.lines if head.length == len(body) else _lines(head, body)
    if start is None or not lines:
        return False
    cycle.response_started = True
    cycle.waiting_for_100_continue = False
    cycle.transport.write(b"".join((start, lines, b"\r\n", body)))
    cycle.response_complete = True
    waiting = cycle.__dict__.get("message_event")
    if waiting is not None:
        waiting.set()
    cycle.on_response()
    return True


@lru_cache(16)
def _start(status: int, *defaults: tuple[bytes, bytes]) -> bytes | None:
    """Write the first lines of a response: those of a second are the same."""
    lines = lines_of(defaults)
    return None if lines is None else STATUS_LINE[status] + lines


def _lines(head: Head, body: bytes) -> bytes:
    """Write the headers of a plain reply; none where uvicorn has to think of one of them."""
    lines = lines_of(head.headers) or b""
    plain = b"\ncontent-length: %d\r" % len(body) in lines and b"\nconnection:" not in lines
    return lines if plain else b""
