"""Trouble in one line: ``429``, ``reset``, ``truncate;tokens=5``, several with commas.

For places where no YAML fits: the mix of chaos, a header, a query, a model's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from mockdock.errors import UsageError
from mockdock.fault import OPTIONS, FaultName
from mockdock.reply import ErrorKind
from mockdock.scenario.base import Complaint, nearest, refuse, rejection, shown
from mockdock.scenario.faults import FAULT_NAMES, FaultSpec
from mockdock.scenario.replies import ErrorSpec
from mockdock.scenario.wording import worded

__all__ = ["MOST_WISHES", "Wish", "wish", "wishes"]

Wish = ErrorSpec | FaultSpec

MOST_WISHES = 16
"""Wishes of one request, wherever it makes them."""
_LONGEST = 200
_PLACES = ("tokens", "chunks", "bytes", "time")
_OF_ERRORS = ("retry_after", "header", "should_retry", "message", "type", "param", "code")
_TEXTS = frozenset({"message", "type", "param", "code", "content_type", "location"})
_INTEGER = re.compile(r"-?\d{1,12}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,12}\.\d{1,12}", re.ASCII)


def wish(text: str) -> Wish:
    """Read one error or fault with its options. Raises a pydantic error that says what is wrong."""
    name, *options = (part.strip() for part in text.split(";"))
    try:
        if name in FAULT_NAMES:
            kind = FaultSpec.model_validate(name).type
            return FaultSpec.model_validate({"type": kind, **_read(options, _of_fault(kind))})
        if name in get_args(ErrorKind) or (name.isascii() and name.isdecimal()):
            error = int(name[:9]) if name.isdecimal() else name
            return ErrorSpec.model_validate({"error": error, **_read(options, _OF_ERRORS)})
    except ValidationError as error:
        raise rejection(*_told(error, text)) from None
    except PydanticCustomError as error:
        raise rejection(Complaint(f"{shown(text)}: {error.message()}")) from None
    known = (*get_args(ErrorKind), *FAULT_NAMES)
    hint = nearest(name, known) or "an HTTP status, a kind of error, or the type of a fault"
    raise rejection(Complaint(f"{shown(name)} is no error and no fault", hint))


def _of_fault(kind: FaultName) -> tuple[str, ...]:
    """Name the options of a fault; the parts of a place are options of their own here."""
    own = (
        name for option in OPTIONS[kind] for name in (_PLACES if option == "after" else [option])
    )
    return (*own, "probability", "times")


def _read(options: list[str], takes: tuple[str, ...]) -> dict[str, Any]:
    """Read options, as they are written in a scenario."""
    found: dict[str, Any] = {}
    for option in options:
        key, sign, value = (part.strip() for part in option.partition("="))
        if not sign or not key:
            refuse([Complaint(f"expected option=value, got {shown(option)}", "as in stall;for=5s")])
        if key not in takes:
            hint = nearest(key, takes) or f"it takes {', '.join(takes)}"
            refuse([Complaint(f"no option {shown(key)}", hint)])
        where = found.setdefault("after", {}) if key in _PLACES else found
        if key in where:
            refuse([Complaint(f"the option {key!r} twice")])
        where[key] = value if key in _TEXTS else _value(value)
    return found


def _told(error: ValidationError, text: str) -> Iterator[Complaint]:
    for each in error.errors(include_url=False):
        for complaint in worded(each):
            words = [step for step in (*each["loc"], *complaint.at) if isinstance(step, str)]
            option = f"{words[-1]}: " if words and words[-1] not in ("error", "after") else ""
            yield Complaint(f"{shown(text)}: {option}{complaint.message}", complaint.hint)


def _value(text: str) -> Any:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    return {"true": True, "false": False}.get(text, text)


@lru_cache(256)
def wishes(text: str) -> tuple[Wish, ...]:
    """Read what a request wishes for. Raises UsageError that says what is wrong."""
    if len(text) > _LONGEST:
        raise UsageError(f"a wish for trouble has at most {_LONGEST} characters")
    try:
        return tuple(wish(part) for part in text.split(",") if part.strip())
    except PydanticCustomError as error:
        raise UsageError(error.message()) from None
