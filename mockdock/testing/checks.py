"""Arguments that are checked by hand, because no model reads them."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Mapping
from typing import Any

from mockdock.errors import UsageError

__all__ = ["plain", "seconds", "short", "shown", "whole"]

_LONGEST = 60
_DEEPEST = 100
_HALF = re.compile("[\ud800-\udfff]")
_NUMBERS = (-(2**63), 2**64 - 1)
"""The least and the most that JSON here can hold."""


def whole(name: str, value: Any, least: int, most: int = _NUMBERS[1]) -> int:
    """Give a whole number back. Raises UsageError for another value, a smaller or a greater one."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UsageError(f"{name}={short(value)}: write a whole number, at least {least}")
    if value > most:
        raise UsageError(f"{name}={short(value)}: write a whole number, at most {most}")
    return value


def seconds(name: str, value: Any) -> float:
    """Give seconds back. Raises UsageError for what is no number, or below 0, or too long."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or value != value or value < 0 or value == math.inf:  # noqa: PLR0124 - nan
        raise UsageError(f"{name}={short(value)}: write seconds, 0 or more")
    if value > threading.TIMEOUT_MAX:
        most = int(threading.TIMEOUT_MAX)
        raise UsageError(f"{name}={short(value)}: write seconds, at most {most}")
    return float(value)


def plain(value: Any, at: str = "", *, depth: int = 0) -> Any:
    """Copy mappings and sequences as those the language reads: dictionaries and lists.

    ``at`` is what messages call the value, ``depth`` how deep it lies. Raises UsageError
    for what no JSON can carry: half of a surrogate pair, a number beyond 64 bits, a key
    as a number and as a text, a value that is a part of itself.
    """
    if depth > _DEEPEST:
        raise UsageError(
            f"{_named(at[:_LONGEST])}nested deeper than {_DEEPEST} levels, or a part of itself"
        )
    if isinstance(value, Mapping):
        return _mapping(value, at, depth)
    if isinstance(value, list | tuple):
        return [
            plain(inner, f"{at}[{place}]", depth=depth + 1) for place, inner in enumerate(value)
        ]
    if isinstance(value, int) and not _NUMBERS[0] <= value <= _NUMBERS[1]:
        raise UsageError(f"{_named(at)}{short(value)} does not fit into 64 bits")
    return _text(value, at)


def _mapping(value: Mapping[Any, Any], at: str, depth: int) -> dict[Any, Any]:
    for key in value:
        if type(key) is int and _NUMBERS[0] <= key <= _NUMBERS[1] and str(key) in value:
            raise UsageError(f"{_named(at)}the key {key} twice, as a number and as a text")
    return {
        _text(key, at): plain(inner, _below(at, key), depth=depth + 1)
        for key, inner in value.items()
    }


def _text(value: Any, at: str) -> Any:
    if isinstance(value, str) and (half := _HALF.search(value)):
        raise UsageError(
            f"{_named(at)}{short(value)} has half of a surrogate pair, {half[0]!r}, "
            "which is no text: write whole characters"
        )
    return value


def _below(at: str, key: Any) -> str:
    return f"{at}.{key}" if at else shown(key) if not isinstance(key, str) else key


def _named(at: str) -> str:
    return f"{at}: " if at else ""


def short(value: Any) -> str:
    """Write a value for a message, cut where it is long."""
    text = shown(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def shown(value: Any) -> str:
    """Write a value for a message, whatever its own ``repr`` does."""
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - a message must not be lost for it
        return f"<{type(value).__name__}: its repr raises {type(error).__name__}>"
