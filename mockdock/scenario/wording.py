"""One of pydantic's errors in plain words, wherever the value was written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mockdock.scenario.base import Complaint, shown, unknown

__all__ = ["worded"]

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
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
    "greater_than": ("more than", "gt"),
}


def worded(detail: Mapping[str, Any]) -> Iterator[Complaint]:
    """Say what is wrong, of one entry of ``ValidationError.errors()``.

    That a key is unknown is not said here: what it may be depends on its place.
    """
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "complaints":
        yield from context["complaints"]
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
    elif kind in _BOUNDS:
        word, limit = _BOUNDS[kind]
        yield Complaint(f"{shown(value)} is not {word} {context[limit]:g}")
    else:
        yield Complaint(f"{shown(value)}: {detail['msg'].lower()}")


def _is_scalar(value: object) -> bool:
    return value is not None and not isinstance(value, dict | list | tuple)
