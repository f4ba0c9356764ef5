"""A client process of many streams at once: ``streams.py BASE_URL COUNT``.

Raw sockets, so that the client takes as little as it can from the server's
processor. Prints for every stream its chunks, and the seconds after which each
of its events came, as JSON; fails when an answer is not whole or not its own.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any
from urllib.parse import urlsplit


async def one(host: str, port: int, number: int) -> tuple[list[Any], list[float]]:
    reader, writer = await asyncio.open_connection(host, port)
    body = json.dumps(
        {
            "model": "gpt-4o",
            "stream": True,
            "messages": [{"role": "user", "content": str(number)}],
        }
    ).encode()
    started = time.monotonic()
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: mock\r\nconnection: close\r\n"
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    )
    events, times = [], []
    while line := await reader.readline():
        if line.startswith(b"data: "):
            events.append(line[6:].strip())
            times.append(time.monotonic() - started)
    writer.close()
    assert events[-1] == b"[DONE]", events[-1:]
    chunks = [json.loads(event) for event in events[:-1]]
    choices = [chunk["choices"][0] for chunk in chunks]
    text = "".join(choice["delta"].get("content", "") for choice in choices)
    assert text == f"number {number} of many streams at once", text
    assert choices[-1]["finish_reason"] == "stop"
    return chunks, times


async def main(base_url: str, count: int) -> None:
    where = urlsplit(base_url)
    assert where.hostname is not None
    assert where.port is not None
    told = await asyncio.gather(
        *(one(where.hostname, where.port, number) for number in range(count))
    )
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
