"""How many connections each of several processes has, in memory that all of them see."""

from __future__ import annotations

import mmap

__all__ = ["Share", "Shares"]

_NOBODY = 2**31 - 1
"""What a process has that takes no connections yet: nobody waits for it."""
_SIZE = 4


class Shares:
    """The connections of so many processes, made before they are forked."""

    def __init__(self, count: int) -> None:
        self._counts = memoryview(mmap.mmap(-1, _SIZE * count)).cast("i")
        for number in range(count):
            self._counts[number] = _NOBODY

    def of(self, number: int) -> Share:
        """Give the share of one process, counted from 0."""
        return Share(self._counts, number)


class Share:
    """The connections of one process among others."""

    def __init__(self, counts: memoryview[int], number: int) -> None:
        self._counts = counts
        self._number = number

    def is_large(self, mine: int) -> bool:
        """Note how many there are, and tell whether another process has fewer."""
        self._counts[self._number] = mine
        return mine > min(self._counts)
