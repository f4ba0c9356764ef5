"""A minute of chaos with two hundred clients, in a second and a half of real time."""

from __future__ import annotations

import asyncio
import gc
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mockdock import Server
from mockdock.delivery import ScaledClock
from mockdock.observe import Exchange

CLIENTS = 200
LEAST = 6
"""Questions of each client, on a machine that is too slow for more in a minute."""
MINUTE = 60.0
SCALE = 0.025
SCENARIO: dict[str, Any] = {
    "mockdock": 1,
    "seed": 5,
    "pacing": {"ttft": {"lower": "50ms", "upper": "900ms"}, "tps": 60, "concurrent": 150},
    "limits": [{"per": "server", "rpm": 100_000, "concurrent": 190}],
    "chaos": {
        "rate": 0.5,
        "mix": {
            "429": 2,
            "503": 1,
            "connection_reset": 1,
            "connection_reset;tokens=3": 1,
            "empty_response": 1,
            "stall;for=2s": 1,
            "truncate": 1,
            "truncate;end=rst": 1,
            "malformed_chunk": 1,
            "error_event": 1,
            "missing_done": 1,
            "wrong_content_length;by=7": 1,
            "html_error": 1,
            "empty_body": 1,
            "slicer;size=40;delay=10ms": 1,
            "missing_usage": 1,
        },
    },
    "timeline": [{"at": "20s", "for": "10s", "error": "overloaded"}],
    "rules": [{"reply": {"generate": {"kind": "lorem", "tokens": 60}}}],
}


class Customer:
    """Asks over and over, on a connection of its own each time, and writes down what it asked."""

    def __init__(self, number: int, port: int) -> None:
        self.number = number
        self.port = port
        self.asked: list[str] = []
        self.endings: set[str] = set()

    async def ask_until(self, clock: ScaledClock, end: float) -> None:
        """Ask until the clock says it is over; every third reply is not waited for."""
        while clock.now() < end or len(self.asked) < LEAST:
            call = f"{self.number}-{len(self.asked)}"
            self.asked.append(call)
            self.endings.add(await self._ask(call))

    async def _ask(self, call: str) -> str:
        body = {
            "model": "gpt-4o",
            "stream": len(self.asked) % 2 == 0,
            "messages": [{"role": "user", "content": f"call {call}"}],
        }
        text = json.dumps(body).encode()
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: here\r\nx-call: {call}\r\n"
            f"connection: close\r\ncontent-length: {len(text)}\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(head.encode() + text)
            if len(self.asked) % 3 == 0:
                await reader.read(20)
                return "left"
            answer = await reader.read(-1)
            return answer[9:12].decode() or "nothing"
        except ConnectionError:
            return "reset"
        finally:
            writer.transport.abort()


def descriptors() -> set[str]:
    """Name what this process holds open."""
    held = set()
    for each in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the one that lists them
            held.add(f"{each.name} {each.readlink()}")
    return held


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc to count descriptors in")
def test_nothing_is_left_of_a_minute_of_chaos_and_every_call_is_in_the_journal() -> None:
    seen: list[Exchange] = []
    clock = ScaledClock(SCALE)
    with Server(SCENARIO):
        pass  # the first event loop of a process opens a pipe for good
    before = descriptors()
    server = Server(SCENARIO, clock=clock, observers=[seen.append], grace=5.0)
    with server:
        assert server._uvicorn is not None
        state = server._uvicorn.server_state
        customers = asyncio.run(_minute(server, clock))
        asked = [call for customer in customers for call in customer.asked]
        deadline = clock.now() + 60 / SCALE
        while len(seen) < len(asked) or state.connections or state.tasks:
            assert clock.now() < deadline, (len(seen), len(asked), state.connections, state.tasks)
            asyncio.run(asyncio.sleep(0.01))
        assert sorted(each.headers["x-call"] for each in seen) == sorted(asked)
        assert server.verbs.counts("").requests == len(asked)
        base = server.app.sessions.base
        assert (base.traffic.open, server.app.sessions.keys()) == (0, ())
        running = server.verbs.counts("")
        assert running.missed == 0
    gc.collect()
    assert descriptors() - before == set()
    endings = set().union(*(customer.endings for customer in customers))
    assert {"200", "429", "502", "503", "left", "nothing", "reset"} <= endings
    found = {each.outcome.ending for each in seen}
    # Who leaves may be told of it late: a slow machine has sent all of it by then.
    assert {"completed", "cut"} <= found <= {"completed", "cut", "client_left"}
    assert {fault.name for each in seen for fault in each.faults} >= {"stall", "truncate", "slicer"}


async def _minute(server: Server, clock: ScaledClock) -> list[Customer]:
    port = int(server.url.rsplit(":", 1)[1])
    end = clock.now() + MINUTE
    customers = [Customer(number, port) for number in range(CLIENTS)]
    await asyncio.gather(*(customer.ask_until(clock, end) for customer in customers))
    return customers
