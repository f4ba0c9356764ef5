"""A bounded memory for what long things come to, and one for what an object does."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from threading import Lock
from typing import Any, Generic, Self, TypeVar, overload

__all__ = ["Memo", "Once"]

T = TypeVar("T")


class Once(Generic[T]):
    """A property that is worked out when it is first asked for.

    As that of functools, which holds a lock meanwhile until Python 3.12; here two threads
    may both work it out.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, of: None, kind: type) -> Self: ...
    @overload
    def __get__(self, of: object, kind: type) -> T: ...
    def __get__(self, of: object, kind: type) -> Self | T:
        """Give the value of an object."""
        if of is None:
            return self
        value: T = self._make(of)
        of.__dict__[self._name] = value
        return value


class Memo(Generic[T]):
    """Remembers values by the digest of a key, the least recently used go first.

    A key of any size costs 16 bytes to remember, so an entry takes some 150
    bytes and its value, however long the text behind it is. Safe to share
    between threads.
    """

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self._known: OrderedDict[bytes, T] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, key: bytes, make: Callable[[], T]) -> T:
        """Give the value for a key; ``make`` computes it when it is not known."""
        digest = blake2b(key, digest_size=16).digest()
        with self._lock:
            if (known := self._known.get(digest)) is not None:
                self._known.move_to_end(digest)
                return known
        # Outside the lock: two threads may both compute, none waits for a slow text.
        made = make()
        with self._lock:
            self._known[digest] = made
            if len(self._known) > self._entries:
                self._known.popitem(last=False)
        return made
