"""What is asked of Redis, and what its answers mean; the same for who waits and who awaits."""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass
from typing import Literal

from redis.exceptions import NoScriptError, ReadOnlyError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from mockdock.shared.scripts import KEPT, Script

__all__ = ["GRACE", "Asker", "Question", "after", "verdict"]

GRACE = 0.25
"""Seconds to wait for an answer after the moment that the script no longer counts at."""

_MICRO = 1_000_000


@dataclass(slots=True, eq=False)
class Question:
    """One call of the script; where it does not ``count``, asking twice does no harm.

    Once it goes out it has a ``number``, and is ``due``: from then on, in own seconds, it
    shall no longer be counted.
    """

    verb: bytes
    payload: tuple[bytes, ...]
    counts: bool = True
    due: float = 0.0
    number: int = 0


class Asker:
    """Who asks by one connection: numbers questions, so that none is counted twice.

    A question that is asked again, since its connection broke, has its number still: the
    script then gives the answer it gave, or would have given.
    """

    most = KEPT

    def __init__(self, prefix: str, script: Script) -> None:
        self.script = script
        self._prefix = prefix.encode()
        self._token = secrets.token_hex(8).encode()
        self._numbers = itertools.count(1)
        self._ahead = 0

    time = (b"TIME",)
    """The command that begins a connection; see ``meet``. Who may not ask is told so here."""

    def loading(self) -> tuple[tuple[bytes, ...], ...]:
        """Give the commands that come next."""
        return tuple((b"SCRIPT", b"LOAD", text) for text in self.script.texts)

    def meet(self, time: tuple[bytes, bytes], now: float) -> None:
        """Learn how far the clock of Redis is ahead, at least, when its ``time`` arrives."""
        seconds, micros = time
        self._ahead = int(seconds) * _MICRO + int(micros) - int(now * _MICRO)

    def command(self, question: Question) -> tuple[bytes, ...]:
        """Give the command of a question."""
        token = b""
        if question.counts:
            token = self._token
            question.number = question.number or next(self._numbers)
        return (
            b"EVALSHA",
            self.script.of(question.verb),
            b"1",
            self._prefix,
            question.verb,
            token,
            b"%d" % question.number,
            b"%d" % (int(question.due * _MICRO) + self._ahead),
            *question.payload,
        )


def verdict(error: ResponseError) -> Literal["again", "elsewhere", "no"]:
    """Say what an error means: ask again after a new greeting, or another server, or never."""
    if isinstance(error, NoScriptError) or str(error).startswith("LATE"):
        return "again"
    return "elsewhere" if isinstance(error, ReadOnlyError) else "no"


def after(error: BaseException) -> str:
    """Say why there is no answer."""
    if isinstance(error, (TimeoutError, RedisTimeoutError)):
        return "it took too long"
    return str(error).rstrip(".") or type(error).__name__
