"""pydantic's errors in plain words, with the place in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from mockdock.errors import Problem
from mockdock.scenario.base import Complaint, Path, nearest, shown
from mockdock.scenario.documents import Document, written
from mockdock.scenario.models import Scenario
from mockdock.scenario.replies import ErrorSpec
from mockdock.scenario.wording import worded

__all__ = ["complaints", "problems"]

_TAG = re.compile(r"<\w+>")
_OF_KEY = "[key]"
"""What pydantic adds to the place of a key that is wrong."""


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
        if wrong_key := path[-1:] == (_OF_KEY,):
            path = path[:-1]
        for complaint in _complaints(detail):
            on_key = complaint.on_key or wrong_key
            yield (*path, *complaint.at), replace(complaint, on_key=on_key)


def _is_tag(part: str | int) -> bool:
    return isinstance(part, str) and _TAG.fullmatch(part) is not None


def _complaints(detail: Any) -> Iterator[Complaint]:
    if detail["type"] == "extra_forbidden":
        yield _unknown_key(detail["loc"])
    else:
        yield from worded(detail)


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
