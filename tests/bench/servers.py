"""The servers that are measured, each in a process of its own."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from tests.bench.asked import Asked

__all__ = ["Recorded", "Running", "Served", "launched", "recorded"]

_BACKLOG = 2048
_STEP = 0.02
_EVENT = b"\n\n"
_BY_ITSELF = {"content-type", "content-length", "date", "transfer-encoding"}


@dataclass(frozen=True)
class Recorded:
    """A reply of mockdock's, for bare servers to give: its head, and its events or one body.

    Of its ``headers`` those are missing that a server adds by itself: the ``kind`` of its
    content, the length and the date.
    """

    status: int
    kind: str
    events: tuple[str, ...]
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def streamed(self) -> bool:
        """Tell whether it is a stream of events."""
        return self.kind.startswith("text/event-stream")


@dataclass(frozen=True)
class Served:
    """What a server is: ``mockdock serve`` with a scenario, or a bare one with a recorded reply.

    ``journal`` and ``data`` are files, ``store`` is the address of a Redis. ``ttft`` and
    ``itl`` pace a bare one, in seconds.
    """

    app: Literal["mockdock", "starlette", "asgi"]
    scenario: Mapping[str, Any] = field(default_factory=dict)
    journal: str | None = None
    data: str | None = None
    dialect: str | None = None
    store: str | None = None
    workers: int = 1
    reply: Recorded | None = None
    ttft: float = 0.0
    itl: float = 0.0


@dataclass(frozen=True)
class Running:
    """A server: its port and its process."""

    port: int
    pid: int


@contextmanager
def launched(served: Served) -> Iterator[Running]:
    """Run a server in a process of its own, which listens."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "served.yaml")  # JSON is YAML
        start = _mockdock if served.app == "mockdock" else _bare
        port, process = start(served, file)
        try:
            yield Running(port, process.pid)
        finally:
            process.terminate()
            process.wait()


def _mockdock(served: Served, file: Path) -> tuple[int, subprocess.Popen[bytes]]:
    """Start the command, as somebody would who wants no line for every request."""
    file.write_text(json.dumps({"mockdock": 1, **served.scenario}))
    with socket.socket() as reserved:
        # While this one is bound nobody else is given the port, and who names it may listen.
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        port: int = reserved.getsockname()[1]
        if sys.platform != "linux":
            reserved.close()
        command = [sys.executable, "-m", "mockdock", "serve", str(file), "--quiet"]
        command += ["--port", str(port), "--grace", "0"]
        command += ["--workers", str(served.workers)]
        for option in ("journal", "data", "dialect", "store"):
            value = getattr(served, option)
            command += [] if value is None else [f"--{option}", value]
        process = subprocess.Popen(command)
        while not _listens(port):
            if process.poll() is not None:
                raise RuntimeError(f"mockdock serve ended with {process.returncode}")
            time.sleep(_STEP)
    return port, process


def _bare(served: Served, file: Path) -> tuple[int, subprocess.Popen[bytes]]:
    file.write_text(json.dumps(asdict(served)))
    with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as listener:
        command = [sys.executable, "-m", "tests.bench.serving", str(listener.fileno()), str(file)]
        process = subprocess.Popen(command, pass_fds=[listener.fileno()])
        return listener.getsockname()[1], process


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def recorded(running: Running, asked: Asked, number: int = 0) -> Recorded:
    """Ask a server once, and keep what it says."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
    name, value, many = asked.varied
    headers = {**asked.headers, **({name: f"{value}{number % many}"} if many else {})}
    try:
        connection.request("POST", asked.path, asked.body(number), headers)
        reply = connection.getresponse()
        body = reply.read()
    finally:
        connection.close()
    kind = reply.headers["content-type"]
    events = [each + _EVENT for each in body.split(_EVENT)[:-1]]
    told = events if kind.startswith("text/event-stream") else [body]
    pairs = tuple((name.lower(), value) for name, value in reply.getheaders())
    head = tuple(pair for pair in pairs if pair[0] not in _BY_ITSELF)
    return Recorded(reply.status, kind, tuple(each.decode() for each in told), head)
