"""Values by key, of which the longest unused are forgotten."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import islice
from typing import Any, Generic, TypeVar

__all__ = ["Bounded"]

V = TypeVar("V")

_SHARE = 64


class Bounded(Generic[V]):
    """Values by key; beyond ``most``, the longest unused are forgotten.

    A dictionary keeps the order in which keys came: what is used is put in anew, once there
    are more than a ``few``, half of what there is room for. To find the first key of one that
    lost many takes long, so a 64th of all is forgotten at once.
    """

    __slots__ = ("absent", "few", "most", "values")

    def __init__(self, absent: V, most: int) -> None:
        self.absent = absent
        self.most = most
        self.few = most // 2
        self.values: dict[Hashable, V] = {}

    def get(self, key: Hashable) -> V:
        """Give a value, which is used by that."""
        values = self.values
        value = values.get(key)
        if value is None:
            return self.absent
        if len(values) > self.few:
            del values[key]
            values[key] = value
        return value

    def set(self, key: Hashable, value: V) -> None:
        """Set a value."""
        values = self.values
        if len(values) > self.few:
            values.pop(key, None)
            values[key] = value
            if len(values) > self.most:
                self._forget()
        else:
            values[key] = value

    def names(self) -> tuple[Any, ...]:
        """Give all keys, the longest unused first."""
        return tuple(self.values)

    def _forget(self) -> None:
        """Forget what is beyond the bound, and the share that is to be forgotten with it."""
        values = self.values
        beyond = len(values) - self.most + self.most // _SHARE
        for key in tuple(islice(values, beyond)):
            del values[key]
