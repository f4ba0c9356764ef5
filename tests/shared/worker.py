"""One of several processes that share a store: deals, is charged, and says what it got."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from mockdock.engine.meters import Charge
from mockdock.engine.store import Candidate, Pick, Step
from mockdock.shared import Link, RedisStore

__all__: list[str] = []

DEALT = Candidate("dealt", length=10**6)
FEW = Candidate("few", per="server", times=400)
REST = Candidate("rest")
TICKET = Candidate("ticket", state=(("ticket", 1),), set_state=(("ticket", None),))
LIMITS = tuple(
    Charge(f"{algorithm}", algorithm, 300, 1, toll=1, shared=True)
    for algorithm in ("bucket", "fixed", "sliding")
)
RUNNING = Charge("running", "gauge", 7, 1, shared=True)


async def decided(store: RedisStore, step: Step) -> Pick:
    """Await a pick."""
    made = store.decide(step)
    assert not isinstance(made, Pick)
    return await made


async def client(store: RedisStore, name: str, told: dict[str, Any], calls: int) -> None:
    """Ask for one thing after the other, and note what was given."""
    for number in range(calls):
        pick = await decided(store, Step("s", "same", None, [DEALT]))
        told["dealt"].append(pick.position)
        told["seen"].append(pick.seen)
        pick = await decided(store, Step(name, f"{number}", None, [FEW, REST]))
        told["few"] += pick.index == 0
        pick = await decided(store, Step("tickets", f"{name}/{number}", None, [TICKET]))
        told["tickets"] += pick.index == 0
        for limit in LIMITS:
            pick = await decided(store, Step(name, "r", charges=[limit]))
            told[limit.key] += not pick.refusers
        pick = await decided(store, Step(name, "r", charges=[RUNNING]))
        told["most"] = max(told["most"], pick.readings[0].used)
        if not pick.refusers:
            ended = store.settle(name, pick.serial, [(RUNNING, 1)], taken=0, now=0)
            assert ended is not None
            await ended


async def work(url: str, process: str, clients: int, calls: int) -> dict[str, Any]:
    """Run clients, and give what all of them were given."""
    store = RedisStore(Link(url, patience=60.0))
    told: dict[str, Any] = {"dealt": [], "seen": [], "few": 0, "tickets": 0, "most": 0}
    told |= {limit.key: 0 for limit in LIMITS}
    names = [f"{process}/{number % 3}" for number in range(clients)]
    await asyncio.gather(*(client(store, name, told, calls) for name in names))
    await store.aclose()
    await store.link.aclose()
    return told


if __name__ == "__main__":
    url, process, clients, calls = sys.argv[1:]
    print(json.dumps(asyncio.run(work(url, process, int(clients), int(calls)))))  # noqa: T201
