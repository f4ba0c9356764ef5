"""When each frame is due: time to first token, then time per token."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random

from mockdock.frames import Frame, Pacing

__all__ = ["schedule"]


def schedule(
    frames: Iterable[Frame], pacing: Pacing | None, rng: Random | None, start: float
) -> Iterator[tuple[float, Frame]]:
    """Give each frame the moment it is due, as absolute scenario seconds.

    The first token is due ``ttft`` after ``start``, every further token one
    ``itl`` later, so that a plain reply takes as long as its stream. Frames
    without tokens leave with the one before them. Without pacing (or without a
    generator to draw from) all is due at ``start``.
    """
    if pacing is None or rng is None:
        for frame in frames:
            yield start, frame
        return
    first = start + pacing.ttft.draw(rng)
    itl = pacing.itl
    tokens = waits = 0
    waited = 0.0
    for frame in frames:
        tokens += frame.tokens
        before, waits = waits, max(tokens - 1, 0)
        if itl.kind == "fixed":
            waited = itl.low * waits
        else:
            for _ in range(before, waits):
                waited += itl.draw(rng)
        yield first + waited, frame
