"""Several processes that serve as one: what they answer together, and what a core is good for.

Client, servers and Redis share this machine. So what several processes answer by the clock
only tells how they get along here; how many of them are needed elsewhere is told by what
a core of servers, or of Redis, does in a second of its time. Redis is asked over a
Unix socket, and runs where the client does; two workers run on that core as well.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, NamedTuple

from tests.bench.asked import chat
from tests.bench.bench import REPLY, Bench
from tests.bench.client import Flooded, Paced, Streams
from tests.bench.machine import cpu, spent
from tests.bench.paced import slow
from tests.bench.rates import PLAIN
from tests.bench.rows import Row
from tests.bench.servers import Running, Served, recorded
from tests.clients.needs import missing
from tests.stores import Redis, started

__all__ = ["workers"]

_MANY = 2
_FREE: Mapping[str, Any] = {"rules": [{"when": {"user": "hello"}, "reply": REPLY}]}
_WARM = 20


def workers(bench: Bench) -> Iterator[Row]:
    """Measure one process beside two, without a store, and with one where Redis is."""
    bench.notes.append(
        "workers: client, servers and Redis share the cores here: count by what one core does "
        "(/core, /Redis); stretch is that of the 99th of 100 streams"
    )
    yield from _rates(bench, "no limits", _served(_FREE, None), None)
    if absent := missing("redis"):
        bench.notes.append(f"workers: no store, for want of {', '.join(absent)}")
        return
    with ExitStack() as stack:
        redis = stack.enter_context(started())
        yield from _rates(bench, "limits", _served(PLAIN, redis), redis)
        yield from _streams(bench, redis)


def _served(scenario: Mapping[str, Any], redis: Redis | None) -> dict[str, Served]:
    """Name what stands beside each other; one dialect, as others have limits of their own."""
    alone = Served("mockdock", scenario, dialect="openai")
    if redis is None:
        return {"1 process": alone, f"{_MANY} workers": replace(alone, workers=_MANY)}
    return {
        "1 process": alone,
        "1 process, store": replace(alone, store=redis.url()),
        f"{_MANY} workers, store": replace(alone, workers=_MANY, store=redis.url()),
    }


class _Seen(NamedTuple):
    """A round: what was done, something told by the clock, CPU seconds of servers and Redis."""

    done: float
    clock: float
    servers: float
    redis: float

    @property
    def by_servers(self) -> float:
        """What a core of servers does in a second."""
        return self.done / self.servers

    @property
    def by_redis(self) -> float:
        """What a core of Redis does in a second."""
        return self.done / self.redis if self.redis else math.nan


def _rates(
    bench: Bench, kind: str, served: Mapping[str, Served], redis: Redis | None
) -> Iterator[Row]:
    """Compare requests per second."""

    def warm(running: Running) -> None:
        for number in range(_WARM):  # new connections, so that every worker gets some
            recorded(running, chat(), number)

    def load(running: Running) -> tuple[float, float]:
        got = bench.flood(bench.wanted(running, chat(), seconds=bench.amounts.seconds))
        _note(bench, kind, got)
        return got.requests, got.requests / got.seconds

    seen = _rounds(bench, served, warm, load, redis, bench.amounts.rounds)
    alone = seen["1 process"]
    for name, rounds in seen.items():
        ratios = [mine.clock / other.clock for mine, other in zip(rounds, alone, strict=True)]
        by_cpu = [
            mine.by_servers / other.by_servers for mine, other in zip(rounds, alone, strict=True)
        ]
        yield Row(
            "workers",
            f"{kind}, {name}",
            "req/s",
            statistics.median(each.clock for each in rounds),
            ratio=statistics.median(ratios),
            by_cpu=statistics.median(by_cpu),
            ratios=ratios,
        )
        yield from _cores(f"{kind}, {name}", "req", rounds, redis if served[name].store else None)


def _streams(bench: Bench, redis: Redis) -> Iterator[Row]:
    """Tell how many streams at 50 tokens/s a core of servers keeps going."""
    amounts = bench.amounts
    scenario, ttft, ideal = slow(amounts.tokens)
    asked = chat(stream=True)

    def wanted(running: Running) -> Streams:
        first = next(bench.first)
        return Streams(running.port, asked, first, amounts.streams, amounts.over, ttft, ideal)

    def warm(running: Running) -> None:
        bench.stream(replace(wanted(running), streams=min(_WARM, amounts.streams), over=0.1))

    def load(running: Running) -> tuple[float, float]:
        got = bench.stream(wanted(running))
        _note(bench, "streams", got)
        late = got.stretches[-1 - len(got.stretches) // 100] if got.stretches else math.inf
        return len(got.stretches) * ideal, late

    served = _served(scenario, redis)
    for name, rounds in _rounds(bench, served, warm, load, redis, 1).items():
        what = f"{amounts.streams:,} paced, {name}"
        stretch = statistics.median(each.clock for each in rounds)
        yield Row("workers", what, "stretch", stretch)
        yield from _cores(what, "streams", rounds, None)


def _cores(what: str, unit: str, rounds: Sequence[_Seen], redis: Redis | None) -> Iterator[Row]:
    """Tell what one core does in a second, of servers and of Redis; streams are kept going."""
    middle = statistics.median(each.by_servers for each in rounds)
    yield Row("workers", what, f"{unit}/core", middle)
    if redis is not None:
        middle = statistics.median(each.by_redis for each in rounds)
        yield Row("workers", what, f"{unit}/Redis", middle)


def _rounds(
    bench: Bench,
    served: Mapping[str, Served],
    warm: Callable[[Running], None],
    load: Callable[[Running], tuple[float, float]],
    redis: Redis | None,
    rounds: int,
) -> dict[str, list[_Seen]]:
    """Load servers in turns, every other round backwards, once they are warm."""
    seen: dict[str, list[_Seen]] = {each: [] for each in served}
    with ExitStack() as stack:
        running = {name: stack.enter_context(bench.server(each)) for name, each in served.items()}
        for each in running.values():
            warm(each)
        for number in range(rounds):
            for name in [*running][:: -1 if number % 2 else 1]:
                pid = running[name].pid
                before, asked_before = spent(pid), _cpu(redis)
                done, clock = load(running[name])
                used = spent(pid) - before
                seen[name].append(_Seen(done, clock, used, _cpu(redis) - asked_before))
    return seen


def _cpu(redis: Redis | None) -> float:
    return 0.0 if redis is None else cpu(redis.pid)


def _note(bench: Bench, kind: str, got: Flooded | Paced) -> None:
    if got.broken or got.refused:
        bench.notes.append(
            f"workers, {kind}: {got.broken} connections broke, {got.refused} answers were errors"
        )
