"""Who waits for something new is woken by Redis, one connection for all of a process."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from redis.exceptions import RedisError

from mockdock.errors import StoreError
from mockdock.shared.link import Link

__all__ = ["Bell"]

T = TypeVar("T")

_IDLE = 30.0
"""Real seconds without anybody who waits, or without a word, after which no one listens."""


class Bell:
    """Wakes threads whenever something is published on a channel.

    A thread listens while somebody waits, and a little longer. Where its connection
    breaks, all look for themselves, and listen anew. Any thread may call any method.
    """

    def __init__(self, link: Link, channel: bytes) -> None:
        self._link = link
        self._channel = channel
        self._changed = threading.Condition()
        self._rings = 0
        self._waiting = 0
        self._left = 0.0
        self._thread: threading.Thread | None = None
        self._connection: Any = None
        self._error: StoreError | None = None
        self._closed = False

    def until(self, look: Callable[[], T], enough: Callable[[T], bool], timeout: float) -> T:
        """Look until it is enough, at most ``timeout`` real seconds; give what was seen last.

        Raises StoreError where it cannot listen.
        """
        end = time.monotonic() + timeout
        seen = look()
        if enough(seen) or timeout <= 0:
            return seen
        with self._changed:
            self._waiting += 1
        try:
            while True:
                before = self._listen()
                seen = look()
                left = end - time.monotonic()
                with self._changed:
                    if enough(seen) or left <= 0 or self._closed:
                        return seen
                    self._changed.wait_for(partial(self._rang_since, before), left)
        finally:
            with self._changed:
                self._waiting -= 1
                self._left = time.monotonic()

    def close(self) -> None:
        """Let nobody wait any longer, now and later."""
        with self._changed:
            self._closed = True
            self._rings += 1
            self._changed.notify_all()
            thread, made = self._thread, self._connection
        line = None if made is None else made._sock  # noqa: SLF001 - nothing else ends its reading
        if line is not None:
            with suppress(OSError):  # it has broken by itself
                line.shutdown(socket.SHUT_RDWR)
        if thread is not None:
            thread.join()

    def _rang_since(self, before: int) -> bool:
        return self._rings != before

    def _listen(self) -> int:
        """See that somebody listens, and give how often it has rung."""
        with self._changed:
            if self._thread is None and not self._closed:
                self._error = None
                self._thread = threading.Thread(
                    target=self._run, name="mockdock journal bell", daemon=True
                )
                self._thread.start()
            self._changed.wait_for(
                lambda: self._connection is not None or self._thread is None or self._closed
            )
            if self._error is not None:
                raise StoreError(*self._error.args)
            return self._rings

    def _run(self) -> None:
        error = None
        try:
            made = self._link.subscribe(self._channel)
        except StoreError as raised:
            error = raised
        else:
            self._hear(made)
        with self._changed:
            self._thread, self._connection, self._error = None, None, error
            self._rings += 1
            self._changed.notify_all()

    def _hear(self, made: Any) -> None:
        """Ring for every message, until there is none for long or the connection breaks."""
        with self._changed:
            self._connection = made
            wanted = not self._closed
            self._changed.notify_all()
        try:
            while wanted and made.can_read(_IDLE):
                made.read_response()
                with self._changed:
                    self._rings += 1
                    self._changed.notify_all()
                    idle = time.monotonic() - self._left
                    wanted = not self._closed and (self._waiting > 0 or idle < _IDLE)
        except (RedisError, OSError):
            pass
        finally:
            made.disconnect()
