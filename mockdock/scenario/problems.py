"""pydantic's errors in plain words, with the place in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from mockdock.errors import Problem
from mockdock.scenario.base import Complaint, Path, nearest, shown, unknown
from mockdock.scenario.documents import Document, written
from mockdock.scenario.models import Scenario
from mockdock.scenario.replies import ErrorSpec

__all__ = ["complaints", "problems"]

_TAG = re.compile(r"<\w+>")
_QUOTED = re.compile(r"'([^']*)'")
_EXPECTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "model_type": "a mapping",
    "dict_type": "a mapping",
    "tuple_type": "a list",
}


def problems(error: ValidationError, document: Document, file: str) -> list[Problem]:
    """Name everything wrong in a file, in the order of the text."""
    found = []
    for where, complaint in complaints(error):
        line, column = document.spot(where, on_key=complaint.on_key)
        found.append(Problem(complaint.message, file, line, column, written(where), complaint.hint))
    return sorted(found, key=lambda problem: (problem.line, problem.column))


def complaints(error: ValidationError) -> Iterator[tuple[Path, Complaint]]:
    """Give everything wrong, each with its place in the value validated."""
    for detail in error.errors(include_url=False):
        path: Path = tuple(part for part in detail["loc"] if not _is_tag(part))
        for complaint in _complaints(detail):
            yield (*path, *complaint.at), complaint


def _is_tag(part: str | int) -> bool:
    return isinstance(part, str) and _TAG.fullmatch(part) is not None


def _complaints(detail: Any) -> Iterator[Complaint]:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "complaints":
        yield from context["complaints"]
    elif kind == "extra_forbidden":
        yield _unknown_key(detail["loc"])
    elif kind == "missing":
        yield Complaint(f"the key {detail['loc'][-1]!r} is missing")
    elif kind == "literal_error":
        yield unknown(value, _QUOTED.findall(context["expected"]))
    elif kind in _EXPECTED:
        hint = "put it in quotes" if kind == "string_type" and _is_scalar(value) else ""
        yield Complaint(f"expected {_EXPECTED[kind]}, got {shown(value)}", hint)
    elif kind == "string_too_short":
        yield Complaint("the text is empty")
    elif kind == "too_short":
        if not value:  # else its items are wrong, and each has its own message
            yield Complaint("the list is empty")
    elif kind in ("greater_than_equal", "less_than_equal", "greater_than"):
        word, limit = _BOUNDS[kind]
        yield Complaint(f"{shown(value)} is not {word} {context[limit]:g}")
    else:
        yield Complaint(f"{shown(value)}: {detail['msg'].lower()}")


_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
    "greater_than": ("more than", "gt"),
}


def _is_scalar(value: object) -> bool:
    return value is not None and not isinstance(value, dict | list | tuple)


def _unknown_key(place: tuple[str | int, ...]) -> Complaint:
    key = place[-1]
    known = sorted(_keys(place[:-1]))
    if place[-2:-1] == ("<ReplySpec>",):
        if key in ErrorSpec.model_fields:
            return Complaint(
                f"unknown key {shown(key)}", "an error has the key 'error'", on_key=True
            )
        known.append("error")
    hint = nearest(key, known) or (f"one of: {', '.join(known)}" if known else "")
    return Complaint(f"unknown key {shown(key)}", hint, on_key=True)


def _keys(place: tuple[str | int, ...]) -> set[str]:
    """Walk from the scenario down to a mapping and give the keys it may have."""
    models: set[type[BaseModel]] = {Scenario}
    for part in place:
        if _is_tag(part):
            models = {model for model in models if f"<{model.__name__}>" == part}
        elif isinstance(part, str):
            below = {
                found
                for model in models
                for name, info in model.model_fields.items()
                if part in (name, info.alias)
                for found in _models(info.annotation)
            }
            models = below or models
    return {info.alias or name for model in models for name, info in model.model_fields.items()}


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
