"""Scripted embeddings: vectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from mockdock.scenario.base import Complaint, refuse, shown

__all__ = ["MOST_DIMENSIONS", "VECTORS", "Vector", "VectorOrAuto", "Vectors"]

VECTORS = ("embedding", "embeddings")
MOST_DIMENSIONS = 8192
_LARGEST = 3.4e38
_MOST = 2048
_HINT = "a list of numbers such as [0.6, 0.8]"


def _vector(value: Any) -> Any:
    refuse(_complaints(value))
    return tuple(float(number) for number in value)


def _complaints(value: Any) -> Iterator[Complaint]:
    if not isinstance(value, list | tuple):
        yield Complaint(f"expected a list of numbers, got {shown(value)}", _HINT)
        return
    if not 1 <= len(value) <= MOST_DIMENSIONS:
        message = f"a vector has 1 to {MOST_DIMENSIONS} numbers, not {len(value)}"
        yield Complaint(message, _HINT)
        return
    for index, number in enumerate(value):
        if isinstance(number, bool) or not isinstance(number, int | float):
            yield Complaint(f"expected a number, got {shown(number)}", at=(index,))
        elif not -_LARGEST <= number <= _LARGEST:
            yield Complaint(f"{shown(number)} does not fit into a float of 32 bits", at=(index,))


def _or_auto(value: Any) -> Any:
    if isinstance(value, str) and value != "auto":
        refuse([Complaint(f"unknown value {shown(value)}", f"auto, or {_HINT}")])
    return value if value is None or value == "auto" else _vector(value)


def _vectors(value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= _MOST:
        hint = f"one vector for each input, such as [[1, 0], [0, 1]]; at most {_MOST}"
        refuse([Complaint(f"expected a list of vectors, got {shown(value)}", hint)])
    found = [
        Complaint(c.message, c.hint, (i, *c.at))
        for i, v in enumerate(value)
        for c in _complaints(v)
    ]
    if not found:
        first = len(value[0])
        found = [
            Complaint(f"a vector of {len(each)} numbers among those of {first}", at=(index,))
            for index, each in enumerate(value)
            if len(each) != first
        ]
    refuse(found)
    return tuple(_vector(each) for each in value)


Vector = tuple[float, ...]
VectorOrAuto = Annotated[
    Vector | Literal["auto"] | None,
    BeforeValidator(_or_auto, json_schema_input_type=Vector | Literal["auto"] | None),
]
Vectors = Annotated[
    tuple[Vector, ...] | None,
    BeforeValidator(_vectors, json_schema_input_type=tuple[Vector, ...] | None),
]
