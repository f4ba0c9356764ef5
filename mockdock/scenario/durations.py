"""Durations and delays, as the language writes them."""

import re
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from mockdock.frames import Delay
from mockdock.scenario.base import Complaint, Number, Part, refuse, rejection, shown

__all__ = ["DelaySpec", "Duration", "seconds", "spelled"]

_DURATION = re.compile(r"(?P<number>\d+(\.\d+)?)(?P<unit>ms|s|m|h)", re.ASCII)
_NUMBER = re.compile(r"\d+(\.\d+)?", re.ASCII)
_SCALE = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_LONGEST = 366 * 24 * 3600.0
_JSON = {
    "type": "string",
    "pattern": r"^[0-9]+(\.[0-9]+)?(ms|s|m|h)$",
    "examples": ["250ms", "1.5s", "2m"],
}


def seconds(value: object) -> float:
    """Read a duration such as ``250ms``, ``1.5s``, ``2m`` or ``1h``."""
    text = value if isinstance(value, str) else ""
    if found := _DURATION.fullmatch(text):
        length = float(found["number"]) * _SCALE[found["unit"]]
        if length > _LONGEST:
            refuse([Complaint(f"{shown(value)} is longer than a year")])
        return length
    if isinstance(value, int | float) and not isinstance(value, bool):
        text = f"{value}"
    if _NUMBER.fullmatch(text):
        refuse([Complaint("a duration needs a unit", f"write {text}ms or {text}s")])
    raise rejection(Complaint(f"{shown(value)} is not a duration", "such as 250ms, 1.5s, 2m or 1h"))


def spelled(length: float) -> str:
    """Write seconds as a duration of the language."""
    text = f"{length * 1000:.6f}".rstrip("0").rstrip(".")
    return f"{text}ms"


Duration = Annotated[
    float, BeforeValidator(seconds), PlainSerializer(spelled), WithJsonSchema(_JSON)
]


class DelaySpec(Part):
    """A delay: fixed (a duration), uniform (lower, upper) or lognormal (median, sigma, max).

    A fixed delay has ``lower`` and ``upper`` equal.
    """

    shorthand: ClassVar[dict[str, Any]] = {**_JSON, "description": "a fixed delay"}

    median: Duration | None = Field(None, description="half of the delays are shorter")
    sigma: Annotated[Number, Field(ge=0, le=10)] | None = Field(
        None, description="shape of the lognormal curve; 0: always the median"
    )
    max: Duration | None = Field(None, description="no lognormal delay is longer")
    lower: Duration | None = Field(None, description="shortest uniform delay")
    upper: Duration | None = Field(None, description="longest uniform delay")

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, data: Any) -> Any:
        if isinstance(data, dict | DelaySpec):
            return data
        seconds(data)
        return {"lower": data, "upper": data}

    @model_validator(mode="after")
    def _check(self) -> Self:
        curve = (self.median, self.sigma)
        if self.lower is not None and self.upper is not None:
            if any(value is not None for value in (*curve, self.max)):
                refuse([Complaint("either lower and upper, or median and sigma")])
            if self.upper < self.lower:
                refuse([Complaint("upper is shorter than lower", at=("upper",))])
        elif None in curve or self.lower is not None or self.upper is not None:
            refuse(
                [
                    Complaint(
                        "not a whole delay",
                        "write 250ms, {lower: 1s, upper: 2s} "
                        "or {median: 300ms, sigma: 0.4, max: 2s}",
                    )
                ]
            )
        elif self.max is not None and self.median is not None and self.max < self.median:
            refuse([Complaint("max is shorter than median", at=("max",))])
        return self

    def delay(self) -> Delay:
        """Give the delay, in seconds."""
        if self.lower is not None and self.upper is not None:
            if self.lower == self.upper:
                return Delay(low=self.lower)
            return Delay("uniform", self.lower, self.upper)
        high = {} if self.max is None else {"high": self.max}
        return Delay("lognormal", self.median or 0.0, sigma=self.sigma or 0.0, **high)
