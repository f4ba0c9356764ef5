"""How much a reasoning model thinks before a generated answer."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from mockdock.request import Effort

__all__ = ["think"]

_STEP = 64
"""Recorded reasoning comes in multiples of 64 tokens."""

_STEPS: Mapping[Effort, tuple[int, int]] = {
    "none": (0, 0),
    "minimal": (0, 0),
    "low": (1, 3),
    "medium": (4, 10),
    "high": (11, 24),
    "xhigh": (25, 48),
    "max": (49, 96),
}


def think(effort: Effort, rng: Random) -> int:
    """Draw a number of reasoning tokens; more effort always thinks longer."""
    return _STEP * rng.randint(*_STEPS[effort])
