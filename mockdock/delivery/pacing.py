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
    due = start + pacing.ttft.draw(rng)
    fixed = pacing.itl.low if pacing.itl.kind == "fixed" else None
    tokens = 0
    for frame in frames:
        if frame.tokens:
            fresh = frame.tokens if tokens else frame.tokens - 1
            tokens += frame.tokens
            if fixed is not None:
                due += fixed * fresh
            else:
                for _ in range(fresh):
                    due += pacing.itl.draw(rng)
        yield due, frame
