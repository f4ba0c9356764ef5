"""The seconds that all processes count together: those of Redis."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["SharedTime"]


class SharedTime:
    """Seconds since 1970 by the clock of Redis, as this process reckons them; never go back.

    Between two looks at Redis it is reckoned by a clock of this process, ``own``. Any
    thread may ask, and may do something as of a moment that has passed.
    """

    def __init__(self, own: Callable[[], float] = time.monotonic) -> None:
        self._own = own
        self._ahead: float | None = None
        self._last = 0.0
        self._as_of = threading.local()

    def __call__(self) -> float:
        """Give the seconds; before the first look at Redis those of this machine."""
        as_of: float | None = getattr(self._as_of, "moment", None)
        if as_of is not None:
            return as_of
        ahead = self._ahead
        if ahead is None:
            return time.time()
        # Where two clocks were compared anew, and this one had been ahead, it stands for a while.
        self._last = now = max(self._last, self._own() + ahead)
        return now

    def own(self) -> float:
        """Give the seconds of the clock of this process."""
        return self._own()

    def learn(self, told: float, asked: float, heard: float) -> None:
        """Learn what Redis ``told`` in answer to what was asked and heard at own seconds.

        It was told somewhere between: what was reckoned stays where that may be right.
        """
        earliest, latest = told - heard, told - asked
        ahead = self._ahead
        if ahead is None:
            self._ahead = (earliest + latest) / 2
        elif not earliest <= ahead <= latest:
            self._ahead = min(max(ahead, earliest), latest)

    def reached(self, moment: float) -> None:
        """Learn that something was done at this moment: it is no earlier now."""
        self._last = max(self._last, moment)

    @contextmanager
    def as_of(self, moment: float) -> Iterator[None]:
        """Let it be this moment, in this thread."""
        self._as_of.moment = moment
        try:
            yield
        finally:
            self._as_of.moment = None
