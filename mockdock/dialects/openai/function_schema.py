"""What the parameters of any function have to be, strict or not.

The service checks that a schema is one, and of an object; that objects tell
their properties, and arrays their items.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockdock.dialects.openai.schema_form import malformed, not_an_object
from mockdock.dialects.openai.schema_walk import Place, typed, walk
from mockdock.dialects.openai.strict_schema import not_strict

__all__ = ["function_fault"]


def function_fault(schema: Mapping[str, Any], *, strict: bool = False) -> str | None:
    """Tell what is wrong with a function's parameters, None for nothing.

    An empty schema passes unless it is strict: there is no telling whether the
    service refuses it.
    """
    if not schema and not strict:
        return None
    places = walk(schema, levels=strict)
    fault = malformed(places) or not_an_object(schema)
    if fault is not None:
        return fault
    if "properties" not in schema:
        # spring-ai#4776, karakeep#1696, effect-smol#1857
        return Place(schema).fault("object schema missing properties.")
    for place in places:
        fault = _without_items(place)
        if fault is not None:
            return fault
    return not_strict(schema, places) if strict else None


def _without_items(place: Place) -> str | None:
    """Tell of an array whose items are unknown (aichat#1049, guMCP#136, byterover-cli#42)."""
    schema = place.schema
    if not isinstance(schema, dict) or "items" in schema or "prefixItems" in schema:
        return None
    for kind, context in typed(schema, place.context):
        if kind == "array":
            return Place(schema, context).fault("array schema missing items.")
    return None
