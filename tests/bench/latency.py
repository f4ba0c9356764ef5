"""Whether keeping accounts makes a reply of LangDB's wait, at a pace that leaves the server time.

One server keeps nothing of the traffic, one keeps it in memory, one in a file. Each gets
so many requests a second, in turns and every other round backwards.
"""

from __future__ import annotations

import asyncio
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.bench.servers import Case, Line, ask, connected, serve_mockdock, server

__all__ = ["latency"]

ROUNDS = 6
PER_SECOND = 200
SECONDS = 3
CONNECTIONS = 32
CASE = Case("plain chat", stream=False, requests=0, head=b"x-project-id: bench\r\n")


def latency() -> None:
    """Print the milliseconds of a reply: medians over rounds, of the median and of the 95 %."""
    sys.stdout.write(f"{f'{PER_SECOND} requests a second':<32}{'median':>12}{'95 %':>12}\n")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        kinds: dict[str, Callable[[socket.socket], None]] = {
            "nothing is kept": partial(serve_mockdock, keeps=False),
            "accounts in memory": serve_mockdock,
            "accounts in a file": partial(serve_mockdock, data=Path(folder, "accounts.db")),
        }
        ports = {name: stack.enter_context(server(serve)).port for name, serve in kinds.items()}
        found: dict[str, list[list[float]]] = {name: [] for name in kinds}
        for number in range(ROUNDS + 1):
            for name in [*ports][:: -1 if number % 2 else 1]:
                told = asyncio.run(_paced(ports[name], number))
                if number:  # the first round loads ranks and warms caches
                    found[name].append(told)
    for name, rounds in found.items():
        middle = statistics.median(statistics.median(each) for each in rounds)
        slow = statistics.median(sorted(each)[len(each) * 95 // 100] for each in rounds)
        sys.stdout.write(f"{name:<32}{middle * 1000:>12.2f}{slow * 1000:>12.2f}\n")


async def _paced(port: int, number: int) -> list[float]:
    """Send requests at their moments, and give the seconds each took."""
    lines = asyncio.Queue[Line]()
    for _ in range(CONNECTIONS):
        lines.put_nowait(await connected(port))
    found = []

    async def one(which: int) -> None:
        line = await lines.get()
        started = time.perf_counter()
        await ask(line, CASE, which)
        found.append(time.perf_counter() - started)
        lines.put_nowait(line)

    count = PER_SECOND * SECONDS
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for which in range(count):
            await asyncio.sleep(max(0.0, began + which / PER_SECOND - time.perf_counter()))
            group.create_task(one(number * count + which))
    while not lines.empty():
        lines.get_nowait()[1].close()
    return found
