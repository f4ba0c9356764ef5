"""How much is done, and what it costs: no clock decides whether a test passes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from time import thread_time

__all__ = ["bounded", "examples"]

_ENOUGH = 25


def examples(desk: int) -> int:
    """Give how many examples to try of what is dear: in CI two fifths, but 25 at least.

    There they are the same in every run, so that more of them find nothing new; each run
    at the desk tries others.
    """
    return max(min(desk, _ENOUGH), desk * 2 // 5) if os.environ.get("CI") else desk


def _loop() -> float:
    """Give the processor time of a hundred thousand steps of plain Python, traced or not."""
    begun = thread_time()
    seen: dict[int, int] = {}
    for step in range(100_000):
        place = step % 1000
        seen[place] = seen.get(place, 0) + step
    return thread_time() - begun


@contextmanager
def bounded(loops: int) -> Iterator[None]:
    """Fail when the body costs this thread more than so many loops.

    Loops are run before and after, in the same process and under the same tracing, and what
    other processes do does not count; so a slow or busy machine changes both sides alike.
    Ask for ten times of what is needed: only work that grows out of hand shall fail.
    """
    before = _loop()
    begun = thread_time()
    yield
    spent = thread_time() - begun
    cost = spent / max(before, _loop())
    assert cost < loops, f"cost {cost:.0f} loops, {loops} are enough"
