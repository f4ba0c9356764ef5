"""What many answers with the very same choices have in common, written once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from mockdock.reply import Choice

__all__ = ["Kept"]

T = TypeVar("T")


class Kept(Generic[T]):
    """Keeps what choices come to, by their identity; beyond ``most`` the oldest goes first.

    They are kept with it, so that no others can be taken for them. Only those that answers
    share come here, and these have 4,096 tokens at most: what they come to takes some 500 KB.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[tuple[int, Hashable], tuple[tuple[Choice, ...], T]] = OrderedDict()
        self._lock = Lock()

    def get(self, choices: tuple[Choice, ...], form: Hashable, make: Callable[[], T]) -> T:
        """Give what choices come to in some ``form``; ``make`` works it out at first."""
        key = id(choices), form
        known = self._known.get(key)
        if known is not None and known[0] is choices:
            return known[1]
        made = make()
        with self._lock:
            self._known[key] = choices, made
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        return made
