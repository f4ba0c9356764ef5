"""The HTTP protocol below the application: uvicorn's, with its rough edges smoothed."""

from __future__ import annotations

import re

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["HttpWire"]

_H2C = re.compile(rb"\r\nupgrade:[ \t]*h2c[ \t]*(?=\r\n)", re.IGNORECASE)


class HttpWire(HttpToolsProtocol):
    """Uvicorn's httptools protocol that declines an upgrade to HTTP/2 quietly.

    The JDK's client and ``curl --http2`` offer one with every first request.
    The parser takes the body after it for another protocol, and the request
    would arrive without its body; so the offer is not shown to it.
    """

    def data_received(self, data: bytes) -> None:
        """Take bytes of the connection."""
        if b"h2c" in data:
            head, end, body = data.partition(b"\r\n\r\n")
            data = _H2C.sub(b"", head + b"\r\n")[:-2] + end + body
        super().data_received(data)
