"""Several processes that share a directory are told as one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from mockdock import UsageError
from mockdock.observe import Metrics
from mockdock.observe.metrics.files import bury
from tests.observe.helpers import exchange
from tests.observe.metrics.helpers import samples, worth_counting

REQUESTS = ("mockdock_requests_total", "openai", "greet", "200")
STREAMS = ("mockdock_open_streams", "openai", "greet")
COUNT = """
import sys, time
from mockdock.observe import Metrics
from tests.observe.helpers import exchange

metrics = Metrics.shared(sys.argv[1])
for number in range(1000):
    metrics.count(exchange(came=time.monotonic()))
metrics.begin("openai", "greet")
metrics.begin("openai", "greet")()
print("counted", flush=True)
sys.stdin.readline()
metrics.close()
"""


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Metrics]:
    with closing(Metrics.shared(tmp_path)) as metrics:
        yield metrics


@pytest.mark.parametrize("accept", ["text/plain", "application/openmetrics-text; version=1.0.0"])
def test_one_process_of_several_tells_what_it_would_alone(here: Metrics, accept: str) -> None:
    """Same names, labels, types and numbers, but for durations, which go on."""
    alone = Metrics()
    for each in worth_counting():
        alone.count(each)
        here.count(each)
    for metrics in (alone, here):
        metrics.begin("openai", "greet")
    mine, shared = alone.expose(2, accept), here.expose(2, accept)
    assert shared.media_type == mine.media_type
    kinds = [
        {line for line in told.body.decode().splitlines() if line.startswith("#")}
        for told in (mine, shared)
    ]
    assert kinds[0] == kinds[1]
    one, other = samples(mine), samples(shared)
    assert one.keys() == other.keys()
    steady = {name for name in one if not name[0].endswith("_sum")}
    assert {name: one[name] for name in steady} == {name: other[name] for name in steady}
    assert one == pytest.approx(other, abs=1)


def test_processes_are_added_up_and_the_dead_have_no_streams(tmp_path: Path, here: Metrics) -> None:
    """One ends as it should, one is killed; what they counted stays, their streams do not."""
    command = [sys.executable, "-c", COUNT, str(tmp_path)]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for each in running:
        assert each.stdout is not None
        assert each.stdout.readline() == "counted\n"
    here.count(exchange())
    here.begin("openai", "greet")
    told = samples(here.expose(0))
    assert told[REQUESTS] == 2001
    assert told["mockdock_reply_duration_seconds_count", "openai", "greet"] == 2000
    assert told[STREAMS] == 3
    running[0].communicate("\n")
    assert samples(here.expose(0))[STREAMS] == 2
    running[1].kill()
    running[1].communicate()
    told = samples(here.expose(0))
    assert told[STREAMS] == 1
    assert told[REQUESTS] == 2001


def test_any_collector_of_the_directory_reads_the_same(tmp_path: Path, here: Metrics) -> None:
    for each in worth_counting():
        here.count(each)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(tmp_path))  # type: ignore[no-untyped-call]
    read = samples(generate_latest(registry).decode())
    told = dict(samples(here.expose(0)))
    del told["mockdock_open_sessions",]
    assert read == told


def test_who_takes_a_number_over_goes_on_counting(tmp_path: Path) -> None:
    """A worker that was killed leaves no streams to the one that comes in its place."""
    metrics = Metrics.shared(tmp_path, lambda: "worker1")
    metrics.count(exchange())
    metrics.begin("openai", "greet")
    (held,) = tmp_path.glob("gauge_livesum_worker1.db")
    left = held.read_bytes()
    metrics.close()
    held.write_bytes(left)
    with closing(Metrics.shared(tmp_path, lambda: "worker1")) as again:
        assert samples(again.expose(0))[STREAMS] == 1
        again.count(exchange())
        again.begin("openai", "greet")()
        told = samples(again.expose(0))
    assert told[REQUESTS] == 2
    assert told[STREAMS] == 0
    assert len(list(tmp_path.iterdir())) == 2


def test_a_process_is_buried_by_whoever_saw_its_end(tmp_path: Path) -> None:
    folder = tmp_path / "with [brackets]"
    folder.mkdir()
    metrics = Metrics.shared(folder, lambda: "worker2")
    metrics.begin("openai", "greet")
    metrics.count(exchange())
    assert samples(metrics.expose(0))[STREAMS] == 1
    bury(folder, "worker2")
    told = samples(metrics.expose(0))
    assert STREAMS not in told
    assert told[REQUESTS] == 1
    metrics.close()


def test_a_process_may_fork_before_the_first_request(tmp_path: Path) -> None:
    code = f"""
import os
from mockdock.observe import Metrics
from tests.observe.helpers import exchange
metrics = Metrics.shared({str(tmp_path)!r})
child = os.fork()
metrics.count(exchange())
assert not child or os.waitpid(child, 0)[1] == 0
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
    with closing(Metrics.shared(tmp_path)) as metrics:
        assert samples(metrics.expose(0))[REQUESTS] == 2
    assert len(list(tmp_path.glob("counter_*"))) == 2


def test_where_there_is_no_directory_it_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere is no directory"):
        Metrics.shared(tmp_path / "nowhere")


def test_two_servers_of_a_process_cannot_share_a_directory(tmp_path: Path, here: Metrics) -> None:
    with pytest.raises(UsageError, match="another server of this process counts there already"):
        Metrics.shared(tmp_path)
    here.close()
    Metrics.shared(tmp_path).close()


def test_files_of_others_are_left_alone(tmp_path: Path, here: Metrics) -> None:
    """Processes that live, and what is no number of a process."""
    for process in (os.getppid(), "9" * 40, "x"):
        (tmp_path / f"gauge_liveall_{process}.db").write_bytes(b"\0" * 64)
    here.expose(0)
    assert len(list(tmp_path.glob("gauge_liveall_*"))) == 3
