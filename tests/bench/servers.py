"""The servers that are measured, each in a process of its own."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from tests.bench.asked import Asked

__all__ = ["Recorded", "Running", "Served", "launched", "recorded"]

_BACKLOG = 2048
_EVENT = b"\n\n"


@dataclass(frozen=True)
class Recorded:
    """A reply of mockdock's, for bare servers to give: its events, or one body."""

    status: int
    kind: str
    events: tuple[str, ...]

    @property
    def streamed(self) -> bool:
        """Tell whether it is a stream of events."""
        return self.kind.startswith("text/event-stream")


@dataclass(frozen=True)
class Served:
    """What a server is: mockdock with a scenario, or a bare one with a recorded reply.

    ``journal`` and ``data`` are files; with ``keeps`` off nothing is kept of accounts.
    ``ttft`` and ``itl`` pace a bare one, in seconds. ``core`` is where it runs.
    """

    app: Literal["mockdock", "starlette", "asgi"]
    scenario: Mapping[str, Any] = field(default_factory=dict)
    journal: str | None = None
    data: str | None = None
    keeps: bool = True
    reply: Recorded | None = None
    ttft: float = 0.0
    itl: float = 0.0
    core: int | None = None

    def written(self) -> str:
        """Give it as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, written: str) -> Served:
        """Read it from JSON."""
        said = json.loads(written)
        if said["reply"] is not None:
            said["reply"] = Recorded(**said["reply"])
        return cls(**said)


@dataclass(frozen=True)
class Running:
    """A server: its port and its process."""

    port: int
    pid: int


@contextmanager
def launched(served: Served) -> Iterator[Running]:
    """Run a server in a process that listens before it starts."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
    with listener, tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "served.json")
        file.write_text(served.written())
        command = [sys.executable, "-m", "tests.bench.serving", str(listener.fileno()), str(file)]
        process = subprocess.Popen(command, pass_fds=[listener.fileno()])
        try:
            yield Running(listener.getsockname()[1], process.pid)
        finally:
            process.terminate()
            process.wait()


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
    return Recorded(reply.status, kind, tuple(each.decode() for each in told))
