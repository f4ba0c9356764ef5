"""The time a dock lives in."""

from __future__ import annotations

from mockdock.observe.verbs import Verbs
from mockdock.testing.checks import seconds as checked

__all__ = ["DockClock"]


class DockClock:
    """Time of one session; it can be advanced where it does not run by itself.

    >>> dock.clock.advance(20)
    """

    def __init__(self, verbs: Verbs, session: str) -> None:
        self._verbs = verbs
        self._session = session

    def advance(self, seconds: float) -> None:
        """Move time on. Raises UsageError where it runs by itself (time scale above 0).

        >>> dock.clock.advance(20)
        """
        self._verbs.advance(self._session, checked("seconds", seconds))

    def now(self) -> float:
        """Give scenario seconds since some fixed moment.

        >>> before = dock.clock.now()
        """
        return self._verbs.clock(self._session)["now"]

    def time(self) -> float:
        """Give seconds since 1970, as ``created`` in replies.

        >>> today = dock.clock.time()
        """
        return self._verbs.clock(self._session)["time"]
