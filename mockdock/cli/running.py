"""``mockdock run``: a command whose LLM API is a mock server."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Literal, Self

from msgspec import Struct

from mockdock.cli.reading import complain
from mockdock.cli.tallying import Tallying
from mockdock.content.tokens import tokenizer
from mockdock.environ import ELSEWHERE, PROJECT, environment
from mockdock.errors import StartError, UsageError
from mockdock.observe import JournalWriter
from mockdock.observe.report import report
from mockdock.observe.verbs import Changes
from mockdock.server import Server

__all__ = ["RunOptions", "run_command"]

_GRACE = 10.0
"""Seconds in which a command ends that was told to."""
_SIGNALS = 4096
"""So many are heard at once."""
_NOT_FOUND = 127
_NOT_RUNNABLE = 126
_SIGNALLED = 128
_FORWARDED = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
_ENDING = (signal.SIGINT, signal.SIGTERM)


class RunOptions(Struct, frozen=True):
    """The options of ``mockdock run``."""

    otherwise: Literal["auto", "fail", "echo", "lorem"] | None
    seed: int | None
    time_scale: float
    quiet: bool
    journal: Path | None
    dialects: Sequence[str] | None = None


def run_command(sources: Sequence[str], command: Sequence[str], options: RunOptions) -> int:
    """Run a command beside a server, print the summary, and give the exit code.

    Raises MockdockError when the server cannot start.
    """
    if not command:
        raise UsageError(
            "there is nothing to run; write the command behind --, "
            "such as: mockdock run quickstart -- python app.py"
        )
    try:
        server = Server(
            *sources,
            seed=options.seed,
            time_scale=options.time_scale,
            otherwise="fail",
            dialects=options.dialects or None,
        )
    except ValueError as error:
        raise StartError(f"--time-scale: {error}") from error
    if options.otherwise is not None:
        server.verbs.change("", Changes(otherwise=options.otherwise))
    tallying = Tallying(lambda key: bool(server.app.sessions.of(key).key))
    server.app.journal.watch(tallying.add)
    writer: contextlib.AbstractContextManager[object] = contextlib.nullcontext()
    if options.journal is not None:
        writer = journal = JournalWriter(options.journal, complain)
        server.app.journal.watch(journal.write)
    with writer, server:
        # Loading ranks takes a moment; the command's first request need not wait for all of it.
        threading.Thread(target=lambda: tokenizer("o200k_base").load(), daemon=True).start()
        with _Forwarding() as forwarding:
            kept = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
            scenario = server.app.engine.scenario
            key, project = scenario.usual_key, scenario.usual_project or PROJECT
            popen = _started(command, {**kept, **environment(server.url, key, project)})
            if isinstance(popen, int):
                return popen
            forwarding.to(popen)
            code = forwarding.wait(popen)
        if forwarding.killed:
            complain(f"killed {command[0]}: {forwarding.killed}")
        verdict = tallying.verdict(server.app.engine, server.app.journal.entries())
    if tallying.failed or not options.quiet:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{report(verdict)}\n")
    if code < 0:
        return _SIGNALLED - code
    return code or int(tallying.failed)


def _started(command: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[bytes] | int:
    """Start a command on our terminal, else say why not and give the exit code of a shell."""
    try:
        return subprocess.Popen(command, env=env)  # noqa: S603 - the user's own command
    except OSError as error:
        found = shutil.which(command[0]) is not None
        why = (error.strerror or str(error)) if found else "command not found"
        complain(f"cannot run {command[0]}: {why}")
        return _NOT_RUNNABLE if found else _NOT_FOUND
    except ValueError as error:
        raise UsageError(f"cannot run {command[0]!r}: {error}") from error


class _Forwarding:
    """Passes signals on to the command; those that come before it runs, once it does.

    The command is killed when it goes on for 10 seconds after it was told to end,
    or at a second Ctrl-C within them. One Ctrl-C of a terminal is the command's own
    affair: to a debugger or a shell it does not mean the end.
    """

    def __init__(self) -> None:
        self.killed = ""
        """Why the command was killed; empty when it was not."""
        self._popen: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._before: dict[int, Any] = {}
        self._interrupted = -math.inf
        self._timer: threading.Timer | None = None

    def to(self, popen: subprocess.Popen[bytes]) -> None:
        """Forward to this process from now on."""
        self._popen = popen
        for number in self._early:
            self._send(popen, number)

    def wait(self, popen: subprocess.Popen[bytes]) -> int:
        """Wait for the command, and hear every signal meanwhile.

        Waited for here, it would keep one that comes just before the wait from being heard.
        """
        ended, telling = socket.socketpair()
        telling.setblocking(False)

        def watch() -> None:
            popen.wait()
            with contextlib.suppress(BlockingIOError):  # full of signals, which wake as well
                telling.send(b"\0")

        with ended, telling:
            before = signal.set_wakeup_fd(telling.fileno(), warn_on_full_buffer=False)
            watching = threading.Thread(target=watch, daemon=True)
            watching.start()
            while popen.returncode is None:
                ended.recv(_SIGNALS)
            watching.join()
            signal.set_wakeup_fd(before)
        return popen.returncode

    def __enter__(self) -> Self:
        # What is ignored, as below nohup, the command ignores as well.
        heard = [each for each in _FORWARDED if signal.getsignal(each) is not signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._pass) for number in heard}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._timer is not None:
            self._timer.cancel()

    def _pass(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if number == signal.SIGINT:
            since, self._interrupted = self._interrupted, time.monotonic()
            if self._popen is not None and self._interrupted - since < _GRACE:
                self._kill(self._popen, "it was interrupted twice")
                return
            if _in_front():
                return  # the terminal sends it to the command as well
        if self._popen is None:
            self._early.append(number)
        else:
            self._send(self._popen, number)

    def _send(self, popen: subprocess.Popen[bytes], number: int) -> None:
        popen.send_signal(number)
        if number in _ENDING and self._timer is None:
            name = signal.Signals(number).name
            told = f"it did not end within {_GRACE:g} s of {name}"
            self._timer = threading.Timer(_GRACE, self._kill, (popen, told))
            self._timer.daemon = True
            self._timer.start()

    def _kill(self, popen: subprocess.Popen[bytes], why: str) -> None:
        if popen.poll() is None:
            self.killed = self.killed or why
            popen.kill()


def _in_front() -> bool:
    """Tell whether Ctrl-C in a terminal reaches this process, and so its command."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    finally:
        os.close(terminal)
