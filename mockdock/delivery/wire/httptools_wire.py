"""Uvicorn's httptools protocol, with its rough edges smoothed."""

from __future__ import annotations

import re
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mockdock.delivery.gate import Gate
from mockdock.delivery.wire.handle import wired

__all__ = ["HttpWire"]

_H2C = re.compile(rb"\r\nupgrade:[ \t]*h2c[ \t]*(?=\r\n)", re.IGNORECASE)


class HttpWire(HttpToolsProtocol):
    """Hands its connection to the application, and declines an upgrade to HTTP/2 quietly.

    The JDK's client and ``curl --http2`` offer one with every first request.
    The parser takes the body after it for another protocol, and the request
    would arrive without its body; so the offer is not shown to it.
    """

    def __init__(self, *args: Any, gate: Gate | None = None, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.app = wired(self.app, gate)

    def data_received(self, data: bytes) -> None:
        """Take bytes of the connection."""
        if b"h2c" in data:
            head, end, body = data.partition(b"\r\n\r\n")
            data = _H2C.sub(b"", head + b"\r\n")[:-2] + end + body
        super().data_received(data)
