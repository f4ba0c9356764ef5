"""The process of a bare server: ``python -m tests.bench.serving DESCRIPTOR FILE``.

It runs on uvicorn with the settings of mockdock's own server: the same loop, the same
parser, no access log, no headers of uvicorn's. A bare application does what any mock must:
it reads the whole body and parses it (orjson), then sends the bytes mockdock sends, its
headers among them. In a stream the Starlette one yields each event to a
``StreamingResponse``; the ASGI one writes all at once, or with a pace what is due by
absolute deadlines.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.bench.servers import Recorded, Served

__all__ = ["bare"]

Application = Callable[[Any, Any, Any], Awaitable[None]]

_KEEP_ALIVE = 75
_BACKLOG = 2048


def bare(served: Served) -> Any:
    """Make a uvicorn server of a bare application."""
    import uvicorn

    assert served.reply is not None
    if served.app == "starlette":
        app = _starlette(served.reply)
    else:
        app = _asgi(served.reply, served.ttft, served.itl)
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE,
    )
    return uvicorn.Server(config)


def _starlette(reply: Recorded) -> Application:
    """Make an application of one route, for any path."""
    import orjson
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response, StreamingResponse
    from starlette.routing import Route

    events = [each.encode() for each in reply.events]
    headers = dict(reply.headers)

    async def lines() -> Any:
        for event in events:
            yield event

    async def answer(request: Request) -> Response:
        orjson.loads(await request.body())
        if reply.streamed:
            return StreamingResponse(lines(), reply.status, headers, media_type=reply.kind)
        return Response(events[0], reply.status, headers, media_type=reply.kind)

    return Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])


def _asgi(reply: Recorded, ttft: float = 0.0, itl: float = 0.0) -> Application:
    """Make a plain ASGI function; with ``itl`` it sends an event when that is due."""
    import orjson

    events = [each.encode() for each in reply.events]
    whole = b"".join(events)
    headers = [(name.encode(), value.encode()) for name, value in reply.headers]
    headers.append((b"content-type", reply.kind.encode()))
    if not reply.streamed:
        headers.append((b"content-length", str(len(whole)).encode()))
    start = {"type": "http.response.start", "status": reply.status, "headers": headers}
    # The first event has no token, nor have the last ones: they leave with a neighbour.
    tokens = sum('"content":' in each for each in reply.events[1:])
    waits = [min(max(number - 1, 0), tokens - 1) * itl for number in range(len(events))]

    async def answer(_: Any, receive: Any, send: Any) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        orjson.loads(body)
        if itl and reply.streamed:
            await pace(send)
        else:
            await send(start)
            await send({"type": "http.response.body", "body": whole})

    async def pace(send: Any) -> None:
        loop = asyncio.get_running_loop()
        first = loop.time() + ttft
        await asyncio.sleep(ttft)
        await send(start)
        held = bytearray()
        for event, wait in zip(events, waits, strict=True):
            left = first + wait - loop.time()
            if left > 0:
                if held:
                    await send({"type": "http.response.body", "body": held, "more_body": True})
                    held = bytearray()
                await asyncio.sleep(left)
            held += event
        await send({"type": "http.response.body", "body": bytes(held)})

    return answer


def main() -> None:
    """Serve on an open socket until stopped."""
    said = json.loads(Path(sys.argv[2]).read_text())
    reply = Recorded(**said.pop("reply"))
    bare(Served(**said, reply=reply)).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])


if __name__ == "__main__":
    main()
