"""Chaos: errors and faults by chance, and a timeline of what happens when."""

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from mockdock.scenario.base import (
    LARGEST,
    Complaint,
    Number,
    Part,
    Word,
    refuse,
    rejection,
    shown,
)
from mockdock.scenario.conditions import When
from mockdock.scenario.durations import Duration
from mockdock.scenario.faults import MOST_FAULTS, Faults
from mockdock.scenario.pace import PacingSpec
from mockdock.scenario.replies import ErrorSpec
from mockdock.scenario.wishes import Wish, wish

__all__ = ["Burst", "ChaosSpec", "PhaseSpec", "crowded"]

_Weight = Annotated[Number, Field(ge=0, le=LARGEST)]


class Burst(Part):
    """Chaos that comes and goes."""

    every: Duration = Field(description="time from the beginning of one burst to the next")
    for_: Duration = Field(alias="for", description="how long a burst lasts")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not 0 < self.for_ <= self.every:
            message = "a burst lasts some time, at most until the next"
            refuse([Complaint(message, at=("for",))])
        return self


def _mix(value: Any) -> Any:
    if not isinstance(value, dict) or not value:
        hint = "such as {429: 3, 503: 1, reset: 1}"
        refuse([Complaint(f"expected errors and faults with weights, got {shown(value)}", hint)])
    mix: dict[str, Any] = {}
    for key, weight in value.items():
        name = str(key)
        if name in mix:
            refuse([Complaint(f"{shown(name)} twice, as a number and as a text", at=(name,))])
        mix[name] = weight
    return mix


def _wish(name: str) -> Wish:
    try:
        return wish(name)
    except PydanticCustomError as error:
        raise rejection(Complaint(error.message(), at=("mix", name), on_key=True)) from None


class ChaosSpec(Part):
    """Requests that fail by chance; the seed decides which."""

    rate: Annotated[Number, Field(ge=0, le=1)] = Field(description="share of requests that fail")
    mix: Annotated[dict[Word, _Weight], BeforeValidator(_mix)] = Field(
        default_factory=lambda: {"429": 2.0, "500": 1.0, "503": 1.0, "connection_reset": 1.0},
        description="errors (kind or status) and faults by weight",
    )
    burst: Burst | None = Field(None, description="fail only in bursts")
    when: When | None = Field(None, description="only requests like these")
    _wishes: tuple[tuple[Wish, float], ...] = PrivateAttr(())

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not any(self.mix.values()):
            refuse([Complaint("nothing in the mix has a weight", at=("mix",))])
        self._wishes = tuple((_wish(name), weight) for name, weight in self.mix.items())
        return self

    @property
    def wishes(self) -> tuple[tuple[Wish, float], ...]:
        """What may happen, with its weight."""
        return self._wishes


def _error(value: Any) -> Any:
    return {"error": value} if isinstance(value, str | int) else value


class PhaseSpec(Part):
    """Something that happens for a while: an outage, a brown-out, a slow hour."""

    name: Word | None = Field(None, description="a name for messages")
    at: Duration = Field(description="when it begins, counted from the start of the session")
    for_: Duration | None = Field(None, alias="for", description="how long; absent: for good")
    when: When | None = Field(None, description="only requests like these")
    error: Annotated[
        ErrorSpec | None,
        BeforeValidator(_error, json_schema_input_type=ErrorSpec | str | int | None),
    ] = Field(None, description="every request gets this error; a kind or a status is short for it")
    faults: Faults = Field((), description="faults of every reply")
    chaos: ChaosSpec | None = Field(None, description="chaos, in place of the scenario's")
    pacing: PacingSpec | None = Field(None, description="another pace")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.error is None and not self.faults and self.chaos is None and self.pacing is None:
            refuse([Complaint("a phase needs one of: error, faults, chaos, pacing")])
        if self.for_ == 0:
            hint = "leave 'for' out for one that lasts for good"
            refuse([Complaint("a phase takes some time", hint, at=("for",))])
        return self

    @property
    def ends(self) -> float:
        """When it is over, counted from the start of the session; infinite: never."""
        return math.inf if self.for_ is None else self.at + self.for_


def crowded(timeline: Sequence[PhaseSpec]) -> Iterator[Complaint]:
    """Complain about the phase with which there are too many faults at one time."""
    begins = [(phase.at, len(phase.faults), at) for at, phase in enumerate(timeline)]
    ends = [(phase.ends, -len(phase.faults), at) for at, phase in enumerate(timeline)]
    faults = 0
    for _, change, index in sorted([*begins, *ends]):
        faults += change
        if faults > MOST_FAULTS:
            message = f"{faults} faults of phases at the same time, at most {MOST_FAULTS} compose"
            yield Complaint(message, at=("timeline", index, "faults"))
            return
