"""The retry policy that clients of a scenario are judged by."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from msgspec.structs import replace
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from mockdock.policy import LINES, POLICIES, Backoff, Clock, Herd, LineName, Policy, RetryAfter
from mockdock.scenario.base import (
    Bool,
    Complaint,
    Number,
    Part,
    Positive,
    Word,
    refuse,
    rejection,
    shown,
    unknown,
)
from mockdock.scenario.durations import Duration

__all__ = ["AuditSpec", "BackoffSpec", "HerdSpec", "NeverSpec", "RetryAfterSpec", "RetrySpec"]

_CLASSES = {"4xx": range(400, 500), "5xx": range(500, 600)}
_ERRORS = range(400, 600)

Share = Annotated[Number, Field(ge=0, le=1)]


def _status(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        if value not in _ERRORS:
            refuse([Complaint(f"{shown(value)} is not an HTTP error", "a status from 400 to 599")])
    elif not isinstance(value, str) or value not in _CLASSES:
        refuse([unknown(value, tuple(_CLASSES), "a status from 400 to 599")])
    return value


def _code(value: str) -> str:
    if not value.isprintable():
        refuse([Complaint(f"{shown(value)} cannot be a code", "printable characters only")])
    return value


Code = Annotated[Word, AfterValidator(_code)]
Status = Annotated[
    Literal["4xx", "5xx"] | Annotated[int, Field(ge=400, le=599)], BeforeValidator(_status)
]


class RetrySpec(Part):
    """What a client has to try again. What is not given is the policy's own."""

    statuses: tuple[Status, ...] | None = Field(
        None, description="HTTP errors such as 429, or 5xx for all of them"
    )
    codes: tuple[Code, ...] | None = Field(
        None, description="codes or types of errors; they win over statuses"
    )
    connection: Bool | None = Field(
        None, description="also when the connection broke before there was a reply"
    )


class NeverSpec(Part):
    """What a client must not try again. What is not given is the policy's own."""

    statuses: tuple[Status, ...] | None = Field(
        None,
        description="HTTP errors such as 400, or 4xx for all not to be retried by number",
    )
    codes: tuple[Code, ...] | None = Field(
        None, description="codes or types of errors such as insufficient_quota; they win"
    )


class RetryAfterSpec(Part):
    """How long a client waits when a reply tells it: ms before seconds before a date."""

    cap: Duration | None = Field(None, description="longer waits need not be kept; absent: all")
    above: Literal["ignore", "give_up"] | None = Field(
        None, description="above the cap: use the own backoff, or do not try again"
    )
    tolerance: Share | None = Field(None, description="share of the wait that may be missing")
    slack: Duration | None = Field(None, description="real time that may be missing besides")

    def over(self, base: RetryAfter | None) -> RetryAfter:
        """Give the rule with what is given here."""
        return replace(base or RetryAfter(), **_given(self))


class BackoffSpec(Part):
    """How long a client waits by itself: base * factor ** (retry - 1), at most cap, jittered."""

    base: Duration | None = Field(None, description="the wait before the first retry")
    factor: Annotated[Number, Field(ge=1, le=100)] | None = Field(
        None, description="how many times longer each wait is than the one before"
    )
    cap: Duration | None = Field(None, description="no wait is longer, before jitter")
    jitter: tuple[Number, Number] | None = Field(
        None, description="what a wait is multiplied by: the least and the most"
    )
    tolerance: Share | None = Field(None, description="share by which a wait may be off")
    slack: Duration | None = Field(None, description="real time by which it may be longer besides")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.jitter is not None and not 0 <= self.jitter[0] <= self.jitter[1]:
            hint = "such as [0.75, 1], or [0, 1] for full jitter"
            refuse([Complaint("jitter goes from the least to the most", hint, at=("jitter",))])
        return self

    def over(self, base: Backoff | None) -> Backoff:
        """Give the backoff with what is given here; it needs a base wait from one of both."""
        return replace(Backoff(0.0) if base is None else base, **_given(self))


class HerdSpec(Part):
    """How synchronised the retries of all clients may be. A number is the threshold."""

    shorthand: ClassVar[dict[str, Any]] = {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "description": "the highest herd index: 0 evenly spread, 1 all at once",
    }

    threshold: Share | None = Field(
        None, description="the highest herd index: 0 evenly spread, 1 all at once"
    )
    bin: Duration | None = Field(None, description="retries within this time count as one moment")

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, data: Any) -> Any:
        if isinstance(data, int | float) and not isinstance(data, bool):
            return {"threshold": data}
        if isinstance(data, dict | HerdSpec):
            return data
        raise rejection(Complaint(f"expected a number or a mapping, got {shown(data)}"))

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.bin == 0:
            refuse([Complaint("a bin of no length holds nothing", at=("bin",))])
        return self

    def over(self, base: Herd | None) -> Herd:
        """Give the rule with what is given here."""
        return replace(base or Herd(), **_given(self))


def _policy(value: object) -> object:
    if value is not None and (not isinstance(value, str) or value not in POLICIES):
        refuse([unknown(value, tuple(POLICIES))])
    return value


def _line(value: object) -> object:
    if value not in LINES:
        refuse([unknown(value, LINES)])
    return value


class AuditSpec(Part):
    """What is asked of clients: a ready policy, and what is different. A text names a policy."""

    shorthand: ClassVar[dict[str, Any]] = {
        "type": "string",
        "enum": list(POLICIES),
        "description": "a ready policy: the documented behaviour of a client",
    }

    policy: Annotated[str | None, BeforeValidator(_policy)] = Field(
        None,
        description="a ready policy to begin with; absent: what any client should do",
        json_schema_extra={"enum": [*POLICIES, None]},
    )
    clock: Clock | None = Field(
        None, description="whose seconds these are: of the scenario, or real ones of the client"
    )
    max_attempts: Positive | None = Field(
        None, description="attempts of one call, the first one too"
    )
    deadline: Duration | None = Field(
        None, description="from the first request of a call to the end of its last reply"
    )
    retry: RetrySpec | None = Field(None, description="what has to be tried again")
    never: NeverSpec | None = Field(None, description="what must not be tried again")
    should_retry: Bool | None = Field(
        None, description="whether x-should-retry wins over statuses and codes"
    )
    retry_after: RetryAfterSpec | None = Field(
        None, description="how long to wait when a reply tells it"
    )
    backoff: BackoffSpec | None = Field(None, description="how long to wait when none does")
    herd: HerdSpec | None = Field(None, description="how synchronised retries may be")
    cut_streams: Bool | None = Field(
        None, description="a stream that was cut has to be asked for again"
    )
    cancelled_streams: Bool | None = Field(
        None, description="who gives up a reply has to close the connection"
    )
    window: Duration | None = Field(
        None, description="time after a failure in which a similar request may be its retry"
    )
    skip: tuple[Annotated[LineName, BeforeValidator(_line)], ...] = Field(
        (), description="lines of the policy that are not judged"
    )

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, data: Any) -> Any:
        if isinstance(data, str):
            _policy(data)
            return {"policy": data}
        if isinstance(data, dict | AuditSpec):
            return data
        raise rejection(Complaint(f"expected the name of a policy or a mapping, got {shown(data)}"))

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse(self._complaints())
        return self

    def _complaints(self) -> Iterator[Complaint]:
        if self.backoff is not None and self.backoff.base is None and self._base.backoff is None:
            hint = "such as base: 500ms"
            yield Complaint("a backoff needs a base", hint, at=("backoff",), on_key=True)
        if self.retry is None or self.never is None:
            return
        for name in ("statuses", "codes"):
            both = set(getattr(self.retry, name) or ()) & set(getattr(self.never, name) or ())
            for each in sorted(both, key=str):
                message = f"{shown(each)} is to be tried again as well"
                yield Complaint(message, at=("never", name))

    @property
    def _base(self) -> Policy:
        return POLICIES["default" if self.policy is None else self.policy]

    def to_policy(self) -> Policy:
        """Give the policy: what is said here, over the ready one."""
        base = self._base
        retry, never = self.retry or RetrySpec(), self.never or NeverSpec()
        again, no = _statuses(base, retry.statuses, never.statuses)
        codes, nots = _codes(base, retry.codes, never.codes)
        said: dict[str, Any] = {
            "clock": self.clock,
            "max_attempts": self.max_attempts,
            "deadline": self.deadline,
            "retry_wire": retry.connection,
            "obey_should_retry": self.should_retry,
            "cut_streams": self.cut_streams,
            "cancelled_streams": self.cancelled_streams,
            "window": self.window,
            "retry_after": self.retry_after and self.retry_after.over(base.retry_after),
            "backoff": self.backoff and self.backoff.over(base.backoff),
            "herd": self.herd and self.herd.over(base.herd),
        }
        changed = replace(
            base,
            retry_statuses=again,
            never_statuses=no,
            retry_codes=codes,
            never_codes=nots,
            **{name: value for name, value in said.items() if value is not None},
        ).without(*self.skip)
        return changed if changed == base else replace(changed, name=f"{base.name}, changed")


def _statuses(
    base: Policy, retry: Sequence[int | str] | None, never: Sequence[int | str] | None
) -> tuple[frozenset[int], frozenset[int]]:
    """Tell statuses of both lists apart: what is said here wins, a number over a class."""
    again, no = _expanded(retry or ()), _expanded(never or ())
    if retry is None:
        again = base.retry_statuses - no
    again -= {each for each in never or () if isinstance(each, int)}
    return again, (base.never_statuses if never is None else no) - again


def _codes(
    base: Policy, retry: Sequence[str] | None, never: Sequence[str] | None
) -> tuple[frozenset[str], frozenset[str]]:
    again = base.retry_codes.difference(never or ()) if retry is None else frozenset(retry)
    no = base.never_codes.difference(retry or ()) if never is None else frozenset(never)
    return again, no


def _given(spec: Part) -> dict[str, Any]:
    return {name: value for name, value in spec if value is not None}


def _expanded(statuses: Iterable[int | str]) -> frozenset[int]:
    return frozenset(
        status
        for each in statuses
        for status in ([each] if isinstance(each, int) else _CLASSES[each])
    )
