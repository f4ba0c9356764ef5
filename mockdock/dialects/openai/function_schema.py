"""What the parameters of any function have to be, strict or not.

The service checks that a schema is one, and of an object; that objects tell
their properties, and arrays their items.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockdock.dialects.openai.schema_walk import Place, bad_type, shown, typed, walk

__all__ = ["function_fault", "malformed", "not_an_object"]

_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")


def function_fault(schema: Mapping[str, Any]) -> str | None:
    """Tell what is wrong with a function's parameters, None for nothing.

    An empty schema passes: there is no telling whether the service refuses it.
    """
    if not schema:
        return None
    fault = malformed(schema) or not_an_object(schema)
    if fault is not None:
        return fault
    if "properties" not in schema:
        # spring-ai#4776, karakeep#1696, effect-smol#1857
        return Place(schema).fault("object schema missing properties.")
    for place in walk(schema):
        fault = _without_items(place)
        if fault is not None:
            return fault
    return None


def malformed(schema: Any) -> str | None:
    """Tell what no JSON Schema says (laravel-gpt#8, OpenManus#1162, yomo#860)."""
    for place in walk(schema):
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
    for name in schema.get("required", []):
        if not isinstance(name, str):
            return bad_type(name, "string")
    items = schema.get("items", {})
    if not isinstance(items, dict | list | bool):
        return bad_type(items, "object", "boolean")
    return _no_type(schema["type"]) if "type" in schema else None


def _no_type(kinds: Any) -> str | None:
    names = kinds if isinstance(kinds, list) else [kinds]
    if all(name in _TYPES for name in names):
        return None
    return f"{shown(kinds)} is not valid under any of the given schemas."


def _without_items(place: Place) -> str | None:
    """Tell of an array whose items are unknown (aichat#1049, guMCP#136, byterover-cli#42)."""
    if not isinstance(place.schema, dict) or "items" in place.schema:
        return None
    if "prefixItems" in place.schema:
        return None
    for kind, context in typed(place.schema, place.context):
        if kind == "array":
            return Place(place.schema, context).fault("array schema missing items.")
    return None
