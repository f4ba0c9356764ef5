"""The benchmark itself, on next to nothing: every case gives its rows, and no time matters."""

from __future__ import annotations

import io
import json
import math
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from math import isnan
from pathlib import Path
from typing import Any

import orjson
import pytest
import uvicorn
from rich.console import Console

from mockdock import Server
from mockdock.observe import JournalWriter
from tests.bench import __main__ as bench_main
from tests.bench import client, commands
from tests.bench.__main__ import measured
from tests.bench.asked import chat
from tests.bench.bench import Amounts, Bench
from tests.bench.cases import CASES
from tests.bench.client import Flood, Streams
from tests.bench.load import flooded, wrk
from tests.bench.machine import cores, stolen
from tests.bench.rates import PLAIN
from tests.bench.rows import WIDTH, Row, at_least, at_most, record, show
from tests.bench.servers import Running, Served, launched
from tests.bench.serving import bare
from tests.observe.helpers import kept_here

TINY = Amounts(
    rounds=1,
    seconds=0.01,
    connections=2,
    requests=8,
    streams=3,
    over=0.01,
    tokens=10,
    runs=1,
    idle=0.01,
    tests=1,
)
COMMANDS = {"import": 2, "fixture": 1, "plugin": 7}
"""Cases that time commands, and how many these are."""
NEEDS_WRK = pytest.mark.skipif(wrk() is None, reason="wrk is not installed")
MAY_BE_NOTHING = {"idle", "memory"}
"""What tells a change, or the work of nobody."""


class Threads:
    """Runs servers in threads of this process, all of which end together."""

    def __init__(self) -> None:
        self._mocks: list[Server] = []
        self._bare: list[tuple[uvicorn.Server, threading.Thread]] = []

    @contextmanager
    def launch(self, served: Served) -> Iterator[Running]:
        """Run a server until all end; what has files, or others beside it, ends before."""
        if served.store is not None or served.workers > 1:
            with launched(served) as running:
                yield running
            return
        with ExitStack() as stack:
            mock = served.app == "mockdock"
            port = self._mockdock(served, stack) if mock else self._uvicorn(served)
            yield Running(port, os.getpid())

    def end(self) -> None:
        """End all servers at once."""
        for server, _ in self._bare:
            server.should_exit = True
        with ThreadPoolExecutor(32) as pool:
            list(pool.map(Server.stop, self._mocks))
        for _, thread in self._bare:
            thread.join()

    def _mockdock(self, served: Served, stack: ExitStack) -> int:
        server = Server({"mockdock": 1, **served.scenario}, time_scale=1, data=served.data)
        if served.journal is not None:
            writer = stack.enter_context(JournalWriter(Path(served.journal), pytest.fail))
            server.app.journal.watch(writer.write)
        if served.data is None:
            self._mocks.append(server.start())
        else:
            stack.enter_context(server)
        return int(server.url.rpartition(":")[2])

    def _uvicorn(self, served: Served) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        server = bare(served)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        self._bare.append((server, thread))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def threads() -> Iterator[Threads]:
    running = Threads()
    yield running
    running.end()


@pytest.fixture
def bench(threads: Threads) -> Bench:
    return Bench(TINY, threads.launch, client.flood, client.stream)


def printed(rows: Sequence[Row]) -> list[str]:
    told = io.StringIO()
    show(rows, [], Console(file=told, width=WIDTH))
    return told.getvalue().splitlines()


@pytest.mark.parametrize("name", [name for name in CASES if name not in COMMANDS])
def test_every_case_gives_rows_with_numbers(name: str, bench: Bench) -> None:
    rows = list(CASES[name].measure(bench))
    assert rows
    assert {row.case for row in rows} == {name}
    assert not [note for note in bench.notes if "broke" in note or "errors" in note]
    for row in rows:
        assert math.isfinite(row.mockdock)
        assert row.mockdock > 0 or name in MAY_BE_NOTHING
        assert row.ratio is None or row.ratio > 0
    assert len(printed(rows)) > len(rows)


@pytest.mark.parametrize("name", COMMANDS)
def test_cases_of_commands_give_rows_of_what_these_print(
    name: str, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each starts Python again and again: here the commands are only looked at."""
    seen: list[Sequence[str]] = []

    def run(command: Sequence[str], folder: str | None) -> str:
        seen.append(command)
        tests = command[1:3] == ("-m", "pytest")
        code = Path(command[-1]).read_text() if tests else command[-1]
        compile(code, "command", "exec")
        return "took 0.5"

    monkeypatch.setattr(commands, "_run", run)
    rows = list(CASES[name].measure(bench))
    assert {row.case for row in rows} == {name}
    assert {row.unit for row in rows} == {"ms"}
    assert all(row.mockdock > 0 for row in rows)
    assert len(seen) == COMMANDS[name]


def test_a_case_that_fails_does_not_cost_the_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Bench) -> Iterator[Row]:
        raise OSError("no disk")

    monkeypatch.setitem(CASES, "plain", replace(CASES["plain"], measure=fail))
    rows = measured(bench, ["plain", "made"])
    assert [row.case for row in rows] == ["made"]
    assert bench.notes[0] == "plain: could not be measured: OSError('no disk')"
    assert "no disk" in capsys.readouterr().err


@pytest.mark.parametrize(("taken", "told"), [(0.0, False), (1000.0, True)])
def test_what_the_host_takes_away_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, taken: float, told: bool
) -> None:
    seconds = iter([5.0, 5.0 + taken])
    monkeypatch.setattr(bench_main, "stolen", lambda: next(seconds))
    monkeypatch.setitem(CASES, "plain", replace(CASES["plain"], measure=lambda _: iter(())))
    assert measured(bench, ["plain"]) == []
    assert [note.startswith("plain: the host took ") for note in bench.notes] == [True] * told


def test_time_that_was_taken_away_never_comes_back() -> None:
    before = stolen()
    assert isnan(before) or 0 <= before <= stolen()


def test_a_process_on_a_core_answers_another_one_and_writes_its_journal(tmp_path: Path) -> None:
    journal, where = tmp_path / "journal.jsonl", cores()
    bench = Bench(core=where and where[0])
    with bench.server(Served("mockdock", PLAIN, journal=str(journal))) as running:
        assert where is None or os.sched_getaffinity(running.pid) == {where[0]}
        assert cores() == where
        seen = flooded(Flood(running.port, chat(), first=7, connections=2, requests=5))
    assert (seen.requests, seen.refused, seen.broken) == (5, 0, 0)
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert len([line for line in lines if "request" in line]) == 5


@pytest.mark.parametrize(
    "much", [{"requests": 20}, pytest.param({"seconds": 1.0}, marks=NEEDS_WRK)], ids=["own", "wrk"]
)
def test_no_two_requests_are_the_same(much: dict[str, Any]) -> None:
    asked = chat(varied=("x-mockdock-session", "bench-", 3))
    with Server({"mockdock": 1, **PLAIN}) as server:
        port = int(server.url.rpartition(":")[2])
        seen = flooded(Flood(port, asked, first=1, connections=2, **much))
        exchanges = [entry.exchange for entry in kept_here(server.app.journal.entries())]
    assert seen.requests > 2
    assert seen.refused == seen.broken == 0
    bodies = [exchange.body for exchange in exchanges]
    assert len(set(bodies)) == len(bodies)
    assert {exchange.session for exchange in exchanges} == {"bench-0", "bench-1", "bench-2"}


def test_a_refusal_is_no_answer_and_a_lost_connection_neither() -> None:
    faulty = {"faults": [{"type": "connection_reset", "when": {"user": {"matches": "^3:"}}}]}
    said = {
        "mockdock": 1,
        **faulty,
        "rules": [{"when": {"user": {"matches": "^1:"}}, "reply": {"error": 503}}],
    }
    with Server(said) as server:
        port = int(server.url.rpartition(":")[2])
        seen = client.flood(Flood(port, chat(), first=1, connections=1, requests=4))
    assert (seen.requests, seen.refused, seen.broken) == (2, 1, 1)


def test_streams_are_timed_by_their_pace() -> None:
    said = {
        "mockdock": 1,
        "pacing": {"ttft": "50ms", "tps": 100},
        "rules": [{"reply": "One two three."}],
    }
    with Server(said, time_scale=1) as server:
        port = int(server.url.rpartition(":")[2])
        seen = client.stream(Streams(port, chat(stream=True), 1, 2, 0.01, ttft=0.05, ideal=0.08))
    assert len(seen.stretches) == len(seen.errors) == len(seen.lags) == 2
    assert min(seen.stretches) > 0.9
    assert min(seen.errors) > -0.01
    assert (seen.refused, seen.broken) == (0, 0)


def test_targets_are_told_from_what_was_found() -> None:
    high = Row("a", "x", "req/s", 10.0, 20.0, ratio=0.5, target=at_least(0.6))
    low = Row("b", "y", "ms", 10.0, target=at_most(10))
    none = Row("c", "z", "MB", 123456.0)
    assert [row.met for row in (high, low, none)] == [False, True, None]
    lines = printed([high, low, none])
    assert lines[1].split() == ["a", "x", "req/s", "10", "20", "0.50", "≥", "0.6", "no"]
    assert lines[2].split() == ["b", "y", "ms", "10", "≤", "10", "yes"]
    assert lines[3].split() == ["c", "z", "MB", "123,456"]


def test_results_are_json_without_what_is_no_number() -> None:
    row = Row("a", "x", "req/s", 10.0, by_cpu=math.nan, target=at_least(0.6))
    told = json.loads(orjson.dumps(record([row], ["odd"], {"cores": 2})))
    assert told["machine"] == {"cores": 2}
    assert told["notes"] == ["odd"]
    assert told["rows"][0]["by_cpu"] is None
    assert told["rows"][0]["target"] == {"sign": "≥", "bound": 0.6, "on": "ratio"}
