"""Plain scalars of YAML 1.2, core schema: null, true, false and numbers; the rest is text."""

from __future__ import annotations

import re

__all__ = ["resolved"]

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(
    ("false", "False", "FALSE"), False
)
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"([-+]?)\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_MOST_DIGITS = 4000  # Python itself refuses 4300


def resolved(text: str) -> str | float | bool | None:
    """Give the value of a plain scalar. Raises ValueError for a number that is too long."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    return _number(text) if text[0] in "0123456789+-." else text


def _number(text: str) -> str | float:
    if special := _SPECIAL.fullmatch(text):
        return float("nan") if special[3] else float(f"{special[1]}inf")
    whole = _INT.fullmatch(text)
    if not whole and not _FLOAT.fullmatch(text):
        return text
    if len(text) > _MOST_DIGITS:
        raise ValueError("the number is too long")
    if not whole:
        return float(text)
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
