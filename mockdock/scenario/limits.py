"""Rate limits and budgets: how much is let through, by whom, in what time."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from mockdock.limit import RetryHeader
from mockdock.scenario.base import Complaint, Number, Part, Positive, refuse, unknown
from mockdock.scenario.durations import Duration

__all__ = ["HeaderWord", "LimitSpec", "Scope"]

Rate = Annotated[Positive, Field(le=1_000_000_000_000)]
"""What is let through; floating-point numbers are exact enough up to here."""
Scope = Literal["workspace", "key", "model", "server", "session"]

_HEADERS: tuple[RetryHeader, ...] = ("both", "seconds", "ms", "date", "none", "lies")
_MINUTE = 60.0
_AMOUNTS = ("rpm", "tpm", "rpd", "tpd", "concurrent", "token_budget", "cost_budget")


def _header(value: object) -> object:
    if value not in _HEADERS:
        refuse([unknown(value, _HEADERS)])
    return value


HeaderWord = Annotated[RetryHeader, BeforeValidator(_header)]


def _scopes(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class LimitSpec(Part):
    """What may be asked in some time; every limit of a scenario has to admit a request."""

    per: Annotated[
        tuple[Scope, ...],
        BeforeValidator(_scopes, json_schema_input_type=Scope | list[Scope]),
        Field(min_length=1),
    ] = Field(
        ("workspace", "model"),
        description="what is counted apart; with 'server' across all sessions, else in each; "
        "'model' is the deployment at Azure",
    )
    rpm: Rate | None = Field(None, description="requests per minute")
    tpm: Rate | None = Field(None, description="tokens per minute")
    rpd: Rate | None = Field(None, description="requests per day")
    tpd: Rate | None = Field(None, description="tokens per day")
    concurrent: Rate | None = Field(None, description="requests answered at the same time")
    token_budget: Rate | None = Field(None, description="tokens until the quota is spent, for good")
    cost_budget: Annotated[Number, Field(gt=0)] | None = Field(
        None, description="US dollars until the quota is spent, for good"
    )
    algorithm: Literal["bucket", "fixed", "sliding"] = Field(
        "bucket",
        description="a token bucket that refills all the time, or windows of time",
    )
    window: Duration | None = Field(
        None, description="length of the windows of rpm and tpm, which get their share of a minute"
    )
    refused: Literal["counted", "free"] = Field(
        "counted", description="whether a refused request counts as a request"
    )
    header: HeaderWord = Field(
        "both", description="how a refusal says when to come back: retry-after, -ms, both ..."
    )
    extend: Duration | None = Field(
        None, description="a retry that comes before its time makes the wait so much longer"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if all(getattr(self, name) is None for name in _AMOUNTS):
            refuse([Complaint(f"a limit needs one of: {', '.join(_AMOUNTS)}")])
        if self.window is not None:
            if self.algorithm == "bucket":
                hint = "write algorithm: fixed or algorithm: sliding"
                message = "a token bucket has no window"
                refuse([Complaint(message, hint, at=("window",), on_key=True)])
            if self.window <= 0:
                refuse([Complaint("a window takes some time", "such as 10s", at=("window",))])
            if self.rpm is None and self.tpm is None:
                refuse([Complaint("a window is for rpm and tpm", at=("window",), on_key=True)])
            self._check_share(self.window)
        return self

    def _check_share(self, window: float) -> None:
        """Refuse a window so short that nothing is let through, or more than was said."""
        least = min(amount for amount in (self.rpm, self.tpm) if amount is not None)
        if least * window < _MINUTE:
            message = f"a window this short has no share of {least} a minute"
            refuse([Complaint(message, f"from {_MINUTE / least:g}s on", at=("window",))])
