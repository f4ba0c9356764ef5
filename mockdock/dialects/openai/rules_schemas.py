"""What schemas of functions and answers may not say, asked once for each schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from mockdock.dialects.openai.function_schema import function_fault
from mockdock.dialects.openai.strict_schema import strict_fault
from mockdock.memo import Memo

__all__ = ["fault_of_format", "fault_of_function"]

_verdicts: Memo[str] = Memo(4096)


def fault_of_function(schema: Mapping[str, Any], *, strict: bool) -> str:
    """Tell what is wrong with a function's parameters, "" for nothing."""
    kind = "strict function" if strict else "function"
    return _remembered(kind, schema, lambda: function_fault(schema, strict=strict) or "")


def fault_of_format(schema: Mapping[str, Any]) -> str:
    """Tell what is wrong with the schema of a strict format, "" for nothing."""
    return _remembered("format", schema, lambda: strict_fault(schema) or "")


def _remembered(kind: str, schema: Mapping[str, Any], judge: Callable[[], str]) -> str:
    try:
        key = orjson.dumps((kind, schema))
    except TypeError:  # nested too deep to be written (254 levels)
        return judge()
    return _verdicts.get(key, judge)
