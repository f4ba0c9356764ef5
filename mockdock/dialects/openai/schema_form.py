"""What any JSON Schema has to be, and one of objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mockdock.dialects.openai.schema_walk import Place, bad_type, shown

__all__ = ["malformed", "not_an_object"]

_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")


def malformed(places: Iterable[Place]) -> str | None:
    """Tell what no JSON Schema says (laravel-gpt#8, OpenManus#1162, yomo#860)."""
    for place in places:
        fault = _malformed(place.schema)
        if fault is not None:
            return fault
    return None


def not_an_object(schema: Mapping[str, Any]) -> str | None:
    """Tell that a schema is not one of objects (stagehand#1159, OpenLore#52)."""
    kind = schema.get("type")
    if kind == "object" or (isinstance(kind, list) and "object" in kind):
        return None
    name = kind if isinstance(kind, str) else shown(kind)
    return f"""schema must be a JSON Schema of 'type: "object"', got 'type: "{name}"'."""


_KEYWORDS: tuple[tuple[str, type, str], ...] = (
    ("properties", dict, "object"),
    ("required", list, "array"),
    ("enum", list, "array"),
    ("anyOf", list, "array"),
    ("$ref", str, "string"),
    ("$defs", dict, "object"),
)


def _malformed(schema: Any) -> str | None:
    if isinstance(schema, bool):
        return None
    if not isinstance(schema, dict):
        return bad_type(schema, "object", "boolean")
    for keyword, kind, name in _KEYWORDS:
        if keyword in schema and not isinstance(schema[keyword], kind):
            return bad_type(schema[keyword], name)
    for name in schema.get("required", ()):
        if not isinstance(name, str):
            return bad_type(name, "string")
    if "items" in schema and not isinstance(schema["items"], dict | list | bool):
        return bad_type(schema["items"], "object", "boolean")
    return _no_type(schema["type"]) if "type" in schema else None


def _no_type(kinds: Any) -> str | None:
    names = kinds if isinstance(kinds, list) else [kinds]
    if all(name in _TYPES for name in names):
        return None
    return f"{shown(kinds)} is not valid under any of the given schemas."
