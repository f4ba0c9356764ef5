"""The parent of several workers: those that end at once, again and again, or never."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from mockdock.cli import workers
from mockdock.errors import StartError

BEGIN = """
import os, signal, sys, threading, time
from mockdock.cli import workers
from mockdock.errors import StartError

def serves(line):
    line._channel.send(b"r")

"""


def supervised(work: str, count: int = 2, grace: float = 600) -> tuple[int, list[str]]:
    """Let a parent of its own supervise, and give its exit code and what was said."""
    end = f"sys.exit(workers.supervise({count}, work, {grace}, lambda: None))"
    code = f"{BEGIN}{work}\n{end}"
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60
    )
    return ended.returncode, ended.stderr.splitlines()


def test_workers_that_cannot_begin_end_all_and_the_reason_is_told() -> None:
    code, told = supervised(
        """
def work(line):
    if line.number:
        raise StartError("there is no such thing")
    threading.Event().wait()
"""
    )
    assert code == 1
    assert told[0] == "mockdock: there is no such thing"
    assert told[1].endswith(" ended with exit code 1 before it served; all end")


def test_a_defect_shows_its_trace() -> None:
    code, told = supervised("def work(line): raise ValueError('odd')", count=1)
    assert code == 1
    assert "ValueError: odd" in told


def test_the_pause_doubles_up_to_a_bound_and_starts_over_after_a_steady_life() -> None:
    """No worker is begun here: what is looked at is when the next one is."""
    parent = workers._Parent(1, lambda _: None, 1.0, lambda: None)
    pauses = []
    for _ in range(9):
        worker = workers._Worker(0, 1, parent._awake, time.monotonic(), serves=True)
        parent._replace(worker, 0)
        pauses.append(parent._pauses[0])
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    old = workers._Worker(0, 1, parent._awake, time.monotonic() - 61, serves=True)
    parent._replace(old, 0)
    assert parent._pauses[0] == 0.1
    parent.close()


def test_a_worker_that_ends_is_begun_again_and_again() -> None:
    code, told = supervised(
        """
def work(line):
    serves(line)
    if line.number == 0:
        os._exit(3)
    threading.Event().wait()

def notes(text, told=workers.complain, seen=[]):
    told(text)
    seen.append(text)
    if len(seen) == 3:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)

workers.complain = notes
workers._AT_ONCE = 0.1
"""
    )
    again = [line.partition("worker ")[2].partition(" ")[2] for line in told]
    assert again[:3] == [
        "ended with exit code 3; another begins in 0.1 s",
        "ended with exit code 3; another begins in 0.2 s",
        "ended with exit code 3; another begins in 0.4 s",
    ]
    assert again[3:] == ["did not end in time, and is killed"]
    assert code == 1


def test_a_worker_that_takes_no_notice_is_killed() -> None:
    code, told = supervised(
        """
def work(line):
    serves(line)
    os.kill(os.getppid(), signal.SIGTERM)
    threading.Event().wait()

workers._LAST_WORDS = 0.1
""",
        count=1,
        grace=0,
    )
    assert code == 1
    assert told[0].endswith(" did not end in time, and is killed")


def test_a_worker_ends_by_itself_where_its_parent_is_gone_and_it_does_not_stop() -> None:
    """It gets its grace, and some time to write what it has kept."""
    code = f"""{BEGIN}
import socket
from types import SimpleNamespace

mine, theirs = socket.socketpair()
line = workers.Line(0, theirs, 0.0)
workers._LAST_WORDS = 0.1
stopped = threading.Event()
line.begun(SimpleNamespace(stop=stopped.set, force_exit=False))
mine.close()
assert stopped.wait(20)
time.sleep(60)
"""
    ended = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert ended.returncode == 1


def test_a_process_that_cannot_be_made_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fork() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", fork)
    with pytest.raises(StartError, match="cannot begin a worker: Resource temporarily unavail"):
        workers.supervise(2, lambda _: None, 0, lambda: None)


def test_where_some_serve_another_is_tried_again_later() -> None:
    code, told = supervised(
        """
def work(line):
    serves(line)
    os.kill(os.getppid(), signal.SIGTERM)

forks = []
fork = os.fork

def seldom():
    forks.append(1)
    if len(forks) == 2:
        raise BlockingIOError(11, "no more")
    return fork()

os.fork = seldom
"""
    )
    assert (code, told) == (
        0,
        ["mockdock: cannot begin a worker: no more; it is tried again in 10 s"],
    )


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (0, "ended with exit code 0"),
        (3, "ended with exit code 3"),
        (-9, "was ended by SIGKILL"),
        (-99, "was ended by signal 99"),
    ],
)
def test_how_a_process_ended_is_told(code: int, told: str) -> None:
    assert workers._how(code) == told


def test_a_worker_that_breaks_when_it_is_to_end_is_told() -> None:
    code, told = supervised(
        """
def work(line):
    serves(line)
    os.kill(os.getppid(), signal.SIGTERM)
    line._heard()
    os._exit(4)
""",
        count=1,
    )
    assert code == 1
    assert told[0].endswith(" ended with exit code 4 when it was to end")


def test_a_system_that_cannot_fork_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork")
    with pytest.raises(StartError, match="--workers needs a system whose processes can fork"):
        workers.supervise(2, lambda _: None, 0, lambda: None)
