"""Does a value fit a schema? The small validator behind the choice of a branch.

Knows what the generator knows: no formats, no ``unevaluated...``. What it
cannot decide it takes for valid, so it never raises.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
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
from mockdock.content.refs import Refs

__all__ = ["Checker", "multiple"]

_MAX_DEPTH = 60
_DULL: tuple[Any, ...] = (None, "", [], {})
# Members and characters that cost as much as looking at one more schema.
_PER_STEP = 8
_PER_PATTERN = 20
_MAX_HELD = 20_000


def multiple(value: float, step: Fraction) -> bool:
    """Tell whether ``value`` is a multiple as validators count it, floats included."""
    exact = Fraction(value) % step == 0
    if exact or step.denominator == 1:
        return exact
    try:
        quotient = value / float(step)
        return quotient == int(quotient)
    except (OverflowError, ZeroDivisionError):
        return False


class Checker:
    """Checks values against schemas of one document, ``root``.

    ``steps`` is how many schemas it may look at in its life, large ones counting
    for several; after that everything counts as valid, so that the work stays
    bounded.
    """

    def __init__(self, root: Any, steps: int) -> None:
        self.document = Refs(root)
        self.steps = steps
        self._enums: dict[int, tuple[Any, frozenset[Any]]] = {}
        self._held = 0
        self._pools: dict[int, tuple[Any, list[tuple[Any, Any]]]] = {}
        self._last: tuple[Any, Any] = (None, canonical(None))

    def fits(self, value: Any, schema: Any, depth: int = 0) -> bool:
        """Tell whether ``value`` validates against ``schema``."""
        self.steps -= 1
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, Mapping) or depth > _MAX_DEPTH or self.steps < 0:
            return True
        depth += 1
        ref = schema.get("$ref") or schema.get("$dynamicRef")
        if isinstance(ref, str) and not self.fits(value, self.document.lookup(ref), depth):
            return False
        return (
            self._typed(value, schema)
            and self._combined(value, schema, depth)
            and self._shaped(value, schema, depth)
        )

    def given(self, flat: Mapping[str, Any]) -> list[Any]:
        """Give the values a flat schema itself offers: const, enum, examples, default."""
        if "const" in flat:
            return [flat["const"]]
        enum = listed(flat, "enum")
        if enum:
            rest = {key: value for key, value in flat.items() if key != "enum"}
            fitting = [item for item in enum if self.fits(item, rest)]
            return [item for item in fitting if item is not None] or fitting or list(enum)
        offered = list(listed(flat, "examples"))
        offered += [flat[key] for key in ("example", "default") if key in flat and not offered]
        return [item for item in offered if item not in _DULL and self.fits(item, flat)]

    def pool(self, schema: Any, few: Callable[[], Sequence[Any]]) -> list[tuple[Any, Any]]:
        """Give those of the ``few`` values that fit, each after its canonical form; found once."""
        if id(schema) not in self._pools:
            fitting = [(canonical(one), one) for one in few() if self.fits(one, schema)]
            # The schema is kept, so that no other one takes its id.
            self._pools[id(schema)] = (schema, fitting)
        return self._pools[id(schema)][1]

    def _typed(self, value: Any, schema: Mapping[str, Any]) -> bool:
        kind = kind_of(value)
        named = types(schema) if "type" in schema else ()
        if named and kind not in named and not (kind == "integer" and "number" in named):
            return value is None and schema.get("nullable") is True
        if "const" in schema and self._form(schema["const"], value) != self._form(value, value):
            return False
        enum = listed(schema, "enum")
        return not enum or self._form(value, value) in self._members(enum)

    def _form(self, one: Any, value: Any) -> Any:
        """Give a canonical form; that of ``value`` is kept, as it meets many schemas in a row."""
        if not isinstance(one, (Mapping, list, tuple)):
            return canonical(one)
        if one is not value:
            # Equal values have equal kinds and lengths: cheaper than a form.
            same = kind_of(one) == kind_of(value) and len(one) == len(value)
            return canonical(one) if same else None
        if self._last[0] is not one:
            self._last = (one, canonical(one))
        return self._last[1]

    def _members(self, enum: Any) -> frozenset[Any]:
        """Give the canonical forms of an enum's members, made once."""
        if id(enum) not in self._enums:
            self.steps -= len(enum) // _PER_STEP
            self._held += len(enum)
            if self._held > _MAX_HELD:
                self._enums.clear()
                self._held = len(enum)
            # The enum itself is kept, so that no other one takes its id.
            self._enums[id(enum)] = (enum, frozenset(canonical(item) for item in enum))
        return self._enums[id(enum)][1]

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
            if not _sized(len(value), schema, "Length") or not isinstance(pattern, str):
                return _sized(len(value), schema, "Length")
            self.steps -= len(pattern) // _PER_PATTERN
            return patterns.matches(pattern, value)
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
        tried = len(value) * sum(1 + len(key) // _PER_PATTERN for key in matching)
        self.steps -= (len(value) + len(needed) + len(known) + tried) // _PER_STEP
        rest = schema.get("additionalProperties", True)
        for name, item in value.items():
            if self.steps < 0:
                break
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
