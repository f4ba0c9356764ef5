"""Arguments that are checked by hand, because no model reads them."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from typing import Any

from mockdock.errors import UsageError

__all__ = ["plain", "seconds", "short", "whole"]

_LONGEST = 60


def whole(name: str, value: Any, least: int) -> int:
    """Give a whole number back. Raises UsageError for another value, or a smaller one."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UsageError(f"{name}={short(value)}: write a whole number, at least {least}")
    return value


def seconds(name: str, value: Any) -> float:
    """Give seconds back. Raises UsageError for what is no number, or below 0, or endless."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or math.isnan(value) or not 0 <= value <= threading.TIMEOUT_MAX:
        raise UsageError(f"{name}={short(value)}: write seconds, 0 or more")
    return float(value)


def plain(value: Any) -> Any:
    """Copy mappings and sequences as those the language reads: dictionaries and lists."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def short(value: Any) -> str:
    """Write a value for a message."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
