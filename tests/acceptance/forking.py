"""Starts ``mockdock`` and ``pytest`` in processes that need not import them: see ``nursery``."""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["Forked"]

_ROOT = Path(__file__).parent.parent.parent


class Forked:
    """A program in a process of its own, used as a Popen with pipes of text is.

    It has the arguments, and the environment of this process with ``more``. It shares
    the seed of hashes with all that are forked, and has written nothing to its output
    before: a test of how a process starts wants a Popen.
    """

    def __init__(
        self, program: str, arguments: Sequence[str], cwd: Path | None, more: dict[str, str]
    ) -> None:
        told = {
            "program": program,
            "arguments": arguments,
            "folder": str(cwd or Path.cwd()),
            "environment": {**os.environ, **more},
        }
        self._program = program
        self._status, theirs = socket.socketpair()
        out, out_end = os.pipe()
        err, err_end = os.pipe()
        line = json.dumps(told).encode() + b"\n"
        asking = _nursery()
        sent = socket.send_fds(asking, [line], [out_end, err_end, theirs.fileno()])
        asking.sendall(line[sent:])
        os.close(out_end)
        os.close(err_end)
        theirs.close()
        self._said = self._status.makefile("rb", buffering=0)
        self.pid = int(self._said.readline())
        self.returncode: int | None = None
        self.stdout, self.stderr = (
            os.fdopen(each, encoding="utf-8", errors="replace") for each in (out, err)
        )

    def poll(self) -> int | None:
        """Give the exit code, below zero for a signal, or None before the end."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float) -> int:
        """Wait for the end and give the exit code. Raises TimeoutExpired after seconds."""
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self._program, timeout)
            self.returncode = int(self._said.readline())
            self._said.close()
            self._status.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM, unless it has ended."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL, unless it has ended."""
        self.send_signal(signal.SIGKILL)


@functools.cache
def _nursery() -> socket.socket:
    """Start the process that forks, once; it ends with this one."""
    asking, theirs = socket.socketpair()
    with theirs:
        popen = subprocess.Popen(
            [sys.executable, "-m", "tests.acceptance.nursery"],
            stdin=theirs.fileno(),
            cwd=_ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    assert asking.recv(1) == b"\n", "the nursery has ended"

    def end() -> None:
        asking.close()
        popen.wait()

    atexit.register(end)
    return asking
