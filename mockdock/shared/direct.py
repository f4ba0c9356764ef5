"""Questions of threads that wait for the answer: the verbs of control, and tools."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import redis
from redis.exceptions import RedisError, ResponseError

from mockdock.shared.address import Address
from mockdock.shared.asking import GRACE, Asker, Question, after, verdict
from mockdock.shared.health import Health
from mockdock.shared.scripts import Script

__all__ = ["Direct"]

_KINDS: dict[str, Any] = {
    "redis": redis.Connection,
    "rediss": redis.SSLConnection,
    "unix": redis.UnixDomainSocketConnection,
}


class Direct:
    """One connection, for one thread after the other."""

    def __init__(self, address: Address, script: Script, health: Health, patience: float) -> None:
        self._address = address
        self._script = script
        self._health = health
        self._patience = patience
        self._lock = threading.Lock()
        self._connection: Any = None
        self._asker = Asker(address.prefix, script)
        self._process = os.getpid()

    def ask(self, verb: bytes, *payload: bytes, counts: bool = True) -> bytes:
        """Ask, and wait for the answer; raises StoreError."""
        with self._lock:
            answer: bytes = self._ask(Question(verb, payload, counts))
            return answer

    def command(self, *words: bytes) -> Any:
        """Give a command that changes nothing, and wait for the answer; raises StoreError."""
        with self._lock:
            return self._ask(Question(b"", words))

    def subscribe(self, channel: bytes) -> Any:
        """Make another connection, which listens to a channel; raises StoreError."""
        self._health.admit()
        made = self._made()
        try:
            made.connect()
            made.send_command("SUBSCRIBE", channel)
            made.read_response()
        except (RedisError, OSError) as error:
            made.disconnect()
            raise self._health.ill(after(error)) from None
        self._health.well()
        return made

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            self._drop()

    def _ask(self, question: Question) -> Any:
        self._health.admit()
        self._own()
        question.due = time.monotonic() + self._patience
        error: RedisError | OSError | None = None
        for _ in range(2):
            try:
                answer = self._exchange(question)
            except ResponseError as raised:
                match verdict(raised):
                    case "again":
                        error = None
                        self._drop()
                    case "elsewhere":
                        error = raised
                        self._drop()
                    case "no":
                        raise self._health.error(after(raised)) from None
            except (RedisError, OSError) as raised:
                error = raised
                self._drop()
            else:
                self._health.well()
                return answer
            if time.monotonic() > question.due:
                break
        if error is None:
            raise self._health.error("it took too long")
        raise self._health.ill(after(error)) from None

    def _own(self) -> None:
        """Begin anew after a fork: connection and numbers are the parent's."""
        if self._process != os.getpid():
            self._connection, self._process = None, os.getpid()
            self._asker = Asker(self._address.prefix, self._script)

    def _exchange(self, question: Question) -> Any:
        if self._connection is None:
            self._connect()
        made = self._connection
        words = self._asker.command(question) if question.verb else question.payload
        made.send_packed_command(made.pack_command(*words))
        return made.read_response()

    def _made(self) -> Any:
        timeout = self._patience + GRACE
        return _KINDS[self._address.scheme](
            **self._address.options, socket_timeout=timeout, socket_connect_timeout=timeout
        )

    def _connect(self) -> None:
        made = self._connection = self._made()
        made.connect()
        made.send_packed_command(made.pack_command(*self._asker.time))
        self._asker.meet(made.read_response(), time.monotonic())
        loading = self._asker.loading()
        made.send_packed_command(made.pack_commands(loading))
        for _ in loading:
            made.read_response()

    def _drop(self) -> None:
        made, self._connection = self._connection, None
        if made is not None:
            made.disconnect()
