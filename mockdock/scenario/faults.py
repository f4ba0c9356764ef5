"""Faults: what breaks on purpose, where, when and how often."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import BeforeValidator, Field, StrictInt, model_validator

from mockdock.fault import OPTIONS, After, Fault, FaultName
from mockdock.scenario.base import (
    LARGEST,
    Complaint,
    Count,
    Number,
    Part,
    Positive,
    refuse,
    rejection,
    shown,
    unknown,
)
from mockdock.scenario.conditions import When
from mockdock.scenario.durations import Duration

__all__ = ["FAULT_NAMES", "MOST_FAULTS", "AfterSpec", "FaultSpec", "Faults"]

_SHORT = {"reset": "connection_reset"}
FAULT_NAMES: tuple[str, ...] = (*get_args(FaultName), *_SHORT)
"""Every name a fault goes by, short names last."""
_PLACES = ("tokens", "chunks", "bytes", "time")
_RATE = re.compile(r"(?P<number>\d+(\.\d+)?) ?(?P<unit>B|KB|KiB|MB|MiB)/s", re.ASCII)
_UNITS = {"B": 1, "KB": 1000, "KiB": 1024, "MB": 1000**2, "MiB": 1024**2}
_HEADER = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_REDIRECTS = (301, 302, 303, 307, 308)


def _type(value: object) -> object:
    if value not in FAULT_NAMES:
        refuse([unknown(value, FAULT_NAMES)])
    return _SHORT.get(str(value), value)


def _rate(value: object) -> float:
    """Read bytes a second: a number, or a text such as ``10KB/s``."""
    found = _RATE.fullmatch(value) if isinstance(value, str) else None
    if found is not None:
        rate = float(found["number"]) * _UNITS[found["unit"]]
    elif isinstance(value, int | float) and not isinstance(value, bool):
        rate = value
    else:
        hint = "such as 500B/s, 10KB/s or a number of bytes a second"
        raise rejection(Complaint(f"{shown(value)} is not a rate", hint))
    if not 0 < rate <= LARGEST:
        message = f"a rate is more than 0 and at most {LARGEST:g} B/s, got {shown(value)}"
        refuse([Complaint(message)])
    return float(rate)


def _header(value: object) -> object:
    if isinstance(value, str) and not _HEADER.fullmatch(value):
        hint = "plain ASCII without line breaks, percent-encoded where it is an address"
        refuse([Complaint(f"{shown(value)} cannot be the value of a header", hint)])
    return value


def _by(value: object) -> object:
    if value == 0:
        refuse([Complaint("0 bytes more or less are no lie", "such as by: 10 or by: -10")])
    return value


def _inside(value: object) -> object:
    if value not in (None, "string", "character"):
        refuse([unknown(value, ("string", "character"))])
    return value


def _end(value: object) -> object:
    if value not in (None, "fin", "rst"):
        refuse([unknown(value, ("fin", "rst"))])
    return value


HeaderValue = Annotated[str | None, BeforeValidator(_header)]


class AfterSpec(Part):
    """The place of a fault: after so many tokens, chunks or bytes of the body, or after a time."""

    tokens: Count | None = Field(None, description="generated tokens that have passed")
    chunks: Count | None = Field(None, description="chunks of the stream that have passed")
    bytes: Count | None = Field(None, description="bytes of the body that have passed")
    time: Duration | None = Field(None, description="time since the request arrived")

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, data: Any) -> Any:
        if isinstance(data, dict | AfterSpec):
            return data
        hint = "such as {tokens: 5} or {time: 2s}"
        raise rejection(Complaint(f"expected a mapping, got {shown(data)}", hint))

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = [name for name in _PLACES if getattr(self, name) is not None]
        if not given:
            refuse([Complaint("an empty place", f"one of: {', '.join(_PLACES)}")])
        if len(given) > 1:
            message = f"{given[0]!r} and {given[1]!r}: a fault has one place"
            refuse([Complaint(message, at=(given[1],), on_key=True)])
        return self

    def after(self) -> After:
        """Give the place, with times in seconds."""
        return After(self.tokens, self.chunks, self.bytes, self.time)


class FaultSpec(Part):
    """Something that breaks on purpose. A plain text stands for ``{type: ...}``."""

    shorthand: ClassVar[dict[str, Any]] = {
        "type": "string",
        "enum": [*FAULT_NAMES],
        "description": "the type of fault",
    }

    type: Annotated[
        FaultName,
        BeforeValidator(_type, json_schema_input_type=FaultName | Literal["reset"]),
    ] = Field(description="what breaks; reset stands for connection_reset")
    probability: Annotated[Number, Field(ge=0, le=1)] = Field(
        1.0, description="in how many of the replies it strikes"
    )
    times: Positive | None = Field(None, description="how often at most; absent: no end")
    when: When | None = Field(None, description="conditions on the request")
    after: AfterSpec | None = Field(None, description="where in the reply")
    for_: Duration | None = Field(None, alias="for", description="how long it lasts")
    rate: Annotated[
        float | None, BeforeValidator(_rate, json_schema_input_type=float | str | None)
    ] = Field(None, description="bytes a second: a number, or such as 10KB/s")
    size: Positive | None = Field(None, description="bytes of a slice, events of a segment")
    delay: Duration | None = Field(None, description="time between two slices")
    status: StrictInt | None = Field(None, description="HTTP status")
    end: Annotated[Literal["fin", "rst"] | None, BeforeValidator(_end)] = Field(
        None, description="how the connection ends: fin closes it, rst resets it"
    )
    inside: Annotated[Literal["string", "character"] | None, BeforeValidator(_inside)] = Field(
        None, description="cut within a JSON string, or a character of several bytes"
    )
    by: Annotated[
        Annotated[StrictInt, Field(ge=-LARGEST, le=LARGEST)] | None, BeforeValidator(_by)
    ] = Field(None, description="bytes that content-length says too many; negative: too few")
    content_type: HeaderValue = Field(None, description="what content-type says")
    location: HeaderValue = Field(None, description="where to; absent: to the same address")

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"type": data}
        if isinstance(data, dict | FaultSpec):
            return data
        raise rejection(Complaint(f"expected a type of fault or a mapping, got {shown(data)}"))

    @model_validator(mode="after")
    def _check(self) -> Self:
        refuse(self._complaints())
        return self

    def _complaints(self) -> Iterator[Complaint]:
        takes = OPTIONS[self.type]
        for option in _ALL:
            if option in takes or getattr(self, "for_" if option == "for" else option) is None:
                continue
            hint = f"it takes {', '.join(takes)}" if takes else "it takes none"
            message = f"{self.type} has no option {option!r}"
            yield Complaint(message, hint, (option,), on_key=True)
        if self.status is None:
            return
        if self.type == "redirect" and self.status not in _REDIRECTS:
            hint = f"one of: {', '.join(map(str, _REDIRECTS))}"
            yield Complaint(f"{shown(self.status)} is no redirect", hint, ("status",))
        if self.type == "html_error" and not 400 <= self.status <= 599:  # noqa: PLR2004
            hint = "a status from 400 to 599, such as 502 or 504"
            yield Complaint(f"{shown(self.status)} is not an HTTP error", hint, ("status",))

    def fault(self) -> Fault:
        """Give the fault, with times in seconds."""
        return Fault(
            self.type,
            After() if self.after is None else self.after.after(),
            lasts=self.for_,
            rate=self.rate,
            size=self.size,
            delay=self.delay,
            status=self.status,
            reset=self.end == "rst",
            inside=self.inside,
            by=self.by,
            content_type=self.content_type,
            location=self.location,
        )


MOST_FAULTS = 64
"""Faults of one place: those of a scenario, a reply and phases compose, one within the other."""

Faults = Annotated[tuple[FaultSpec, ...], Field(max_length=MOST_FAULTS)]
"""What breaks of a reply, as they compose."""

_ALL = tuple(dict.fromkeys(option for options in OPTIONS.values() for option in options))
