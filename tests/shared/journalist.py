"""One of several processes that share a journal: writes exchanges, and says their numbers."""

from __future__ import annotations

import asyncio
import json
import sys

from mockdock.observe import Entry
from mockdock.shared import Link, RedisJournal
from tests.observe.helpers import exchange

__all__: list[str] = []

_AT_ONCE = 20


async def work(url: str, process: str, calls: int) -> list[int]:
    """Have calls, some of them at the same time, and give their numbers as they were watched."""
    journal = RedisJournal(Link(url, patience=60.0))
    told: list[Entry] = []
    journal.watch(told.append)

    async def client(first: int) -> None:
        for number in range(first, calls, _AT_ONCE):
            journal.use(process, "greet")
            written = journal.append(exchange(process, path=f"/{process}/{number}"))
            assert written is not None
            await written

    await asyncio.gather(*map(client, range(_AT_ONCE)))
    await journal.aclose()
    await journal._link.aclose()
    return [entry.number for entry in told]


if __name__ == "__main__":
    url, process, calls = sys.argv[1:]
    print(json.dumps(asyncio.run(work(url, process, int(calls)))))  # noqa: T201
