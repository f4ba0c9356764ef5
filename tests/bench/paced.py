"""Many streams at once at a pace: whether they take as long as they ought to.

They begin evenly over some seconds, each on a connection that is open already, and all run
at once for as long again. The error of TTFT is between the first byte and when it was due.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from tests.bench.asked import chat
from tests.bench.bench import Bench
from tests.bench.client import Paced, Streams
from tests.bench.machine import cpu
from tests.bench.rows import Row, at_most
from tests.bench.servers import Served, recorded

__all__ = ["paced", "slow"]

_TTFT = 0.2
_TPS = 50
_WORDS = 10  # tokens of one sentence of the reply
_SATURATED = 0.9


def paced(bench: Bench) -> Iterator[Row]:
    """Measure mockdock, and in turns a bare ASGI application that paces by absolute deadlines."""
    amounts = bench.amounts
    scenario, ttft, ideal = slow(amounts.tokens)
    quick = {name: each for name, each in scenario.items() if name != "pacing"}
    asked = chat(stream=True)
    with bench.server(Served("mockdock", quick)) as at_once:
        events = recorded(at_once, asked)
    found: dict[str, list[_Seen]] = {"mockdock": [], "asgi": []}
    with (
        bench.server(Served("mockdock", scenario)) as mock,
        bench.server(Served("asgi", reply=events, ttft=ttft, itl=1 / _TPS)) as bare,
    ):
        wanted = {
            name: Streams(running.port, asked, 0, amounts.streams, amounts.over, ttft, ideal)
            for name, running in (("mockdock", mock), ("asgi", bare))
        }
        for each in wanted.values():
            # A few before, which load ranks and warm caches.
            bench.stream(replace(each, streams=max(amounts.streams // 100, 1), over=0.1))
        for number in range(max(amounts.rounds // 2, 1)):
            for name, running in (("mockdock", mock), ("asgi", bare))[:: -1 if number % 2 else 1]:
                before = cpu(running.pid)
                seen = bench.stream(replace(wanted[name], first=next(bench.first)))
                share = (cpu(running.pid) - before) / (amounts.over + ideal)
                found[name].append(_Seen(seen, share))
        peak = bench.peak(mock)
    _note(bench, found)
    many = f"{amounts.streams:,} streams: stretch"
    for what, unit, share, most in (
        (f"{many}, p50", "", 0.5, 1.05),
        (f"{many}, p99", "", 0.99, 1.15),
        ("error of TTFT, p99", "ms", 0.99, 50),
    ):
        ours, theirs = (_middle(rounds, unit, share) for rounds in found.values())
        yield Row("paced", what, unit, ours, asgi=theirs, target=at_most(most), peak=peak)


def slow(tokens: int) -> tuple[Mapping[str, Any], float, float]:
    """Give a scenario that paces a reply, its time to first token, and how long it takes."""
    reply = "The quick brown fox jumps over the lazy dog. " * (tokens // _WORDS)
    said = {"rules": [{"when": {"user": "hello"}, "reply": reply}]}
    pacing = {"ttft": f"{_TTFT * 1000:.0f}ms", "tps": _TPS}
    return {**said, "pacing": pacing}, _TTFT, _TTFT + (tokens - 1) / _TPS


class _Seen(NamedTuple):
    """A round: what the client saw, and the share of its core that the server took."""

    client: Paced
    share: float


def _middle(rounds: Sequence[_Seen], unit: str, share: float) -> float:
    """Give the median over rounds of a quantile: of errors in ms, or of stretches."""
    if unit:
        return statistics.median(_quantile(seen.client.errors, share) * 1000 for seen in rounds)
    return statistics.median(_quantile(seen.client.stretches, share) for seen in rounds)


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else float("inf")


def _note(bench: Bench, found: Mapping[str, Sequence[_Seen]]) -> None:
    for name, rounds in found.items():
        for seen, share in rounds:
            late = _quantile(seen.lags, 0.99) * 1000
            limit = ", its limit" if seen.share > _SATURATED else ""
            bench.notes.append(
                f"paced, {name}: of a core took server/client: {share:.0%}/{seen.share:.0%}{limit};"
                f" {seen.segments:,} reads, the client's own lateness p99 {late:.1f} ms"
            )
            if seen.broken or seen.refused:
                told = f"{seen.broken} broke, {seen.refused} were refused"
                bench.notes.append(f"paced, {name}: {told}")
