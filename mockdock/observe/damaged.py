"""Values of a record that may come from a file of anybody, and what is told of a wrong one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockdock.errors import UsageError

__all__ = ["damaged", "names", "scale", "seconds", "whole"]

_LARGEST = 2**53
"""Whole numbers up to here are exact in any JSON."""
_LONGEST = 1e12
"""Seconds: more than 30,000 years, and still finite at any time scale."""
_SCALES = (1e-6, 1e6)
_LETTERS = 200
_SHOWN = 40


def damaged(record: object, error: Exception) -> UsageError:
    """Make the error of a record that is none, on one line that no terminal is harmed by."""
    number = record.get("number") if isinstance(record, Mapping) else None
    which = number if type(number) is int and abs(number) <= _LARGEST else "?"
    if isinstance(error, KeyError):
        why = f"the key {error} is missing"
    else:
        why = f"{type(error).__name__}: {error}"
    told = "".join(each if each.isprintable() else "?" for each in why[:_LETTERS])
    return UsageError(f"record {which} is no record of a journal: {told}")


def whole(value: Any, what: str) -> int:
    """Give a whole number of 0 or more. Raises ValueError for anything else."""
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise ValueError(f"{_shown(value)} is no {what}")
    return value


def seconds(value: Any, what: str = "time") -> float:
    """Give a number of seconds. Raises ValueError for what is none."""
    if type(value) not in (int, float) or not -_LONGEST <= value <= _LONGEST:
        raise ValueError(f"{_shown(value)} is no {what}")
    return float(value)


def scale(record: Mapping[str, Any]) -> float:
    """Give the time scale of a record, 1 where it has none. Raises ValueError for a wrong one."""
    given = record.get("time_scale")
    if given is None:
        return 1.0
    read = seconds(given, "time scale")
    low, high = _SCALES
    if read and not low <= read <= high:
        raise ValueError(f"{read:g} is no time scale")
    return read


def names(value: Any, what: str) -> tuple[str, ...]:
    """Give a list of texts. Raises ValueError for anything else."""
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{_shown(value)} is no list of {what}")
    return tuple(value)


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
