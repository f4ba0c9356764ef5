"""Times of the ledger: microseconds since 1970, and how they are written."""

from __future__ import annotations

from datetime import UTC, datetime

from mockdock.question import Unit

__all__ = ["label", "moment"]

_FORMS: dict[Unit, str] = {"hour": "%Y-%m-%d %H:00:00", "day": "%Y-%m-%d", "month": "%Y-%m"}


def moment(us: int) -> str:
    """Write a moment in UTC.

    >>> moment(1738146300736000)
    '2025-01-29 10:25:00.736000'
    """
    seconds, rest = divmod(us, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{rest:06d}"


def label(us: int, unit: Unit) -> str:
    """Write an hour, a day or a month by a moment in it, in UTC.

    >>> label(1738146300736000, "hour")
    '2025-01-29 10:00:00'
    """
    return datetime.fromtimestamp(us // 1_000_000, UTC).strftime(_FORMS[unit])
