"""One of pydantic's errors in plain words, wherever the value was written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
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
_PERCENT = re.compile(r"(\d{1,9}(\.\d{1,9})?) ?%", re.ASCII)
_QUOTABLE = {
    "int_type": re.compile(r"-?\d{1,12}", re.ASCII),
    "float_type": re.compile(r"-?\d{1,12}(\.\d{1,12})?", re.ASCII),
    "bool_type": re.compile("true|false"),
}
"""What is right once its quotes are gone."""
_NEVER = re.compile(r"(?!)")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z ]{0,30}[A-Za-z]")
"""A text that needs no quotes, whatever it is put into."""
_LISTS = {
    "limits": "[{rpm: 3}]",
    "faults": "[reset]",
    "timeline": "[{at: 30s, for: 60s, error: 503}]",
    "statuses": "[429, 5xx]",
    "codes": "[insufficient_quota]",
    "skip": "[herd]",
    "jitter": "[0.75, 1]",
    "rules": "[{reply: Hello!}]",
    "replies": "[Hello!, Goodbye!]",
    "keys": "[a-key]",
}
"""What a list looks like, by the key that holds it."""
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
        key = detail["loc"][-1]
        hint = "write mockdock: 1" if key == "mockdock" else ""
        yield Complaint(f"the key {key!r} is missing", hint)
    elif kind == "literal_error":
        yield unknown(value, _QUOTED.findall(context["expected"]))
    elif kind in _EXPECTED:
        hint = _hint(kind, value, detail["loc"])
        yield Complaint(f"expected {_EXPECTED[kind]}, got {shown(value)}", hint)
    elif kind == "string_too_short":
        yield Complaint("the text is empty")
    elif kind == "too_short":
        if not value:  # else its items are wrong, and each has its own message
            yield Complaint("the list is empty")
    elif kind == "too_long":
        most, got = context["max_length"], context["actual_length"]
        yield Complaint(f"the list has {got} items, at most {most} are allowed")
    elif kind in _BOUNDS:
        word, limit = _BOUNDS[kind]
        yield Complaint(f"{shown(value)} is not {word} {context[limit]:g}")
    else:
        yield Complaint(f"{shown(value)}: {detail['msg'].lower()}")


def _hint(kind: str, value: object, place: Sequence[str | int]) -> str:
    """Say what would be right, where that shows."""
    if kind == "string_type":
        return "put it in quotes" if _is_scalar(value) else ""
    if isinstance(value, str) and _QUOTABLE.get(kind, _NEVER).fullmatch(value):
        return f"write {value} without quotes"
    if kind == "float_type":
        percent = _PERCENT.fullmatch(value) if isinstance(value, str) else None
        return f"write {float(percent[1]) / 100:g}" if percent else ""
    if kind == "model_type" and place[-1:] == ("when",):
        plain = isinstance(value, str) and _PLAIN.fullmatch(value)
        return f"such as {{user: {value if plain else 'hello'}}}"
    if kind == "tuple_type" and place:
        example = _LISTS.get(str(place[-1]))
        return f"write a list, such as {example}" if example else ""
    return ""


def _is_scalar(value: object) -> bool:
    return value is not None and not isinstance(value, dict | list | tuple)
