"""pydantic's errors in plain words, with the place in the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace
from pydantic import ValidationError

from mockdock.errors import Problem
from mockdock.scenario.base import Complaint, Path
from mockdock.scenario.documents import Document, written
from mockdock.scenario.keys import is_tag, unknown_key
from mockdock.scenario.wording import worded

__all__ = ["complaints", "problems"]

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
        path: Path = tuple(part for part in detail["loc"] if not is_tag(part))
        if wrong_key := path[-1:] == (_OF_KEY,):
            path = path[:-1]
        for complaint in _complaints(detail):
            on_key = complaint.on_key or wrong_key
            yield (*path, *complaint.at), replace(complaint, on_key=on_key)


def _complaints(detail: Any) -> Iterator[Complaint]:
    if detail["type"] == "extra_forbidden":
        yield unknown_key(detail["loc"])
    else:
        yield from worded(detail)
