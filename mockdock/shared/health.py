"""Whether Redis is there, and when to try again where it is not."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

from mockdock.errors import StoreError

__all__ = ["Health"]

_FIRST, _LONGEST = 0.1, 2.0
"""Seconds between the first tries, and between the last."""


class Health:
    """What all who ask one Redis know of it.

    Who asks while it is away is refused at once, but for one in each pause: he tries whether
    it is back. Pauses double, up to two seconds, and vary by half, so that not all processes
    try at once. There is no timer: while nobody asks, nobody tries.
    """

    def __init__(
        self,
        where: str,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._where = where
        self._clock = clock
        self._chance = chance
        self._lock = threading.Lock()
        self._reason: str | None = None
        self._failures = 0
        self._again = 0.0

    @property
    def is_ill(self) -> bool:
        """Whether it did not answer last."""
        return self._reason is not None

    def admit(self) -> None:
        """Let a question through; raises StoreError while Redis is known to be away."""
        if self._reason is None:
            return
        with self._lock:
            if self._reason is None:
                return
            pause = self._again - self._clock()
            if pause > 0:
                raise self.error(f"{self._reason}; it is tried again in {pause:.1f} s")
            self._wait()

    def well(self) -> None:
        """Note that it answers."""
        if self._reason is not None:
            with self._lock:
                self._reason, self._failures = None, 0

    def ill(self, reason: str) -> StoreError:
        """Note that it does not answer, and give what to tell of that."""
        with self._lock:
            if self._reason is None:
                self._wait()
            self._reason = reason
        return self.error(reason)

    def error(self, reason: str) -> StoreError:
        """Give what to tell whom it does not answer."""
        return StoreError(f"the store at {self._where} does not answer: {reason}")

    def _wait(self) -> None:
        pause = min(_LONGEST, _FIRST * 2**self._failures)
        self._failures += 1
        self._again = self._clock() + pause * (1 - self._chance() / 2)
