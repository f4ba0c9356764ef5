"""A client that only counts: as little work as asyncio and raw sockets allow.

``python -m tests.bench.client`` takes what to do from stdin, as JSON, and prints
what it saw. In a process of its own it takes nothing from the server.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any, TypeVar, cast

from tests.bench.asked import Asked

__all__ = ["Flood", "Flooded", "Paced", "Streams", "flood", "stream"]

_Seen = TypeVar("_Seen", "Flooded", "Paced")

_CHUNKED = b"transfer-encoding: chunked"
_LENGTH = b"content-length: "
_LAST = b"0\r\n\r\n"
_OK = b"HTTP/1.1 200"
_PATIENCE = 60.0
_OPENED_AT_ONCE = 200


@dataclass(frozen=True)
class Flood:
    """So many requests, or so many seconds of them, over some connections."""

    port: int
    asked: Asked
    first: int
    connections: int
    seconds: float = math.inf
    requests: int = sys.maxsize


@dataclass(frozen=True)
class Flooded:
    """What a flood saw: ``refused`` are other answers than 200, ``share`` is of a core."""

    requests: int
    seconds: float
    bytes: int
    refused: int
    broken: int
    share: float = math.nan


@dataclass(frozen=True)
class Streams:
    """So many streams, begun evenly ``over`` seconds, that take ``ideal`` seconds each."""

    port: int
    asked: Asked
    first: int
    streams: int
    over: float
    ttft: float
    ideal: float


@dataclass(frozen=True)
class Paced:
    """What streams took.

    ``stretches`` are durations by the ideal one, ``errors`` seconds between the first
    bytes and when they were due, ``lags`` seconds the client itself began too late:
    all sorted. ``segments`` are the reads it took.
    """

    stretches: Sequence[float]
    errors: Sequence[float]
    lags: Sequence[float]
    bytes: int
    segments: int
    refused: int
    broken: int
    share: float


class _Line(asyncio.Protocol):
    """A connection: one request at a time, and what came back for it."""

    def __init__(self, done: Callable[[_Line], None]) -> None:
        self._done = done
        self._head = b""
        self._left = 0  # bytes to come, below 0 until the last chunk
        self._tail = b""
        self._busy = False
        self.transport: asyncio.Transport | None = None
        self.sent = self.first = self.last = 0.0
        self.bytes = self.segments = 0
        self.ok = self.broken = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        if self._busy:
            self.broken, self._busy = True, False
            self._done(self)

    def send(self, request: bytes) -> None:
        """Send a request, whose reply takes the place of the one before."""
        assert self.transport is not None
        self._head, self._busy, self.first = b"", True, 0.0
        self.sent = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.segments += 1
        self.bytes += len(data)
        if not self.first:
            self.first = time.perf_counter()
            data = self._begin(data)
        elif self._head:
            data = self._begin(self._head + data)
        if self._head:
            return
        if self._left < 0:
            self._tail = (self._tail + data)[-len(_LAST) :]
            over = self._tail == _LAST
        else:
            self._left -= len(data)
            over = self._left <= 0
        if over:
            self.last, self._busy = time.perf_counter(), False
            self._done(self)

    def _begin(self, data: bytes) -> bytes:
        """Read the head, or keep what there is of it; give what follows."""
        head, blank, rest = data.partition(b"\r\n\r\n")
        if not blank:
            self._head = data
            return b""
        head = head.lower()
        self.ok, self._head, self._tail = head.startswith(_OK.lower()), b"", b""
        chunked = _CHUNKED in head
        self._left = -1 if chunked else int(head.split(_LENGTH, 1)[1].split(b"\r\n", 1)[0])
        return rest


def flood(wanted: Flood) -> Flooded:
    """Send requests as fast as they are answered."""
    return _run(_flood(wanted))


def stream(wanted: Streams) -> Paced:
    """Begin streams at their moments, each on a connection of its own, and time them."""
    return _run(_stream(wanted))


def _run(work: Coroutine[Any, Any, _Seen]) -> _Seen:
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def _flood(wanted: Flood) -> Flooded:
    requests = _requests(wanted.asked, wanted.port, wanted.first)
    over = asyncio.get_running_loop().create_future()
    begun = done = refused = broken = 0
    end = math.inf

    def go_on(line: _Line) -> None:
        nonlocal begun, done, refused, broken
        if line.sent:
            done += not line.broken
            broken += line.broken
            refused += not line.ok and not line.broken
        in_time = not line.sent or time.perf_counter() < end  # there is always a first request
        if begun < wanted.requests and in_time and not line.broken:
            begun += 1
            line.send(next(requests))
        elif not any(each._busy for each in lines) and not over.done():
            over.set_result(None)

    lines = await _connected(wanted.port, wanted.connections, go_on)
    started, used = time.perf_counter(), time.process_time()
    end = started + wanted.seconds
    for line in lines:
        go_on(line)
    await over
    took, used = time.perf_counter() - started, time.process_time() - used
    got = sum(line.bytes for line in lines)
    _close(lines)
    return Flooded(done, took, got, refused, broken, used / took)


async def _stream(wanted: Streams) -> Paced:
    loop = asyncio.get_running_loop()
    requests = _requests(wanted.asked, wanted.port, wanted.first)
    over = loop.create_future()
    waiting = wanted.streams

    def ended(_: _Line) -> None:
        nonlocal waiting
        waiting -= 1
        if not waiting:
            over.set_result(None)

    lines = await _connected(wanted.port, wanted.streams, ended)
    started, used = time.perf_counter(), time.process_time()
    lags = []

    def begin(line: _Line, due: float) -> None:
        lags.append(time.perf_counter() - due)
        line.send(next(requests))

    for number, line in enumerate(lines):
        after = number * wanted.over / wanted.streams
        loop.call_later(after, begin, line, started + after)
    async with asyncio.timeout(wanted.over + wanted.ideal * 10 + _PATIENCE):
        await over
    took, used = time.perf_counter() - started, time.process_time() - used
    whole = [line for line in lines if line.ok and not line.broken]
    _close(lines)
    return Paced(
        stretches=sorted((line.last - line.sent) / wanted.ideal for line in whole),
        errors=sorted(line.first - line.sent - wanted.ttft for line in whole),
        lags=sorted(lags),
        bytes=sum(line.bytes for line in lines),
        segments=sum(line.segments for line in lines),
        refused=sum(not line.ok and not line.broken for line in lines),
        broken=sum(line.broken for line in lines),
        share=used / took,
    )


async def _connected(port: int, many: int, done: Callable[[_Line], None]) -> list[_Line]:
    loop = asyncio.get_running_loop()
    lines: list[_Line] = []
    while len(lines) < many:
        some = min(many - len(lines), _OPENED_AT_ONCE)
        opened = (
            loop.create_connection(lambda: _Line(done), "127.0.0.1", port) for _ in range(some)
        )
        lines += [line for _, line in await asyncio.gather(*opened)]
    return lines


def _close(lines: Sequence[_Line]) -> None:
    for line in lines:
        if line.transport is not None:
            line.transport.close()


def _requests(asked: Asked, port: int, first: int) -> Iterator[bytes]:
    usual = "".join(f"{name}: {value}\r\n" for name, value in asked.headers.items())
    head = f"POST {asked.path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{usual}"
    name, value, many = asked.varied
    for number in count(first):
        body = asked.body(number)
        own = f"{name}: {value}{number % many}\r\n" if many else ""
        yield f"{head}{own}content-length: {len(body)}\r\n\r\n".encode() + body


def main() -> None:
    """Do what stdin says, and print what was seen."""
    said = json.load(sys.stdin)
    said["asked"] = Asked(**said["asked"])
    kind = said.pop("kind")
    seen = flood(Flood(**said)) if kind == "flood" else stream(Streams(**said))
    json.dump(asdict(seen), sys.stdout)


if __name__ == "__main__":
    main()
