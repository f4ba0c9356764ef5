"""Times as OpenAI writes them, in messages and headers."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, ulp

__all__ = ["go_duration", "whole_milliseconds"]

_SECOND = 1000


def whole_milliseconds(seconds: float) -> int:
    """Give the milliseconds that are long enough; 1.1 s are 1100 ms, whatever floats say."""
    milliseconds = seconds * _SECOND
    return ceil(milliseconds - 4 * ulp(milliseconds))


def go_duration(seconds: float) -> str:
    """Write seconds as Go does, in whole milliseconds: 0s, 644ms, 20s, 6m0s, 1h0m0s."""
    return _written(whole_milliseconds(seconds))


@lru_cache(4096)
def _written(milliseconds: int) -> str:
    if 0 < milliseconds < _SECOND:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60 * _SECOND)
    text = f"{rest / _SECOND:g}s"
    if minutes:
        hours, minutes = divmod(minutes, 60)
        text = f"{hours}h{minutes}m{text}" if hours else f"{minutes}m{text}"
    return text
