"""What was told once, to be told again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from mockdock.delivery import Item
from mockdock.dialects import Dialect
from mockdock.frames import Head, Outcome
from mockdock.rendering import Telling, again, said

__all__ = ["Retelling"]


class Retelling:
    """Makes anew what was to leave of an exchange, each with its moment, whenever it is called.

    ``whole`` is its head before anything broke, ``outcome`` how it ended; the request
    ``arrived`` then in scenario seconds, by a clock of such a ``scale``.
    """

    __slots__ = ("_arrived", "_dialect", "_outcome", "_scale", "_telling", "_whole")

    def __init__(
        self,
        dialect: Dialect,
        telling: Telling,
        whole: Head,
        outcome: Outcome,
        arrived: float,
        scale: float,
    ) -> None:
        self._dialect = dialect
        self._telling = telling
        self._whole = whole
        self._outcome = outcome
        self._arrived = arrived
        self._scale = scale

    def __call__(self, _: object = None) -> Iterator[tuple[float, Item]]:
        """Tell it again; the exchange says nothing that is not known."""
        return again(self._dialect, self._telling, self._whole, self._arrived, self._scale)

    def said(self) -> int:
        """Count the completion tokens that have left."""
        whole = self._outcome.ending == "completed"
        return said(self._dialect, self._telling, self._left, whole=whole)

    def _left(self) -> Iterator[Item]:
        return (item for _, item in islice(self(), self._outcome.frames))
