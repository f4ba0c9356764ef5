"""Several processes that serve as one, and their parent, who begins, watches and ends them."""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn

from msgspec import Struct

from mockdock.cli.reading import complain
from mockdock.errors import MockdockError, StartError
from mockdock.host import Host

__all__ = ["Line", "supervise"]

_READY, _LEAVE, _NOW = b"r", b"l", b"n"
_HEARD = (signal.SIGTERM, signal.SIGINT)
_LAST_WORDS = 5.0
"""Seconds beyond its grace in which a worker writes what it has kept, and ends."""
_AT_ONCE = 1.0
"""Seconds in which one ends that shall not wait for its replies."""
_FIRST, _LONGEST = 0.1, 10.0
"""Seconds between the end of a worker and the next in its place: at first, and at most."""
_STEADY = 60.0
"""Who has lived for so many seconds is no sign that the next will not."""
_SIGNALS = 4096


class Line:
    """A worker's line to its parent, who says when to end; so does its silence, once it is gone.

    Nobody has to look at it now and then: a thread sleeps until something comes.
    """

    def __init__(self, number: int, channel: socket.socket, grace: float) -> None:
        self.number = number
        """Which of the workers this is, counted from 0; who takes its place has the same."""
        self._channel = channel
        self._grace = grace

    def begun(self, host: Host) -> None:
        """Tell the parent that requests are answered, and obey from now on."""
        with contextlib.suppress(OSError):  # it is gone: that is heard as well
            self._channel.send(_READY)
        threading.Thread(target=self._obey, args=(host,), daemon=True).start()

    def _obey(self, host: Host) -> None:
        while word := self._heard():
            host.force_exit = host.force_exit or word == _NOW
            host.stop()
        host.stop()
        threading.Event().wait(self._grace + _LAST_WORDS)
        os._exit(1)

    def _heard(self) -> bytes:
        try:
            return self._channel.recv(1)
        except OSError:
            return b""


class _Worker(Struct, eq=False):
    """A process, and the parent's end of its line."""

    number: int
    pid: int
    channel: socket.socket
    since: float
    serves: bool = False


def supervise(
    count: int, work: Callable[[Line], None], grace: float, leave: Callable[[], None]
) -> int:
    """Do ``work`` in so many processes until SIGINT or SIGTERM, and give the exit code.

    Each is a fork of this one, which has no threads yet. ``leave`` is called before they are
    told to end; they get ``grace`` seconds to finish their replies, and a second signal does
    not wait for these. One that ends by itself is told and begun anew, after a pause that
    doubles; where one ends before it serves, and no other does, all end with exit code 1.
    Raises StartError where processes cannot be made.
    """
    if not hasattr(os, "fork"):
        raise StartError(
            "--workers needs a system whose processes can fork, such as Linux or macOS; "
            "here --workers 1 is all there is"
        )
    return _Parent(count, work, grace, leave).run()


class _Parent:
    def __init__(
        self, count: int, work: Callable[[Line], None], grace: float, leave: Callable[[], None]
    ) -> None:
        self._work = work
        self._grace = grace
        self._leave = leave
        self._workers: set[_Worker] = set()
        self._pauses = [0.0] * count
        """How long the pause was before each worker."""
        self._due = dict.fromkeys(range(count), 0.0)
        """The workers to begin, and when."""
        self._asked = 0
        self._told = 0
        self._deadline = 0.0
        self._code = 0
        self._selector = selectors.DefaultSelector()
        self._awake, self._waking = socket.socketpair()

    def run(self) -> int:
        """Serve until told to end, or until nobody can."""
        with contextlib.closing(self), self._hearing():
            while self._workers or self._due:
                self._turn()
        return self._code

    def close(self) -> None:
        """Let go of all; workers that still are there hear that they are alone, and end."""
        for each in self._workers:
            each.channel.close()
        self._selector.close()
        self._awake.close()
        self._waking.close()

    @contextlib.contextmanager
    def _hearing(self) -> Iterator[None]:
        """Note signals, and wake up for them."""
        self._awake.setblocking(False)
        self._waking.setblocking(False)
        self._selector.register(self._awake, selectors.EVENT_READ)
        before = {number: signal.signal(number, self._note) for number in _HEARD}
        wakeup = signal.set_wakeup_fd(self._waking.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._asked += 1

    def _turn(self) -> None:
        """Begin who is due, wait for something to happen, and see to it."""
        now = time.monotonic()
        for number in [number for number, due in self._due.items() if due <= now]:
            del self._due[number]
            try:
                self._begin(number)
            except OSError as error:
                self._cannot(number, error)
        news = self._selector.select(self._patience())
        if self._asked > self._told:  # first, since workers may end by the same signal
            self._told, again = self._asked, self._told > 0
            self._end(_NOW if again or self._asked > 1 else _LEAVE)
        for key, _ in news:
            if key.data is None:
                self._awake.recv(_SIGNALS)
            else:
                self._hear(key.data)
        if self._told and time.monotonic() >= self._deadline:
            self._kill()

    def _patience(self) -> float | None:
        """Give the seconds until something has to be done that nobody else brings about."""
        moments = [*self._due.values()]
        if self._told and self._workers and self._deadline < math.inf:
            moments.append(self._deadline)
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _begin(self, number: int) -> None:
        mine, theirs = socket.socketpair()
        sys.stdout.flush()
        sys.stderr.flush()
        # A signal that comes meanwhile is the parent's: the child has its handlers still.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
        try:
            pid = os.fork()
            if pid == 0:
                mine.close()
                self._become(Line(number, theirs, self._grace), before)
        except OSError:
            mine.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()
        worker = _Worker(number, pid, mine, time.monotonic())
        self._workers.add(worker)
        self._selector.register(mine, selectors.EVENT_READ, worker)

    def _cannot(self, number: int, error: OSError) -> None:
        """Go on with fewer, and try again later; raises StartError where there is nobody."""
        told = f"cannot begin a worker: {error.strerror or error}"
        if not self._workers:
            raise StartError(told) from error
        complain(f"{told}; it is tried again in {_LONGEST:g} s")
        self._due[number] = time.monotonic() + _LONGEST

    def _become(self, line: Line, mask: set[Any]) -> NoReturn:
        """Be a worker, and nothing of the parent; never return to what it was doing."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            self.close()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            # Ctrl-C in a terminal reaches the parent as well, who tells of it.
            signal.pthread_sigmask(signal.SIG_SETMASK, {*mask, signal.SIGINT})
            self._work(line)
            code = 0
        except MockdockError as error:
            for told in str(error).splitlines():
                complain(told)
        except BaseException:  # noqa: BLE001 - nothing may get out of here
            traceback.print_exc()
        finally:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
            os._exit(code)

    def _hear(self, worker: _Worker) -> None:
        """Take what a worker says, or that it has ended."""
        try:
            word = worker.channel.recv(1)
        except OSError:
            word = b""
        if word:
            worker.serves = True
            return
        self._selector.unregister(worker.channel)
        worker.channel.close()
        self._workers.discard(worker)
        code = os.waitstatus_to_exitcode(os.waitpid(worker.pid, 0)[1])
        if self._told:
            if code not in (0, -signal.SIGTERM, -signal.SIGKILL):
                self._code = 1
                complain(f"the worker {worker.pid} {_how(code)} when it was to end")
            return
        if not worker.serves and not any(each.serves for each in self._workers):
            complain(f"the worker {worker.pid} {_how(code)} before it served; all end")
            self._code = 1
            self._told = 1
            self._end(_NOW)
            return
        self._replace(worker, code)

    def _replace(self, worker: _Worker, code: int) -> None:
        now = time.monotonic()
        before = 0.0 if now - worker.since >= _STEADY else self._pauses[worker.number]
        pause = min(_LONGEST, max(_FIRST, 2 * before))
        self._pauses[worker.number] = pause
        self._due[worker.number] = now + pause
        complain(f"the worker {worker.pid} {_how(code)}; another begins in {pause:g} s")

    def _end(self, word: bytes) -> None:
        """Tell all to end, and wait for no longer than it may take."""
        self._leave()
        self._due.clear()
        self._deadline = time.monotonic() + (
            _AT_ONCE if word == _NOW else self._grace + _LAST_WORDS
        )
        for each in self._workers:
            with contextlib.suppress(OSError):
                each.channel.send(word)

    def _kill(self) -> None:
        """End those that did not end."""
        for each in self._workers:
            complain(f"the worker {each.pid} did not end in time, and is killed")
            self._code = 1
            os.kill(each.pid, signal.SIGKILL)
        self._deadline = math.inf


def _how(code: int) -> str:
    """Say how a process ended."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
