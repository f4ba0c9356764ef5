"""Many streams at once at a pace: whether they take as long as they ought to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tests.bench.asked import chat
from tests.bench.bench import Bench
from tests.bench.client import Paced, Streams
from tests.bench.machine import cpu
from tests.bench.rows import Row, at_most
from tests.bench.servers import Served, recorded

__all__ = ["paced"]

_TTFT = 0.2
_TPS = 50
_WORDS = 10  # tokens of one sentence of the reply
_SATURATED = 0.9


def paced(bench: Bench) -> Iterator[Row]:
    """Measure mockdock, then a bare ASGI application that paces by absolute deadlines."""
    amounts = bench.amounts
    reply = "The quick brown fox jumps over the lazy dog. " * (amounts.tokens // _WORDS)
    scenario = {
        "pacing": {"ttft": f"{_TTFT * 1000:.0f}ms", "tps": _TPS},
        "rules": [{"when": {"user": "hello"}, "reply": reply}],
    }
    asked = chat(stream=True)
    ideal = _TTFT + (amounts.tokens - 1) / _TPS
    with bench.server(Served("mockdock", {**scenario, "pacing": None})) as quick:
        events = recorded(quick, asked)
    found: list[Paced] = []
    used: list[float] = []
    with (
        bench.server(Served("mockdock", scenario)) as mock,
        bench.server(Served("asgi", reply=events, ttft=_TTFT, itl=1 / _TPS)) as bare,
    ):
        for running in (mock, bare):
            wanted = Streams(
                running.port, asked, next(bench.first), amounts.streams, amounts.over, _TTFT, ideal
            )
            # A few before, which load ranks and warm caches.
            bench.stream(replace(wanted, streams=max(amounts.streams // 100, 1), over=0.1))
            before = cpu(running.pid)
            found.append(bench.stream(replace(wanted, first=next(bench.first))))
            used.append(cpu(running.pid) - before)
        peak = bench.peak(mock)
    _note(bench, found, [each / (amounts.over + ideal) for each in used])
    stretches, errors = [each.stretches for each in found], [each.errors for each in found]
    rows: tuple[tuple[str, str, Sequence[Sequence[float]], float, float, float], ...] = (
        (f"{amounts.streams:,} streams: stretch, p50", "", stretches, 0.5, 1, 1.05),
        ("stretch, p99", "", stretches, 0.99, 1, 1.15),
        ("error of TTFT, p99", "ms", errors, 0.99, 1000, 50),
    )
    for what, unit, values, share, scale, most in rows:
        ours, theirs = (_quantile(each, share) * scale for each in values)
        yield Row("paced", what, unit, ours, asgi=theirs, target=at_most(most), peak=peak)


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else float("inf")


def _note(bench: Bench, found: Sequence[Paced], shares: Sequence[float]) -> None:
    for name, seen, share in zip(("mockdock", "asgi"), found, shares, strict=True):
        late = _quantile(seen.lags, 0.99) * 1000
        limit = ", its limit" if seen.share > _SATURATED else ""
        bench.notes.append(
            f"paced, {name}: of a core took server/client: {share:.0%}/{seen.share:.0%}{limit}; "
            f"{seen.segments:,} reads, the client's own lateness p99 {late:.1f} ms"
        )
        if seen.broken or seen.refused:
            bench.notes.append(f"paced, {name}: {seen.broken} broke, {seen.refused} were refused")
