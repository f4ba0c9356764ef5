"""Servers in a thread and in a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import pytest
from openai import OpenAI

from mockdock import Server
from mockdock.observe import Exchange
from tests.acceptance.forking import Forked
from tests.openai_types import CheckedOpenAI

_PATIENCE = 30.0


class Serve(Protocol):
    """Starts a server; it is stopped when the test ends."""

    def __call__(self, *sources: str | Path | Mapping[str, Any], **options: Any) -> Server:
        """Start a server with scenarios and the options of Server."""
        ...


@pytest.fixture
def exchanges() -> list[Exchange]:
    """Collect every exchange of the servers of the test."""
    return []


@pytest.fixture
def serve(exchanges: list[Exchange]) -> Iterator[Serve]:
    """Start servers in threads."""
    with ExitStack() as stack:

        def start(*sources: str | Path | Mapping[str, Any], **options: Any) -> Server:
            options.setdefault("observers", [exchanges.append])
            return stack.enter_context(Server(*sources, **options))

        yield start


@pytest.fixture
def client_of() -> Iterator[Callable[..., OpenAI]]:
    """Make SDK clients that check what they get; they are closed when the test ends."""
    with ExitStack() as stack:

        def make(server: Server, **options: Any) -> OpenAI:
            options = {"api_key": "test", "max_retries": 0, **options}
            return stack.enter_context(CheckedOpenAI(base_url=server.base_url, **options))

        yield make


@dataclass
class Process:
    """A ``mockdock``, or another program, in a process of its own."""

    popen: subprocess.Popen[str] | Forked
    lines: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)

    def follow(self, stream: Any, into: list[str]) -> None:
        """Collect the lines of a pipe."""
        for line in stream:
            with self._news:
                into.append(line.rstrip("\n"))
                self._news.notify_all()

    def wait_for(self, text: str, *, errors: bool = False) -> str:
        """Wait until a line holds ``text``, and give the line."""
        lines = self.errors if errors else self.lines

        def found() -> str | None:
            return next((line for line in lines if text in line), None)

        with self._news:
            assert self._news.wait_for(found, _PATIENCE), (text, self.lines, self.errors)
        line = found()
        assert line is not None
        return line

    @property
    def base_url(self) -> str:
        """The base URL of the banner."""
        return self.wait_for("/v1").rsplit(" ", 1)[-1]

    def stop(self, sig: int = signal.SIGTERM) -> int:
        """Send a signal and give the exit code."""
        self.popen.send_signal(sig)
        return self.ended()

    def ended(self) -> int:
        """Wait for the end of a process that has its signal, and give the exit code."""
        return self.popen.wait(_PATIENCE)


@contextmanager
def process(
    *arguments: str,
    cwd: Path | None = None,
    apart: bool = False,
    program: Literal["mockdock", "pytest"] = "mockdock",
    environment: Mapping[str, str] | None = None,
) -> Iterator[Process]:
    """Run ``mockdock`` with arguments, follow its output, end it whatever happens.

    ``apart``: in a process that Python has started for it, as users do, instead of one
    that was forked and has its modules already.
    """
    settings = {"PYTHONUNBUFFERED": "1", "COLUMNS": "120", **(environment or {})}
    popen: subprocess.Popen[str] | Forked
    if apart:
        popen = subprocess.Popen(
            [sys.executable, "-m", program, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            cwd=cwd,
            env={**os.environ, **settings},
        )
    else:
        popen = Forked(program, arguments, cwd, settings)
    running = Process(popen)
    followers = [
        threading.Thread(target=running.follow, args=pair, daemon=True)
        for pair in ((popen.stdout, running.lines), (popen.stderr, running.errors))
    ]
    for follower in followers:
        follower.start()
    try:
        yield running
    finally:
        if popen.poll() is None:
            popen.terminate()
        try:
            popen.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            popen.kill()
            raise
        for follower in followers:
            follower.join()
        for pipe in (popen.stdout, popen.stderr):
            assert pipe is not None
            pipe.close()
