"""Connections to a server elsewhere: kept alive, and tried anew where that is harmless."""

from __future__ import annotations

import ssl
import threading
import time
import weakref
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from mockdock.errors import StartError, UsageError

__all__ = ["Connections"]

_MOST_IDLE = 8
_LONGEST_IDLE = 60.0
"""Seconds; the server closes what is idle for longer, so this must be less than its own."""


class Connections:
    """HTTP to one server, from any thread.

    ``url`` may have a path, below which the server is. ``timeout`` is in
    seconds, for each step of a request. Raises UsageError for another URL.
    """

    def __init__(self, url: str, timeout: float) -> None:
        parts = _parts(url)
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._prefix = parts.path.rstrip("/")
        self._where = (parts.hostname or "", parts.port)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._timeout = timeout
        self._lock = threading.Lock()
        self._idle: list[tuple[HTTPConnection, float]] = []
        weakref.finalize(self, _close, self._idle)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        wait: float = 0.0,
        again: bool,
    ) -> tuple[int, bytes, str]:
        """Send a request, and give status, body and media type of its answer.

        The answer may take ``wait`` seconds longer. A connection that was kept
        may have died meanwhile: it is used only for what may be sent ``again``,
        once, on a new one. Raises StartError when nobody answers.
        """
        target = f"{self._prefix}{path}"
        timeout = self._timeout + wait
        kept = self._kept() if again else None
        if kept is not None:
            try:
                return self._send(kept, timeout, method, target, body, headers)
            except TimeoutError as error:
                raise self._unanswered(error, timeout) from None
            except (OSError, HTTPException):
                pass
        try:
            return self._send(self._new(), timeout, method, target, body, headers)
        except (OSError, HTTPException) as error:
            raise self._unanswered(error, timeout) from None

    def close(self) -> None:
        """Hang up whatever is idle; more may be asked afterwards."""
        with self._lock:
            _close(self._idle)

    def _send(
        self,
        connection: HTTPConnection,
        timeout: float,
        method: str,
        target: str,
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> tuple[int, bytes, str]:
        connection.timeout = timeout
        if connection.sock is not None:
            connection.sock.settimeout(timeout)
        try:
            connection.request(method, target, body, dict(headers))
            answer = connection.getresponse()
            content = answer.read()
        except BaseException:
            connection.close()
            raise
        self._keep(connection)
        return answer.status, content, answer.getheader("content-type", "")

    def _new(self) -> HTTPConnection:
        host, port = self._where
        if self._tls is not None:
            return HTTPSConnection(host, port, context=self._tls)
        return HTTPConnection(host, port)

    def _kept(self) -> HTTPConnection | None:
        """Give the connection that was used last, None where all are too old."""
        with self._lock:
            if self._idle and time.monotonic() - self._idle[-1][1] < _LONGEST_IDLE:
                return self._idle.pop()[0]
            _close(self._idle)
            return None

    def _keep(self, connection: HTTPConnection) -> None:
        with self._lock:
            if connection.sock is not None and len(self._idle) < _MOST_IDLE:
                self._idle.append((connection, time.monotonic()))
                return
        connection.close()

    def _unanswered(self, error: Exception, timeout: float) -> StartError:
        if isinstance(error, TimeoutError):
            reason = f"no answer within {timeout:g} s"
        elif isinstance(error, OSError):
            reason = error.strerror or str(error)
        else:
            reason = f"what answers does not speak HTTP: {error!r}"
        return StartError(f"no mockdock server at {self.url}: {reason}")


def _close(idle: list[tuple[HTTPConnection, float]]) -> None:
    while idle:
        idle.pop()[0].close()


def _parts(url: str) -> SplitResult:
    wrong = UsageError(
        f"{url!r} is not the URL of a server; write one such as http://127.0.0.1:8080"
    )
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port != 0
    except ValueError:
        raise wrong from None
    plain = not (parts.query or parts.fragment or parts.username is not None)
    known = parts.scheme in ("http", "https") and parts.hostname
    visible = url.isascii() and url.isprintable() and " " not in url
    if not (known and plain and visible and port_is_valid):
        raise wrong
    return parts
