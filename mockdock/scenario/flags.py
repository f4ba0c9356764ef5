"""Scripted moderations: what content is flagged as."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from mockdock.moderation import CATEGORIES, Category
from mockdock.scenario.base import Complaint, refuse, shown, unknown

__all__ = ["FLAGS", "Flags", "FlagsEach", "FlagsOrNone"]

FLAGS = ("flagged", "flagged_each")
_MOST = 2048
_HINT = "categories such as [violence], {violence: 0.9}, [] for none, or auto"

Flags = tuple[Category, ...] | dict[Category, float] | Literal["auto"]
"""Categories, or scores by category, or what the words of a text say."""


def _complaints(value: Any) -> Iterator[Complaint]:
    if isinstance(value, str):
        if value != "auto":
            yield Complaint(f"unknown value {shown(value)}", _HINT)
    elif isinstance(value, Mapping):
        yield from _of_scores(value)
    elif isinstance(value, list | tuple):
        for index, name in enumerate(value):
            if name not in CATEGORIES:
                found = unknown(name, CATEGORIES)
                yield Complaint(found.message, found.hint, (index,))
    else:
        yield Complaint(f"expected a list of categories, got {shown(value)}", _HINT)


def _of_scores(value: Mapping[Any, Any]) -> Iterator[Complaint]:
    for name, score in value.items():
        if name not in CATEGORIES:
            yield unknown(name, CATEGORIES)
        elif isinstance(score, bool) or not isinstance(score, int | float):
            yield Complaint(f"expected a score, got {shown(score)}", "0 to 1", (name,))
        elif not 0 <= score <= 1:
            yield Complaint(f"{shown(score)} is not a score from 0 to 1", at=(name,))


def _flags(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: float(score) for name, score in value.items()}
    return value if isinstance(value, str) else tuple(value)


def _flagged(value: Any) -> Any:
    if value is None:
        return None
    refuse(_complaints(value))
    return _flags(value)


def _flagged_each(value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= _MOST:
        hint = f"one for each input, such as [[violence], [], auto]; at most {_MOST}"
        refuse([Complaint(f"expected a list with flags for each input, got {shown(value)}", hint)])
    refuse(
        Complaint(wrong.message, wrong.hint, (index, *wrong.at))
        for index, each in enumerate(value)
        for wrong in _complaints(each)
    )
    return tuple(_flags(each) for each in value)


FlagsOrNone = Annotated[
    Flags | None, BeforeValidator(_flagged, json_schema_input_type=Flags | None)
]
FlagsEach = Annotated[
    tuple[Flags, ...] | None,
    BeforeValidator(_flagged_each, json_schema_input_type=tuple[Flags, ...] | None),
]
