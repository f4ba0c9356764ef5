"""The bodies of questions about an account, as LangDB's specification declares them.

What it does not declare is taken and means nothing, as the source of its open gateway
does. ``start_time`` and ``end_time`` are in seconds, those with ``_us`` in microseconds.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, FiniteFloat, StringConstraints

from mockdock.dialects.langdb.wire import Open, Word
from mockdock.question import GroupBy, Unit, Window

__all__ = [
    "ModelBody",
    "PriceBody",
    "SummaryBody",
    "ThreadsBody",
    "UsageByBody",
    "WindowBody",
]

_MOST = 2**63 - 1
_UUID = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_SECOND = 1_000_000
_LAST_SECOND = 253_402_300_799
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_PERIODS = {
    "last_minute": _MINUTE,
    "last15_minute": 15 * _MINUTE,
    "last_15_minutes": 15 * _MINUTE,
    "last_hour": _HOUR,
    "last3_hours": 3 * _HOUR,
    "last_3_hours": 3 * _HOUR,
    "last12_hours": 12 * _HOUR,
    "last_12_hours": 12 * _HOUR,
    "last_day": _DAY,
    "last_week": 7 * _DAY,
    "last_month": 30 * _DAY,
    "last_year": 365 * _DAY,
}
"""By the names of the specification; a month has 30 days, a year 365."""

Period = Literal[
    "last_minute",
    "last15_minute",
    "last_15_minutes",
    "last_hour",
    "last3_hours",
    "last_3_hours",
    "last12_hours",
    "last_12_hours",
    "last_day",
    "last_week",
    "last_month",
    "last_year",
]
Seconds = Annotated[int, Field(ge=0, le=_LAST_SECOND)]
Micros = Annotated[int, Field(ge=0, le=_LAST_SECOND * _SECOND)]
Dollars = Annotated[FiniteFloat, Field(ge=0, le=1e9)]
OfToken = Annotated[FiniteFloat, Field(ge=0, le=1e3)]
"""As much for one token as the most is for a million; an answer then costs what can be kept."""


class ThreadsBody(Open):
    """Which threads are wanted."""

    limit: Annotated[int, Field(ge=1, le=_MOST)]
    offset: Annotated[int, Field(ge=0, le=_MOST)]


class WindowBody(Open):
    """A range of time. A period wins over times; those of microseconds over seconds."""

    period: Period | None = None
    start_time_us: Micros | None = None
    end_time_us: Micros | None = None
    start_time: Seconds | None = None
    end_time: Seconds | None = None

    @property
    def window(self) -> Window:
        """Give it as a noun."""
        if self.period is not None:
            return Window(last_us=_PERIODS[self.period])
        return Window(
            start_us=_micros(self.start_time_us, self.start_time),
            end_us=_micros(self.end_time_us, self.end_time),
        )


def _micros(micros: int | None, seconds: int | None) -> int | None:
    return seconds * _SECOND if micros is None and seconds is not None else micros


class SummaryBody(WindowBody):
    """Of what time figures are wanted, and for which groups."""

    groupBy: Annotated[list[GroupBy], Field(min_length=1, max_length=len(get_args(GroupBy)))]  # noqa: N815 - the wire's
    tag_keys: Annotated[list[Word], Field(max_length=32)] = Field(default_factory=list)


class UsageByBody(WindowBody):
    """Of what time usage is wanted, and in which units."""

    min_unit: Unit = "hour"


class PriceBody(Open):
    """What a model costs, in US dollars for a million tokens."""

    per_input_token: Dollars
    per_output_token: Dollars


class ModelBody(Open):
    """A model to be made."""

    model_name: Word
    description: str
    provider_info_id: Annotated[str, StringConstraints(pattern=_UUID)]
    project_id: Word
    model_type: Word
    owner_name: Word
    priority: Annotated[int, Field(ge=-_MOST, le=_MOST)]
    public: bool = False
    request_response_mapping: str | None = None
    input_token_price: OfToken | None = None
    output_token_price: OfToken | None = None
    context_size: Annotated[int, Field(ge=1, le=_MOST)] | None = None
    capabilities: list[str] = Field(default_factory=list)
    input_types: list[str] = Field(default_factory=list)
    output_types: list[str] = Field(default_factory=list)
    tags: list[str] = Field(default_factory=list)
    type_prices: dict[str, Dollars] | None = None
    mp_price: Dollars | None = None
    model_name_in_provider: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
