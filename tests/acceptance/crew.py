"""Servers of several processes, and what tests do to these."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2 as httpx
import pytest

from tests.acceptance.conftest import Process, process

__all__ = ["ask", "crew", "eventually", "lives", "needs_proc", "only", "workers_of"]

_PATIENCE = 30.0

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="who is whose child is told by /proc"
)


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds that other processes bring about."""
    end = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < end
        threading.Event().wait(0.005)


def workers_of(parent: int) -> list[int]:
    """Give the processes that a process has begun, and that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, its_parent = path.read_text().rpartition(")")[2].split()[:2]
            if int(its_parent) == parent and state != "Z":
                found.append(int(path.parent.name))
    return sorted(found)


def lives(pid: int) -> bool:
    """Tell whether a process is there, and more than a name."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextmanager
def crew(
    count: int, *arguments: str, cwd: Path | None = None, **more: str
) -> Iterator[tuple[Process, list[int]]]:
    """Serve with so many workers, and give their pids."""
    words = ("serve", *arguments, "--port", "0", "--workers", str(count))
    with process(*words, cwd=cwd, environment=more) as server:
        server.wait_for("/v1")
        eventually(lambda: len(workers_of(server.popen.pid)) == count)
        pids = workers_of(server.popen.pid)
        try:
            yield server, pids
        finally:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)


@contextmanager
def only(pid: int, pids: list[int]) -> Iterator[None]:
    """Let one of the workers go on, and the others stand still."""
    others = [each for each in pids if each != pid]
    for each in others:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in others:
            os.kill(each, signal.SIGCONT)


def ask(base_url: str, text: str = "hello", **more: object) -> httpx.Response:
    """Ask over a connection of its own."""
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}
    return httpx.post(f"{base_url}/chat/completions", json=body, timeout=_PATIENCE)
