"""What every case works with: how much to measure, servers, load, and rounds of it."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.bench.asked import Asked
from tests.bench.client import Flood, Flooded, Paced, Streams
from tests.bench.load import called, flooded
from tests.bench.machine import cpu, on, peak
from tests.bench.servers import Recorded, Running, Served, launched, recorded

__all__ = ["REPLY", "Amounts", "Bench", "Case", "Measured", "ratio"]

REPLY = "The quick brown fox jumps over the lazy dog. " * 10
"""Of 100 tokens."""

_NUMBERS = 10_000_000
_SATURATED = 0.9
_STARVED = 0.85


@dataclass(frozen=True)
class Amounts:
    """How much is measured: rounds of so many seconds each, and what single cases take."""

    rounds: int = 5
    seconds: float = 1.0
    connections: int = 32
    requests: int = 100_000
    streams: int = 2000
    over: float = 5.0
    tokens: int = 500
    runs: int = 5
    idle: float = 5.0
    tests: int = 100


@dataclass(frozen=True)
class Measured:
    """The rounds of one server: what its client saw, and the CPU seconds it took itself."""

    floods: Sequence[Flooded]
    used: Sequence[float]

    @property
    def rates(self) -> list[float]:
        """Requests per second, by round."""
        return [each.requests / each.seconds for each in self.floods]

    @property
    def rate(self) -> float:
        """Requests per second, the median."""
        return statistics.median(self.rates)

    @property
    def costs(self) -> list[float]:
        """CPU seconds of a request, by round."""
        pairs = zip(self.used, self.floods, strict=True)
        return [used / max(each.requests, 1) for used, each in pairs]

    def faster(self, other: Measured) -> list[float]:
        """Give the ratios of its rates to another one's, by round."""
        pairs = zip(self.rates, other.rates, strict=True)
        return [ours / theirs if theirs else math.nan for ours, theirs in pairs]

    def cheaper(self, other: Measured) -> float:
        """Give the ratio of another one's CPU per request to its own: above 1 it is cheaper."""
        pairs = zip(self.costs, other.costs, strict=True)
        return statistics.median(theirs / ours if ours else 1.0 for ours, theirs in pairs)


def ratio(ours: Measured, theirs: Measured) -> float:
    """Give the median ratio of the rates of two servers that were measured together."""
    return statistics.median(ours.faster(theirs))


@dataclass
class Bench:
    """Starts servers, on a core of their own, sends load, and notes what spoils a result."""

    amounts: Amounts = field(default_factory=Amounts)
    launch: Callable[[Served], AbstractContextManager[Running]] = launched
    flood: Callable[[Flood], Flooded] = flooded
    stream: Callable[[Streams], Paced] = called
    notes: list[str] = field(default_factory=list)
    first: Iterator[int] = field(default_factory=lambda: itertools.count(1, _NUMBERS))
    core: int | None = None

    @contextmanager
    def server(self, served: Served) -> Iterator[Running]:
        """Run a server on their core; where it is several processes, on ours as well."""
        with ExitStack() as stack:
            with on(self.core, also=served.workers > 1):
                running = stack.enter_context(self.launch(served))
            yield running

    @contextmanager
    def beside(
        self, scenario: Mapping[str, Any], asked: Asked, **more: Any
    ) -> Iterator[tuple[dict[str, Running], Recorded]]:
        """Run mockdock, and bare servers that send the bytes it sends; ``more`` is its own."""
        with self.server(Served("mockdock", scenario, **more)) as mock:
            reply = recorded(mock, asked)
            with (
                self.server(Served("starlette", reply=reply)) as starlette,
                self.server(Served("asgi", reply=reply)) as asgi,
            ):
                for each in (starlette, asgi):
                    same = recorded(each, asked)
                    assert same == reply, f"not the same bytes: {same} and {reply}"
                yield {"mockdock": mock, "starlette": starlette, "asgi": asgi}, reply

    def rounds(
        self, name: str, contenders: Mapping[str, tuple[Running, Asked]], *, refused: bool = False
    ) -> dict[str, Measured]:
        """Measure servers in turns, so that a machine that slows down does so for all.

        Every other round goes backwards; one before the first warms caches, and one
        request before that waits until all are there. ``refused`` expects errors.
        """
        for running, asked in contenders.values():
            recorded(running, asked)
        seen: dict[str, list[tuple[Flooded, float]]] = {each: [] for each in contenders}
        for number in range(self.amounts.rounds + 1):
            for each in [*contenders][:: -1 if number % 2 else 1]:
                running, asked = contenders[each]
                before = cpu(running.pid)
                got = self.flood(self.wanted(running, asked, seconds=self.amounts.seconds))
                if number:
                    seen[each].append((got, cpu(running.pid) - before))
        found = {
            each: Measured([got for got, _ in rounds], [used for _, used in rounds])
            for each, rounds in seen.items()
        }
        self._note(name, found, refused=refused)
        return found

    def wanted(self, running: Running, asked: Asked, **more: Any) -> Flood:
        """Ask for a flood whose numbers no other one has."""
        return Flood(running.port, asked, next(self.first), self.amounts.connections, **more)

    def peak(self, running: Running) -> float:
        """Give the largest resident memory of a server so far, in 10^6 bytes."""
        return peak(running.pid)

    def _note(self, name: str, found: Mapping[str, Measured], *, refused: bool) -> None:
        """Tell what spoils a result: a client at its limit, a server that others hold up."""
        shares, odd = [], False
        for each, measured in found.items():
            client = statistics.median(flood.share for flood in measured.floods)
            own = sum(measured.used) / sum(flood.seconds for flood in measured.floods)
            odd |= client > _SATURATED or own < _STARVED
            limit = ", its limit" if client > _SATURATED else ""
            shares.append(f"{each} {own:.0%}/{client:.0%}{limit}")
            broken = sum(flood.broken for flood in measured.floods)
            errors = sum(flood.refused for flood in measured.floods)
            if broken:
                self.notes.append(f"{name}, {each}: {broken} connections broke")
            if errors and not refused:
                self.notes.append(f"{name}, {each}: {errors} answers were errors")
        if odd:
            self.notes.append(f"{name}: of a core took server/client: {', '.join(shares)}")


@dataclass(frozen=True)
class Case:
    """An entry of the table of cases: its name, what it tells, and how it is measured."""

    name: str
    tells: str
    measure: Callable[[Bench], Iterator[Any]]
