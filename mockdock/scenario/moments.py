"""Moments of the past, as the language writes them: so long ago, or a date and time."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from mockdock.scenario.base import Complaint, Path, refuse, rejection, shown
from mockdock.scenario.durations import seconds, spelled

__all__ = ["Age", "Moment", "either"]

_DAYS = re.compile(r"(?P<number>\d+(\.\d+)?)d", re.ASCII)
_DAY = 24 * 3600.0
_YEAR = 366
_LONGEST = 10 * _YEAR
_AGE_JSON = {
    "type": "string",
    "pattern": r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$",
    "examples": ["3d", "12h", "90m"],
}
_MOMENT_JSON = {"type": "string", "examples": ["2026-01-31T08:30:00Z", "2026-01-31"]}
_HINT = "such as 2026-01-31T08:30:00Z; without a zone it is UTC"


def _age(value: object) -> float:
    """Read a time that has gone by, such as ``3d`` or ``90m``, in seconds."""
    if not isinstance(value, str) or not (found := _DAYS.fullmatch(value)):
        return seconds(value)
    if float(found["number"]) > _LONGEST:
        refuse([Complaint(f"{shown(value)} is longer than ten years")])
    return float(found["number"]) * _DAY


def _told(age: float) -> str:
    """Write seconds as an age of the language: in days where they are too long for a duration."""
    days = age / _DAY
    return spelled(age) if days <= _YEAR else f"{days!r}d".replace(".0d", "d")


def _moment(value: object) -> datetime:
    """Read a date, with a time or without, in UTC."""
    if isinstance(value, datetime):
        return value
    try:
        read = datetime.fromisoformat(value if isinstance(value, str) else "")
        moment = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise rejection(Complaint(f"{shown(value)} is not a moment", _HINT)) from None
    if moment.year < 1970:  # noqa: PLR2004 - where time begins
        refuse([Complaint(f"{shown(value)} is before 1970")])
    return moment


def either(ago: float | None, moment: datetime | None, name: str) -> None:
    """Refuse a moment that is told in both ways."""
    if ago is not None and moment is not None:
        at: Path = (name,)
        refuse([Complaint(f"'ago' and {name!r} exclude each other", at=at, on_key=True)])


Age = Annotated[float, BeforeValidator(_age), PlainSerializer(_told), WithJsonSchema(_AGE_JSON)]
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema(_MOMENT_JSON)]
