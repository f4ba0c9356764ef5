"""Pace: how fast an answer comes, alone and under load."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import BeforeValidator, Field, model_validator

from mockdock.frames import Delay, Pacing
from mockdock.scenario.base import (
    Complaint,
    Number,
    Part,
    Positive,
    refuse,
    rejection,
    shown,
    unknown,
)
from mockdock.scenario.durations import DelaySpec

__all__ = ["PROFILES", "PacingSpec", "Profile"]

Profile = Literal["fast", "gpt-4o", "reasoning", "overloaded"]

PROFILES: Mapping[Profile, Mapping[str, Any]] = MappingProxyType(
    {
        "fast": {"ttft": "80ms", "tps": 250.0, "jitter": 0.1},
        "gpt-4o": {
            "ttft": {"median": "390ms", "sigma": 0.35, "max": "5s"},
            "tps": 81.0,
            "jitter": 0.2,
            "prefill": 20_000.0,
        },
        "reasoning": {
            "ttft": {"median": "8s", "sigma": 0.6, "max": "60s"},
            "tps": 110.0,
            "jitter": 0.2,
            "prefill": 20_000.0,
        },
        "overloaded": {
            "ttft": {"median": "4s", "sigma": 0.8, "max": "60s"},
            "tps": 12.0,
            "jitter": 0.6,
            "prefill": 2_000.0,
            "capacity": 20,
        },
    }
)
"""Ready paces by name.

The medians of gpt-4o (0.39 s to the first token, 81 tokens a second) are those
Artificial Analysis measured at OpenAI for GPT-4o of May 2024. All else is a
choice: a small model close by, a model that thinks first, a service in trouble.
"""

_NAMES = get_args(Profile)
_RATES = ("tps", "itl")


def _profile(value: object) -> object:
    if value is not None and value not in _NAMES:
        refuse([unknown(value, _NAMES)])
    return value


def _chunk(value: object) -> object:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if value is not None and value not in ("token", "word") and not (whole and value > 0):  # type: ignore[operator]
        refuse(
            [Complaint(f"unknown chunk {shown(value)}", "token, word or a number of characters")]
        )
    return value


class PacingSpec(Part):
    """How fast an answer comes. A plain text stands for ``{profile: ...}``."""

    shorthand: ClassVar[dict[str, Any]] = {
        "type": "string",
        "enum": [*_NAMES],
        "description": "a profile",
    }

    profile: Annotated[Profile | None, BeforeValidator(_profile)] = Field(
        None, description="a ready pace; what else is given here wins over it"
    )
    ttft: DelaySpec | None = Field(None, description="time to the first token")
    itl: DelaySpec | None = Field(None, description="time between two tokens")
    tps: Annotated[Number, Field(gt=0)] | None = Field(
        None, description="tokens per second, instead of itl"
    )
    chunk: Annotated[
        Literal["token", "word"] | Annotated[int, Field(gt=0)] | None, BeforeValidator(_chunk)
    ] = Field(None, description="what one chunk holds: a token, a word or so many characters")
    prefill: Annotated[Number, Field(gt=0)] | None = Field(
        None, description="prompt tokens read per second, before the first token"
    )
    jitter: Annotated[Number, Field(ge=0, le=3)] | None = Field(
        None, description="sigma of a lognormal factor on every time between tokens"
    )
    capacity: Positive | None = Field(
        None, description="replies at once, above which all become slower in proportion"
    )
    concurrent: Positive | None = Field(
        None, description="replies at once; the others queue, first come, first served"
    )

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"profile": data}
        if isinstance(data, dict | PacingSpec):
            return data
        hint = "a profile, or such as {ttft: 300ms, tps: 60}"
        raise rejection(Complaint(f"expected a pace, got {shown(data)}", hint))

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.itl is not None and self.tps is not None:
            refuse([Complaint("itl and tps say the same thing: give one", at=("tps",))])
        return self

    def over(self, base: "PacingSpec | None") -> "PacingSpec":
        """Merge: what is given here wins, the rest comes from ``base``."""
        return self if base is None else PacingSpec(**_merged(_given(base), _given(self)))

    def pacing(self) -> Pacing:
        """Give the pace, in seconds; what is not given takes no time."""
        known = self._whole()
        ttft = Delay() if known.ttft is None else known.ttft.delay()
        itl = Delay() if known.itl is None else known.itl.delay()
        return Pacing(
            ttft,
            itl if known.tps is None else Delay(low=1 / known.tps),
            known.prefill,
            known.jitter or 0.0,
            known.capacity,
            known.concurrent,
        )

    def _whole(self) -> "PacingSpec":
        """Give the pace with all its profile says."""
        if self.profile is None:
            return self
        mine = _given(self)
        return PacingSpec(**_merged(PROFILES[mine.pop("profile")], mine))


def _given(spec: PacingSpec) -> dict[str, Any]:
    return {name: value for name, value in spec if value is not None}


def _merged(base: Mapping[str, Any], mine: Mapping[str, Any]) -> dict[str, Any]:
    """Put what is given over what it is based on; a profile replaces everything."""
    if "profile" in mine:
        return dict(mine)
    dropped = _RATES if any(name in mine for name in _RATES) else ()
    kept = {name: value for name, value in base.items() if name not in dropped}
    return {**kept, **mine}
