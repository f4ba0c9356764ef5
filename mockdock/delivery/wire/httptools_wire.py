"""Uvicorn's httptools protocol, with its rough edges smoothed."""

from __future__ import annotations

import re
from typing import Any

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from mockdock.delivery.gate import Gate
from mockdock.delivery.wire.handle import wired
from mockdock.frames import Head, lines_of

__all__ = ["HttpWire"]

_BODILESS = frozenset({204, 304})
_H2C = re.compile(rb"\r\nupgrade:[ \t]*h2c[ \t]*(?=\r\n)", re.IGNORECASE)


class HttpWire(HttpToolsProtocol):
    """Hands its connection to the application, and declines an upgrade to HTTP/2 quietly.

    The JDK's client and ``curl --http2`` offer one with every first request.
    The parser takes the body after it for another protocol, and the request
    would arrive without its body; so the offer is not shown to it.
    """

    def __init__(self, *args: Any, gate: Gate | None = None, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.app = wired(self.app, gate, _whole)

    def data_received(self, data: bytes) -> None:
        """Take bytes of the connection."""
        if b"h2c" in data:
            head, end, body = data.partition(b"\r\n\r\n")
            data = _H2C.sub(b"", head + b"\r\n")[:-2] + end + body
        super().data_received(data)


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
    first = lines_of(cycle.default_headers)
    lines = head.lines if head.length == len(body) else _lines(head, body)
    if first is None or not lines:
        return False
    cycle.response_started = True
    cycle.waiting_for_100_continue = False
    cycle.transport.write(b"".join((STATUS_LINE[head.status], first, lines, b"\r\n", body)))
    cycle.response_complete = True
    cycle.message_event.set()
    cycle.on_response()
    return True


def _lines(head: Head, body: bytes) -> bytes:
    """Write the headers of a plain reply; none of one of which uvicorn has to think."""
    lines = lines_of(head.headers) or b""
    plain = b"\ncontent-length: %d\r" % len(body) in lines and b"\nconnection:" not in lines
    return lines if plain else b""
