"""The servers that are measured, each in a process of its own, and what is asked of them."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "Case",
    "Line",
    "Running",
    "ask",
    "body",
    "connected",
    "flood",
    "rate",
    "rates",
    "serve_mockdock",
    "serve_starlette",
    "server",
]

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]

CONNECTIONS = 16
REPLY = "The quick brown fox jumps over the lazy dog. " * 10


@dataclass(frozen=True)
class Case:
    """A kind of request, how many of them are sent, and the prompt each begins with.

    ``head`` are more header lines.
    """

    name: str
    stream: bool
    requests: int
    prompt: str = "hello"
    head: bytes = b""


@dataclass(frozen=True)
class Running:
    """A server: its port and its process."""

    port: int
    pid: int

    def megabytes(self) -> float:
        """Give the resident memory, in 10^6 bytes."""
        told = subprocess.check_output(["ps", "-o", "rss=", "-p", str(self.pid)], text=True)
        return int(told) * 1024 / 1e6


def serve_mockdock(
    listener: socket.socket,
    said: Mapping[str, object] | None = None,
    data: Path | None = None,
    *,
    keeps: bool = True,
) -> None:
    """Serve one scripted reply; ``said`` is what else its scenario says.

    Accounts are kept in memory, or in the file ``data``; or not at all.
    """
    from mockdock.app import App
    from mockdock.engine import Engine
    from mockdock.ledger import Books, Entry

    class _Forgetful(Books):
        """Keeps nothing of the traffic."""

        def add(self, session: str, entry: Entry) -> None:
            pass

    from mockdock.scenario import load
    from mockdock.server import run

    rules = [{"when": {"turn": 1}, "reply": REPLY}]
    scenario = load({"mockdock": 1, "rules": rules, **(said or {})}).scenario
    books = Books(data) if keeps else _Forgetful()
    run(App(Engine(scenario, books=books)), listener, 1.0)


def serve_starlette(listener: socket.socket) -> None:
    """Serve the bytes mockdock would send, with no work at all."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response, StreamingResponse
    from starlette.routing import Route

    plain, events = _recorded()

    async def lines() -> object:
        for event in events:
            yield event

    async def chat(request: Request) -> Response:
        asked = json.loads(await request.body())
        if asked.get("stream"):
            return StreamingResponse(lines(), media_type="text/event-stream")  # type: ignore[arg-type]
        return Response(plain, media_type="application/json")

    app = Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


def _recorded() -> tuple[bytes, list[bytes]]:
    """Give the body and the events of mockdock's own reply."""
    from mockdock.dialects import Call
    from mockdock.dialects.openai import openai
    from mockdock.engine import Engine
    from mockdock.request import Request
    from mockdock.scenario import load

    engine = Engine(load({"mockdock": 1, "rules": [{"reply": REPLY}]}).scenario)
    replies = []
    for stream in (False, True):
        asked = json.dumps(body(stream=stream, text="x")).encode()
        request = openai.parse(Call("chat", "POST", "", {}, {}, asked, ""))
        assert isinstance(request, Request)
        reply = engine.compose(request, engine.decide(request), 0)
        replies.append([frame.data for frame in openai.frames(request, reply)])
    return replies[0][0], replies[1]


def body(*, stream: bool, text: str) -> dict[str, object]:
    """Make the body of a chat request."""
    return {"model": "gpt-4o", "stream": stream, "messages": [{"role": "user", "content": text}]}


@contextmanager
def server(target: Callable[[socket.socket], None]) -> Iterator[Running]:
    """Run a server in a process."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    process = multiprocessing.get_context("spawn").Process(
        target=target, args=(listener,), daemon=True
    )
    process.start()
    assert process.pid is not None
    try:
        yield Running(listener.getsockname()[1], process.pid)
    finally:
        process.terminate()
        process.join()
        listener.close()


def rates(servers: Sequence[Running], case: Case, rounds: int) -> list[list[float]]:
    """Give the requests per second of each server, round by round.

    They take turns, so that a machine that slows down does so for all, and every
    other round backwards; one before the first loads ranks and warms caches.
    """
    found = []
    for number in range(rounds + 1):
        order = range(len(servers))[:: -1 if number % 2 else 1]
        told = {each: rate(servers[each].port, case, number * case.requests) for each in order}
        found.append([told[each] for each in range(len(servers))])
    return found[1:]


def rate(port: int, case: Case, first: int) -> float:
    """Send the requests of a case, numbered from ``first`` on, and give how many a second."""
    started = time.perf_counter()
    flood(port, case, first)
    return case.requests / (time.perf_counter() - started)


def flood(port: int, case: Case, first: int) -> None:
    """Send all requests of a case over a few connections, numbered from ``first`` on."""
    asyncio.run(_flood(port, case, first))


async def _flood(port: int, case: Case, first: int) -> None:
    numbers = iter(range(first, first + case.requests))
    await asyncio.gather(*(_connection(port, case, numbers) for _ in range(CONNECTIONS)))


async def _connection(port: int, case: Case, numbers: Iterator[int]) -> None:
    line = await connected(port)
    for number in numbers:
        await ask(line, case, number)
    line[1].close()


async def connected(port: int) -> Line:
    """Connect to a server."""
    return await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)


async def ask(line: Line, case: Case, number: int) -> None:
    """Send one request of a case, and read the whole answer."""
    reader, writer = line
    asked = json.dumps(body(stream=case.stream, text=f"{case.prompt} {number}")).encode()
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        b"%bcontent-length: %d\r\n\r\n%b" % (case.head, len(asked), asked)
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    if b"transfer-encoding: chunked" in head.lower():
        await reader.readuntil(b"\r\n0\r\n\r\n")
    else:
        length = head.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0]
        await reader.readexactly(int(length))
