"""The pace of each answer, worked out once per scenario."""

from __future__ import annotations

from msgspec import Struct

from mockdock.content.chunks import Chunk
from mockdock.frames import Pacing
from mockdock.scenario import PacingSpec, ReplySpec

__all__ = ["Pace", "pace_of"]


class Pace(Struct, frozen=True):
    """How fast an answer leaves, None for at once, and what one chunk of it holds."""

    pacing: Pacing | None = None
    chunk: Chunk = "token"


def pace_of(answer: object, base: PacingSpec | None, *, above: PacingSpec | None = None) -> Pace:
    """Give the pace of an answer: its own, the rest from the scenario's; ``above`` wins."""
    spec = base
    if isinstance(answer, ReplySpec) and answer.pacing is not None:
        spec = answer.pacing.over(base)
    if above is not None:
        spec = above.over(spec)
    if spec is None:
        return Pace()
    return Pace(spec.pacing(), "token" if spec.chunk is None else spec.chunk)
