"""When each frame is due: time to first token, then time per token."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from random import Random

from mockdock.frames import Frame, Pacing

__all__ = ["schedule"]


def schedule(
    frames: Iterable[Frame],
    pacing: Pacing | None,
    rng: Random | None,
    start: float,
    *,
    prompt: int = 0,
    slowness: Callable[[int | None], float] | None = None,
) -> Iterator[tuple[float, Frame]]:
    """Give each frame the moment it is due, as absolute scenario seconds.

    The first token is due ``ttft`` after ``start`` and the time the ``prompt``
    tokens take to be read, every further token one ``itl`` later, so that a
    plain reply takes as long as its stream. ``slowness`` tells, for the capacity
    of the pacing, how many times slower things are at the moment. Frames
    without tokens leave with the one before them. Without pacing (or without a
    generator to draw from) all is due at ``start``.
    """
    if pacing is None or rng is None:
        for frame in frames:
            yield start, frame
        return
    loaded = pacing.capacity is not None and slowness is not None
    slow = 1.0 if slowness is None else slowness(pacing.capacity)
    reading = 0.0 if pacing.prefill is None else prompt / pacing.prefill
    first = start + (pacing.ttft.draw(rng) + reading) * slow
    itl, jitter = pacing.itl, pacing.jitter
    # A lognormal factor with this mean keeps the pace as it is on the average.
    middle = -jitter * jitter / 2
    steady = itl.kind == "fixed" and not jitter and not loaded
    tokens = waits = 0
    waited = 0.0
    for frame in frames:
        tokens += frame.tokens
        before, waits = waits, max(tokens - 1, 0)
        if steady:
            waited = itl.low * waits
        elif waits > before:
            if loaded and slowness is not None:
                slow = slowness(pacing.capacity)
            for _ in range(before, waits):
                factor = rng.lognormvariate(middle, jitter) if jitter else 1.0
                waited += itl.draw(rng) * factor * slow
        yield first + waited, frame
