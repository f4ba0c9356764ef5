"""A server that breaks the wire, and a client that sees every byte of it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal, TypeVar, cast

from mockdock.app import App
from mockdock.delivery import Client, Clock, Plan, ScaledClock, apply, deliver, wire_of
from mockdock.fault import Fault
from mockdock.frames import Frame, Head, Outcome
from mockdock.host import Host
from mockdock.sockets import bind

PATIENCE = 20.0
T = TypeVar("T")
Parser = Literal["httptools", "h11"]

BODY = (
    '{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,'
    '"message":{"role":"assistant","content":"gr\u00fc\u00dfe"},"finish_reason":"stop"}]}'
).encode()
ERROR = b'{"error":{"message":"The server had an error","type":"server_error"}}'


def _event(delta: str, finish: str = "null") -> bytes:
    return (
        'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":'
        f'[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]}}\n\n'
    ).encode()


EVENTS = (
    _event('{"role":"assistant","content":""}'),
    _event('{"content":"gr\u00fc"}'),
    _event('{"content":"\u00dfe"}'),
    _event("{}", '"stop"'),
    b"data: [DONE]\n\n",
)
STREAM = b"".join(EVENTS)
TOKENS = (0, 1, 1, 0, 0)


def chunk(*parts: bytes) -> bytes:
    """Write data as chunks of RFC 9112, section 7.1: size in hex, CRLF, data, CRLF."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


class Endless(tuple[Fault, ...]):
    """Faults of every reply, not only of the next."""

    __slots__ = ()


@dataclass
class Sick:
    """An application whose replies break; ``faults`` are those of the next reply."""

    clock: Clock = field(default_factory=lambda: ScaledClock(0))
    faults: Sequence[Fault] = ()
    seed: int = 7
    body: bytes = BODY
    itl: float = 0.0
    outcomes: list[Outcome] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer with a completion, as events when the request asks for a stream."""
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if message["type"] == "http.disconnect" or not message["more_body"]:
                break
        faults = self.faults
        if not isinstance(faults, Endless):
            self.faults = ()
        stream = bool(json.loads(body or b"{}").get("stream"))
        start = self.clock.now()
        plan = Plan(
            _head(None if stream else len(self.body)),
            self._timed(start, stream=stream),
            start,
            stream,
            Random(self.seed),
            ERROR,
            scope["path"],
        )
        plan = apply(plan, faults)
        await deliver(
            plan.head,
            plan.timed,
            clock=self.clock,
            client=Client(receive, self.clock),
            send=send,
            record=self.outcomes.append,
            wire=wire_of(scope),
        )

    def _timed(self, start: float, *, stream: bool) -> Iterator[tuple[float, Frame]]:
        if not stream:
            yield start, Frame(self.body, 2)
            return
        for number, (event, tokens) in enumerate(zip(EVENTS, TOKENS, strict=True)):
            yield start + number * self.itl, Frame(event, tokens)

    async def turn_away(self, send: Any) -> None:
        """Do nothing for a request that is cancelled: no test lets one be."""


def _head(length: int | None) -> Head:
    if length is None:
        return Head(200, ((b"content-type", b"text/event-stream"),))
    told = b"%d" % length
    return Head(200, ((b"content-type", b"application/json"), (b"content-length", told)))


@dataclass
class Running:
    """A server in a thread."""

    uvicorn: Host
    address: Any
    family: int
    loop: asyncio.AbstractEventLoop

    @property
    def base_url(self) -> str:
        """What an OpenAI client takes as ``base_url``."""
        return f"http://{self.address[0]}:{self.address[1]}/v1"

    def connect(self) -> socket.socket:
        """Connect; raises what the system says."""
        made = socket.socket(self.family, socket.SOCK_STREAM)
        made.settimeout(PATIENCE)
        try:
            made.connect(self.address)
        except OSError:
            made.close()
            raise
        return made

    def at_rest(self) -> bool:
        """Tell whether no connection, request or task of the loop is left."""
        state = self.uvicorn.server_state
        return not state.connections and not state.tasks and len(self.tasks()) == 1

    def tasks(self) -> set[asyncio.Task[Any]]:
        """Give the tasks of the server's loop; its own main one is among them."""
        return asyncio.all_tasks(self.loop)


@contextmanager
def serving(
    app: Sick, http: Parser = "httptools", listener: socket.socket | None = None, **options: Any
) -> Iterator[Running]:
    """Serve an application in a thread, by one of the parsers."""
    listener = bind("127.0.0.1", 0) if listener is None else listener
    running = Host(cast("App", app), 0.0, http=http, **options)
    address, family = listener.getsockname(), listener.family
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        assert running.ready.wait(PATIENCE)
        assert running._loop is not None
        loop = running._loop
        yield Running(running, address, family, loop)
    finally:
        running.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()
        listener.close()


@dataclass(frozen=True)
class Told:
    """What a connection told: head, the bytes after it, and how it ended."""

    status: str
    headers: dict[str, str]
    body: bytes
    ending: Literal["fin", "rst"]


def ask(
    running: Running, *, stream: bool = False, close: bool = False, method: str = "POST"
) -> Told:
    """Send a request and read until the connection ends, which ``close`` asks for."""
    with running.connect() as connection:
        connection.sendall(request(stream=stream, close=close, method=method))
        return told(*read(connection))


def request(*, stream: bool = False, close: bool = False, method: str = "POST") -> bytes:
    """Write a request."""
    body = b'{"stream":true}' if stream else b"{}"
    end = b"connection: close\r\n" if close else b""
    return b"%s /v1/chat/completions HTTP/1.1\r\nhost: test\r\ncontent-length: %d\r\n%s\r\n%s" % (
        method.encode(),
        len(body),
        end,
        body,
    )


def read(connection: socket.socket) -> tuple[bytes, Literal["fin", "rst"]]:
    """Read to the end of a connection."""
    data = b""
    while True:
        try:
            more = connection.recv(65536)
        except ConnectionResetError:
            return data, "rst"
        if not more:
            return data, "fin"
        data += more


def told(data: bytes, ending: Literal["fin", "rst"]) -> Told:
    """Take a reply apart; the date, which moves, is left out."""
    head, _, body = data.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.split(": ", 1) for line in lines)
    headers = {name.lower(): value for name, value in pairs if name.lower() != "date"}
    return Told(status, headers, body, ending)


def eventually(holds: Callable[[], bool]) -> bool:
    """Wait until something holds that happens in the server's thread; false when it never does."""
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


def patiently(attempt: Callable[[], T]) -> T:
    """Try until the server listens again."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return attempt()
        except ConnectionRefusedError:
            assert time.monotonic() < end


_OPEN = next((Path(each) for each in ("/proc/self/fd", "/dev/fd") if Path(each).exists()), None)


def descriptors() -> int:
    """Count the files and sockets this process has open."""
    if _OPEN is not None:
        return len(list(_OPEN.iterdir()))
    return sum(_is_open(number) for number in range(256))


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
