"""Who is served by what: the server's engine and clock, and those of single sessions."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from secrets import randbits

from mockdock.delivery import Clock, Traffic
from mockdock.engine import Engine

__all__ = ["Session", "Sessions"]

_MOST = 10_000
_eras = count(randbits(40))


@dataclass(frozen=True, slots=True)
class Session:
    """What answers a session, and the time it lives in.

    ``key`` is that of a session which was opened, and is a valid API key in it.
    ``numbered`` counts the rules ever added to it: a rule's number is given once.
    ``era`` is another one whenever it begins anew, and in another process.
    ``began`` is when it did, by its clock; ``traffic`` are its replies under way.
    """

    engine: Engine
    clock: Clock
    key: str = ""
    numbered: int = 0
    era: int = field(default_factory=_eras.__next__)
    began: float = math.nan
    traffic: Traffic = field(default_factory=Traffic)

    def __post_init__(self) -> None:
        if math.isnan(self.began):
            object.__setattr__(self, "began", self.clock.now())

    @property
    def age(self) -> float:
        """Scenario seconds since it began."""
        return self.clock.now() - self.began

    def timed(self, clock: Clock) -> Session:
        """Give the same session with another clock; it stays as old as it is."""
        return replace(self, clock=clock, began=clock.now() - self.age)


class Sessions:
    """The sessions of a server: ``base`` serves all that were not opened.

    Beyond 10,000 the one opened first is closed. Who looks at a session and
    then puts it holds ``changing`` meanwhile.
    """

    def __init__(self, base: Session) -> None:
        self.base = base
        self.eras: Callable[[str], int] = _anew
        """Gives an era for a session that begins anew."""
        self._opened: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()
        self.changing = threading.RLock()

    def of(self, key: str) -> Session:
        """Give what serves a session."""
        return self._opened.get(key, self.base)

    def begin(self, engine: Engine, clock: Clock, key: str) -> Session:
        """Make a session that begins now; the empty key is that of the base."""
        return Session(engine, clock, key, era=self.eras(key))

    def put(self, key: str, session: Session) -> Session | None:
        """Open a session, or change it; the empty key is the base. Give the one that had to go."""
        with self._lock:
            if not key:
                self.base = session
                return None
            self._opened[key] = session
            return self._opened.popitem(last=False)[1] if len(self._opened) > _MOST else None

    def close(self, key: str) -> bool:
        """Close a session, and tell whether it was open."""
        with self._lock:
            return self._opened.pop(key, None) is not None

    def lives_by(self, clock: Clock) -> bool:
        """Tell whether any session still lives in this time."""
        with self._lock:
            return any(each.clock is clock for each in (self.base, *self._opened.values()))

    def keys(self) -> tuple[str, ...]:
        """Name the sessions that are open, in the order they were opened."""
        with self._lock:
            return tuple(self._opened)

    def held(self) -> tuple[Session, Mapping[str, Session]]:
        """Give the base and all that are open, as they are now."""
        with self._lock:
            return self.base, self._opened.copy()

    def restore(self, base: Session, opened: Mapping[str, Session]) -> None:
        """Let all be as it was."""
        with self._lock:
            self.base, self._opened = base, OrderedDict(opened)


def _anew(_: str) -> int:
    return next(_eras)
