"""Which of many texts another one may hold, found without a search for each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

__all__ = ["Needles"]

_SIZE = 4
"""Bytes that are looked for together; of a text every fourth place is looked at."""
_SHORTEST, _LONGEST = 2 * _SIZE - 1, 64
"""Of so many bytes four are at such a place, wherever they begin; more are not considered."""


class Needles:
    """Texts to be found in others, each known by four neighbouring runs of four bytes.

    What holds a text holds its UTF-8, and one of those runs at a place that is divisible by
    four. So only texts whose run is at such a place need be searched for, and short ones.
    """

    def __init__(self, needles: Sequence[str]) -> None:
        runs = [_runs(_bytes(needle)[:_LONGEST]) for needle in needles]
        often = Counter(run for each in runs for run in set(each))
        self._short: list[int] = []
        self._places: dict[int, list[int]] = defaultdict(list)
        for place, each in enumerate(runs):
            if each:
                fours = [each[at : at + _SIZE] for at in range(len(each) - _SIZE + 1)]
                for run in set(min(fours, key=lambda four: sum(often[run] for run in four))):
                    self._places[run].append(place)
            else:
                self._short.append(place)
        self._known = frozenset(self._places)

    def near(self, text: str) -> list[int]:
        """Give the places of all that a text holds, in order, and of some that it does not."""
        data = _bytes(text)
        found = self._known.intersection(memoryview(data)[: len(data) // _SIZE * _SIZE].cast("I"))
        if not found:
            return self._short
        places = {*self._short}
        for run in found:
            places.update(self._places[run])
        return sorted(places)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _runs(data: bytes) -> list[int]:
    """Give all runs of four bytes as numbers, none of what is too short to be known by them."""
    if len(data) < _SHORTEST:
        return []
    return [memoryview(data)[at : at + _SIZE].cast("I")[0] for at in range(len(data) - _SIZE + 1)]
