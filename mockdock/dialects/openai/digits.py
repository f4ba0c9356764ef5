"""Numbers in error messages: as they were sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from mockdock.dialects.openai.paths import Step

__all__ = ["as_sent", "number"]

_EXACT = 2**53
"""From here on floats skip integers, and are written with an exponent."""


class _Digits(str):
    """A number in a body, letter by letter."""

    __slots__ = ()


def number(value: float) -> str:
    """Write a number as it was sent, whole ones without a point."""
    whole = isinstance(value, float) and value.is_integer() and abs(value) < _EXACT
    return str(int(value)) if whole else str(value)


def as_sent(raw: bytes, path: Sequence[Step]) -> str | None:
    """Give the letters of the number at ``path`` of a JSON body, None for no number.

    Whole numbers beyond 64 bits are floats to the parser of requests.
    """
    try:
        value = json.loads(raw, parse_int=_Digits, parse_float=_Digits)
    except (ValueError, RecursionError):
        return None
    for step in path:
        if isinstance(value, Mapping) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return str(value) if isinstance(value, _Digits) else None
