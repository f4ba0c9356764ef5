"""Does a value fit a schema? The small validator behind the choice of a branch.

Knows what the generator knows: no formats, no ``unevaluated...``. What it
cannot decide it takes for valid, so it never raises.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from mockdock.content import patterns
from mockdock.content.keywords import (
    bounds,
    canonical,
    item_schemas,
    kind_of,
    listed,
    mapped,
    quantity,
    size,
    texts,
    types,
)
from mockdock.content.refs import lookup

__all__ = ["Checker", "multiple"]

_MAX_DEPTH = 60


def multiple(value: float, step: Fraction) -> bool:
    """Tell whether ``value`` is a multiple as validators count it, floats included."""
    if Fraction(value) % step == 0:
        return True
    try:
        quotient = value / float(step)
        return quotient == int(quotient)
    except (OverflowError, ZeroDivisionError):
        return False


class Checker:
    """Checks values against schemas of one document, ``root``.

    ``steps`` is how many schemas it may look at in its life; after that
    everything counts as valid, so that the work stays bounded.
    """

    def __init__(self, root: Any, steps: int) -> None:
        self.root = root
        self.steps = steps

    def fits(self, value: Any, schema: Any, depth: int = 0) -> bool:
        """Tell whether ``value`` validates against ``schema``."""
        self.steps -= 1
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, Mapping) or depth > _MAX_DEPTH or self.steps < 0:
            return True
        depth += 1
        ref = schema.get("$ref") or schema.get("$dynamicRef")
        if isinstance(ref, str) and not self.fits(value, lookup(self.root, ref), depth):
            return False
        return (
            self._typed(value, schema)
            and self._combined(value, schema, depth)
            and self._shaped(value, schema, depth)
        )

    def _typed(self, value: Any, schema: Mapping[str, Any]) -> bool:
        kind = kind_of(value)
        named = types(schema) if "type" in schema else ()
        if named and kind not in named and not (kind == "integer" and "number" in named):
            return value is None and schema.get("nullable") is True
        if "const" in schema and canonical(schema["const"]) != canonical(value):
            return False
        enum = listed(schema, "enum")
        return not enum or canonical(value) in [canonical(item) for item in enum]

    def _combined(self, value: Any, schema: Mapping[str, Any], depth: int) -> bool:
        if not all(self.fits(value, part, depth) for part in listed(schema, "allOf")):
            return False
        any_of, one_of = listed(schema, "anyOf"), listed(schema, "oneOf")
        if any_of and not any(self.fits(value, part, depth) for part in any_of):
            return False
        if one_of and sum(self.fits(value, part, depth) for part in one_of) != 1:
            return False
        if isinstance(schema.get("not"), (bool, Mapping)) and self.fits(
            value, schema["not"], depth
        ):
            return False
        if "if" in schema:
            branch = "then" if self.fits(value, schema["if"], depth) else "else"
            return self.fits(value, schema.get(branch, True), depth)
        return True

    def _shaped(self, value: Any, schema: Mapping[str, Any], depth: int) -> bool:
        kind = kind_of(value)
        if kind == "object":
            return self._is_object(value, schema, depth)
        if kind == "array":
            return self._is_array(value, schema, depth)
        if kind == "string":
            pattern = schema.get("pattern")
            return _sized(len(value), schema, "Length") and (
                not isinstance(pattern, str) or patterns.matches(pattern, value)
            )
        return kind not in ("integer", "number") or _numeric(value, schema)

    def _is_object(self, value: Mapping[str, Any], schema: Mapping[str, Any], depth: int) -> bool:
        needed = [*texts(schema, "required")]
        dependent = mapped(schema, "dependentRequired")
        for name in dependent:
            needed += texts(dependent, name) if name in value else ()
        if not _sized(len(value), schema, "Properties") or any(n not in value for n in needed):
            return False
        schemas = mapped(schema, "dependentSchemas")
        if not all(self.fits(value, schemas[name], depth) for name in schemas if name in value):
            return False
        names = schema.get("propertyNames", True)
        known = mapped(schema, "properties")
        matching = mapped(schema, "patternProperties")
        rest = schema.get("additionalProperties", True)
        for name, item in value.items():
            parts = [known[name]] if name in known else []
            parts += [part for key, part in matching.items() if patterns.matches(key, name)]
            if not all(self.fits(item, part, depth) for part in parts or [rest]):
                return False
            if not self.fits(name, names, depth):
                return False
        return True

    def _is_array(self, value: list[Any], schema: Mapping[str, Any], depth: int) -> bool:
        if not _sized(len(value), schema, "Items"):
            return False
        unique = schema.get("uniqueItems") is True
        if unique and len({canonical(item) for item in value}) < len(value):
            return False
        first, rest = item_schemas(schema)
        for index, item in enumerate(value):
            if not self.fits(item, first[index] if index < len(first) else rest, depth):
                return False
        if "contains" not in schema:
            return True
        found = sum(self.fits(item, schema["contains"], depth) for item in value)
        least, most = size(schema, "minContains"), size(schema, "maxContains")
        return found >= (1 if least is None else least) and (most is None or found <= most)


def _sized(length: int, schema: Mapping[str, Any], what: str) -> bool:
    least, most = size(schema, f"min{what}"), size(schema, f"max{what}")
    return (least is None or length >= least) and (most is None or length <= most)


def _numeric(value: float, schema: Mapping[str, Any]) -> bool:
    if isinstance(value, float) and not math.isfinite(value):
        return True
    lo, lo_open, hi, hi_open = bounds(schema)
    exact = Fraction(value)
    if lo is not None and (exact < lo or (lo_open and exact == lo)):
        return False
    if hi is not None and (exact > hi or (hi_open and exact == hi)):
        return False
    step = quantity(schema, "multipleOf")
    return step is None or step <= 0 or multiple(value, step)
