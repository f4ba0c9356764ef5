"""Resident memory of a server under load, and what it does when nobody asks."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.bench.asked import chat, prose
from tests.bench.bench import Bench
from tests.bench.machine import cpu, resident, woken
from tests.bench.rates import PLAIN
from tests.bench.rows import Row, at_most
from tests.bench.servers import Running, Served

__all__ = ["idle", "memory"]

_SETTLED = 50_000
_LESS = 4
_FULL = 10_000  # so many exchanges the journal keeps
_GROWTH = 10
_LOADED = 1000
_QUIET = 0.05


def memory(bench: Bench) -> Iterator[Row]:
    """Tell how much is added after the first 50,000 requests, or after the first half."""
    requests = bench.amounts.requests
    kinds = (
        ("plain", chat(), requests),
        ("10 KB", chat("{number}: hello " + prose(10_000)), requests // _LESS),
        ("streams", chat(stream=True), requests // _LESS),
    )
    for name, asked, many in kinds:
        settled = min(_SETTLED, many // 2)
        with bench.server(Served("mockdock", PLAIN)) as mock:
            bench.flood(bench.wanted(mock, asked, requests=settled))
            before = resident(mock.pid)
            bench.flood(bench.wanted(mock, asked, requests=many - settled))
            grown, peak = resident(mock.pid) - before, bench.peak(mock)
        target = at_most(_GROWTH) if settled >= _FULL else None
        what = f"{name}: from request {settled:,} to {many:,}, on {before:.0f}"
        yield Row("memory", what, "MB", grown, target=target, peak=peak)


def idle(bench: Bench) -> Iterator[Row]:
    """Tell what servers do in some seconds after load, when nobody asks."""
    with bench.beside(PLAIN, chat()) as (servers, _):
        for running in servers.values():
            bench.flood(
                bench.wanted(running, chat(), requests=min(_LOADED, bench.amounts.requests))
            )
        time.sleep(min(1.0, bench.amounts.idle))  # what comes after a load is no idling
        before = [_done(running) for running in servers.values()]
        time.sleep(bench.amounts.idle)
        after = [_done(running) for running in servers.values()]
    seconds = bench.amounts.idle
    for what, unit, which, scale, most in (
        ("CPU", "%", 0, 100, _QUIET),
        ("wake-ups", "1/s", 1, 1, 0),
    ):
        done = [
            (new[which] - old[which]) / seconds * scale
            for new, old in zip(after, before, strict=True)
        ]
        mine, starlette, asgi = done
        told = f"{what} when nobody asks"
        yield Row("idle", told, unit, mine, starlette, asgi, target=at_most(most))


def _done(running: Running) -> tuple[float, float]:
    return cpu(running.pid), woken(running.pid)
