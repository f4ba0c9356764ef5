"""A bounded memory for what long things come to."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from threading import Lock
from typing import Generic, TypeVar

__all__ = ["Memo"]

T = TypeVar("T")


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
