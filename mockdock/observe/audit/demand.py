"""How long a reply wants its client to wait, as the headers say it."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from msgspec import Struct

__all__ = ["Demand", "demand"]


_LONGEST = 1e12


class Demand(Struct, frozen=True):
    """A wait in seconds of the policy's clock, the header that counts, and what others say."""

    seconds: float
    header: str
    others: tuple[tuple[str, float], ...] = ()


def demand(headers: Mapping[str, str], end: float, unit: float) -> Demand | None:
    """Read the headers of a reply: milliseconds count before seconds, those before a date.

    ``end`` is when the reply was sent, in seconds since 1970; a wait of a real
    second is ``unit`` long. None: nothing is demanded, or nothing that makes
    sense, such as a wait of 0 seconds or less, or of 30,000 years.
    """
    found = []
    for header, divisor in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(header, "")
        if (number := _number(value)) is not None:
            found.append((header, number / divisor * unit))
        elif header == "retry-after" and (until := _date(value)) is not None:
            found.append(("retry-after, a date", (until - end) * unit))
    if not found or found[0][1] <= 0:
        return None
    (name, seconds), *others = found
    return Demand(seconds, name, tuple(others))


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if abs(number) <= _LONGEST else None


def _date(value: str) -> float | None:
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
