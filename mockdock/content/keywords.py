"""Careful reading of JSON Schema keywords: a wrongly typed one counts as absent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

__all__ = [
    "bounds",
    "canonical",
    "few",
    "heft",
    "holding",
    "item_schemas",
    "kind_of",
    "listed",
    "mapped",
    "quantity",
    "size",
    "sound",
    "stub",
    "texts",
    "types",
    "writable",
]

_KINDS = ("object", "array", "string", "integer", "number", "boolean", "null")
_FORMS: tuple[tuple[str, type | tuple[type, ...]], ...] = (
    ("string", str),
    ("boolean", bool),
    ("object", Mapping),
    ("array", (list, tuple)),
    ("null", type(None)),
)
_STUBS: Mapping[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False}
_FEW = 200
# Levels of nesting: of a value and of a schema.
_MAX_NESTED = 100
_MAX_LEVELS = 200
_HEAVY = 100_000
# Larger whole numbers, in bits, come near to what Python writes at all (4,300 digits).
_MAX_BITS = 10_000
_DATA = frozenset(("const", "default", "enum", "example", "examples"))
_INFERRED = {
    "object": (
        "properties",
        "required",
        "additionalProperties",
        "patternProperties",
        "propertyNames",
        "minProperties",
        "maxProperties",
        "dependentRequired",
    ),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"),
    "string": ("pattern", "minLength", "maxLength", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}


def mapped(schema: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Give the object under ``key`` by its text keys, empty when it is none."""
    value = schema.get(key)
    if not isinstance(value, Mapping):
        return {}
    if all(isinstance(name, str) for name in value):
        return value
    return {name: item for name, item in value.items() if isinstance(name, str)}


def listed(schema: Mapping[str, Any], key: str) -> Sequence[Any]:
    """Give the array under ``key``, empty when it is none."""
    value = schema.get(key)
    return value if isinstance(value, (list, tuple)) else ()


def texts(schema: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Give the strings of the array under ``key``, each once."""
    return tuple(dict.fromkeys(item for item in listed(schema, key) if isinstance(item, str)))


def quantity(schema: Mapping[str, Any], key: str) -> Fraction | None:
    """Give the finite number under ``key``, exactly; one of thousands of digits is none."""
    value = schema.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return Fraction(value) if writable(value) else None


def size(schema: Mapping[str, Any], key: str) -> int | None:
    """Give the whole number from 0 under ``key``."""
    value = quantity(schema, key)
    return int(value) if value is not None and value >= 0 and value.denominator == 1 else None


def bounds(schema: Mapping[str, Any]) -> tuple[Fraction | None, bool, Fraction | None, bool]:
    """Give (lowest, whether it is left out, highest, whether it is left out).

    Draft 4 wrote ``exclusiveMinimum: true`` beside ``minimum``; both forms count.
    """
    lo, hi = quantity(schema, "minimum"), quantity(schema, "maximum")
    lo_open = lo is not None and schema.get("exclusiveMinimum") is True
    hi_open = hi is not None and schema.get("exclusiveMaximum") is True
    above, below = quantity(schema, "exclusiveMinimum"), quantity(schema, "exclusiveMaximum")
    if above is not None and (lo is None or above >= lo):
        lo, lo_open = above, True
    if below is not None and (hi is None or below <= hi):
        hi, hi_open = below, True
    return lo, lo_open, hi, hi_open


def types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the types a schema names, else the one its keywords speak of, else none."""
    named = schema.get("type")
    several = named if isinstance(named, (list, tuple)) else (named,)
    known = tuple(kind for kind in several if kind in _KINDS)
    if known:
        return known
    for kind, keys in _INFERRED.items():
        if any(key in schema for key in keys):
            return (kind,)
    return ()


def item_schemas(schema: Mapping[str, Any]) -> tuple[Sequence[Any], Any]:
    """Give (schemas of the first items, schema of all further ones).

    ``items`` as a list with ``additionalItems`` is how drafts before 2020 wrote it.
    """
    first = listed(schema, "prefixItems")
    if first:
        return first, schema.get("items", True)
    items = schema.get("items", True)
    if isinstance(items, (list, tuple)):
        return items, schema.get("additionalItems", True)
    return (), items


def holding(schema: Mapping[str, Any], items: list[Any], fixed: int, room: int) -> list[Any]:
    """Make enough of the items after ``fixed`` meet ``contains``, adding some up to ``room``."""
    least = size(schema, "minContains")
    end = min(fixed + (1 if least is None else least), room)
    items = [*items, *[item_schemas(schema)[1]] * (end - len(items))]
    for index, item in enumerate(items):
        if fixed <= index < end:
            items[index] = {"allOf": [item, schema["contains"]]}
        elif "maxContains" in schema:
            items[index] = {"allOf": [item], "not": schema["contains"]}
    return items


def kind_of(value: Any) -> str:
    """Name the JSON type of a value; a float without a fraction is an integer."""
    for kind, form in _FORMS:
        if isinstance(value, form):
            return kind
    return "number" if isinstance(value, float) and not value.is_integer() else "integer"


def canonical(value: Any, depth: int = 0) -> Any:
    """Give a hashable form that is equal for values JSON Schema calls equal.

    What is nested in more than a hundred levels counts as equal.
    """
    if not isinstance(value, (Mapping, list, tuple)):
        return ("boolean" if isinstance(value, bool) else "other", value)
    if depth > _MAX_NESTED:
        return ("deep",)
    if isinstance(value, Mapping):
        form = {}
        for key in sorted(value, key=str):
            form[str(key)] = canonical(value[key], depth + 1)
        return ("object", tuple(form.items()))
    items = []
    for item in value:
        items.append(canonical(item, depth + 1))  # noqa: PERF401  # one frame a level
    return ("array", tuple(items))


def writable(value: Any) -> bool:
    """Tell whether a scalar is one that JSON can carry to a client."""
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or value.bit_length() <= _MAX_BITS


def heft(value: Any) -> int:
    """Tell how large a value is, in eights of members or of 16 characters: 0 for ordinary ones."""
    total, stack = 0, [value]
    while stack and total < _HEAVY:
        one = stack.pop()
        if isinstance(one, str):
            total += len(one) // 16
        elif isinstance(one, Mapping):
            stack.extend(one.values())
            stack.extend(one)
        elif isinstance(one, (list, tuple)):
            stack.extend(one)
        total += 1
    return total // 8


def sound(schema: Any) -> Any:
    """Give a schema without numbers that JSON cannot carry, nor what is nested too deep.

    A constant, an enum member and the like with such a part is left out whole.
    """
    return schema if _within(schema, _MAX_NESTED) else _mended(schema, 0)


def _within(value: Any, levels: int) -> bool:
    """Tell whether all of a value is writable and it has no more levels than that."""
    level = [value]
    for _ in range(levels):
        below: list[Any] = []
        for one in level:
            if isinstance(one, Mapping):
                below.extend(one.values())
            elif isinstance(one, (list, tuple)):
                below.extend(one)
            elif not writable(one):
                return False
        if not below:
            return True
        level = below
    return False


def _mended(schema: Any, depth: int) -> Any:
    mended: Any = schema
    if isinstance(schema, Mapping):
        mended = {}
        for key, value in schema.items():
            if key in _DATA:
                if key in ("enum", "examples") and isinstance(value, (list, tuple)):
                    mended[key] = [item for item in value if _within(item, _MAX_NESTED)]
                elif _within(value, _MAX_NESTED):
                    mended[key] = value
            elif depth < _MAX_LEVELS and writable(value):
                mended[key] = _mended(value, depth + 1)
    elif isinstance(schema, (list, tuple)):
        mended = []
        for item in schema if depth < _MAX_LEVELS else ():
            if writable(item):
                mended.append(_mended(item, depth + 1))
    return mended


def few(schema: Mapping[str, Any]) -> Sequence[Any]:
    """Give all values of a flat schema that has only a few of them, else none."""
    if "const" in schema:
        return (schema["const"],)
    enum = listed(schema, "enum")
    kinds = types(schema)
    if enum or kinds == ("boolean",):
        return enum or (True, False)
    lo, lo_open, hi, hi_open = bounds(schema)
    if kinds != ("integer",) or lo is None or hi is None or hi - lo > _FEW:
        return ()
    low, high = math.ceil(lo), math.floor(hi)
    return range(low + (lo_open and lo == low), high + 1 - (hi_open and hi == high))


def stub(schema: Mapping[str, Any] | None) -> Any:
    """Give the emptiest value of about the right type."""
    kind = (types(schema or {}) or ("null",))[0]
    if kind in ("object", "array"):
        return {} if kind == "object" else []
    return _STUBS.get(kind)
