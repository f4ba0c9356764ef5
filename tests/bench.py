"""Ratios against a bare Starlette app, measured in the same run: ``python -m tests.bench``.

Both servers run on the same uvicorn settings in processes of their own, with
the same reply bytes; a raw client in this process sends a distinct message in
every request. Rounds alternate, so that a machine that slows down does so for
both; the median ratio is printed. Nothing fails here: it only measures.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import socket
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

ROUNDS = 7
CONNECTIONS = 16
REPLY = "The quick brown fox jumps over the lazy dog. " * 10


@dataclass(frozen=True)
class Case:
    """A kind of request, how many of them a round sends, and what is counted."""

    name: str
    stream: bool
    requests: int
    prompt: str = "hello"


CASES = (
    Case("plain chat", stream=False, requests=1500),
    Case("plain chat, 50 KB prompt", stream=False, requests=300, prompt="lorem ipsum " * 4200),
    Case("stream of 100 tokens", stream=True, requests=400),
)


def serve_mockdock(listener: socket.socket) -> None:
    """Serve one scripted reply."""
    from mockdock.app import App
    from mockdock.engine import Engine
    from mockdock.scenario import load
    from mockdock.server import run

    scenario = load({"mockdock": 1, "rules": [{"when": {"turn": 1}, "reply": REPLY}]}).scenario
    run(App(Engine(scenario)), listener, 1.0)


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
        body = json.loads(await request.body())
        if body.get("stream"):
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
        body = json.dumps(_body(stream=stream, text="x")).encode()
        request = openai.parse(Call("chat", "POST", "", {}, {}, body, ""))
        assert isinstance(request, Request)
        reply = engine.compose(request, engine.decide(request), 0)
        replies.append([frame.data for frame in openai.frames(request, reply)])
    return replies[0][0], replies[1]


def _body(*, stream: bool, text: str) -> dict[str, object]:
    return {"model": "gpt-4o", "stream": stream, "messages": [{"role": "user", "content": text}]}


@contextmanager
def server(target: Callable[[socket.socket], None]) -> Iterator[int]:
    """Run a server in a process; give its port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    process = multiprocessing.get_context("spawn").Process(
        target=target, args=(listener,), daemon=True
    )
    process.start()
    try:
        yield listener.getsockname()[1]
    finally:
        process.terminate()
        process.join()
        listener.close()


async def _connection(port: int, case: Case, numbers: Iterator[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    for number in numbers:
        body = json.dumps(_body(stream=case.stream, text=f"{case.prompt} {number}")).encode()
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n%b" % (len(body), body)
        )
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        if b"transfer-encoding: chunked" in head.lower():
            await reader.readuntil(b"\r\n0\r\n\r\n")
        else:
            length = head.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0]
            await reader.readexactly(int(length))
    writer.close()


async def _round(port: int, case: Case, first: int) -> float:
    numbers = iter(range(first, first + case.requests))
    started = time.perf_counter()
    await asyncio.gather(*(_connection(port, case, numbers) for _ in range(CONNECTIONS)))
    return case.requests / (time.perf_counter() - started)


def main() -> None:
    """Measure every case and print the table."""
    sys.stdout.write(f"{'case':<28}{'mockdock/s':>12}{'bare/s':>12}{'ratio':>8}\n")
    with server(serve_mockdock) as mock, server(serve_starlette) as bare:
        for case in CASES:
            pairs = []
            for number in range(ROUNDS + 1):
                first = number * case.requests
                pairs.append(tuple(asyncio.run(_round(port, case, first)) for port in (mock, bare)))
            pairs = pairs[1:]  # the first round loads ranks and warms caches
            ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
            ratio = statistics.median(a / b for a, b in pairs)
            sys.stdout.write(f"{case.name:<28}{ours:>12.0f}{theirs:>12.0f}{ratio:>8.2f}\n")


if __name__ == "__main__":
    main()
