"""The time that matching the patterns of others may take, alone and all together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from msgspec import Struct

__all__ = ["Budget", "current", "limited"]

_TOTAL_TIME = 0.3


class Budget(Struct):
    """Seconds of processor time that are left."""

    left: float = _TOTAL_TIME


current: ContextVar[Budget | None] = ContextVar("current", default=None)
"""That of the block we are in, if we are in one."""


@contextmanager
def limited() -> Iterator[None]:
    """Let all checks in here share one time limit, that of an outer block if there is one."""
    token = None if current.get() else current.set(Budget())
    try:
        yield
    finally:
        if token:
            current.reset(token)
