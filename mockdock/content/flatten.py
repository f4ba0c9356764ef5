"""One plain schema out of references and combinations, for the generator to follow."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence, Sized
from typing import Any

from mockdock.content.keywords import canonical, kind_of, listed, mapped, quantity, texts, types
from mockdock.content.refs import Refs
from mockdock.content.regex import MAX_PATTERN

__all__ = ["Branches", "Flattener"]

_MAX_DEPTH = 40
_MAX_WORK = 50_000
# Python does not write whole numbers of more than 4,300 digits.
_MAX_STEP = 10**3_000
_MEMBERS = ("properties", "patternProperties", "required", "enum", "dependentRequired")
_APART = frozenset(
    ("$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "then", "else", "$defs", "definitions")
)
_CHECKED = frozenset(("allOf", "anyOf", "oneOf", "not", "if"))
_LARGER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains")
_SMALLER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains")

Choose = Callable[[Sequence[Any], int], Any]


class Branches:
    """Runs through the branches of one schema: attempt 0, 1, 2, ... each chooses anew."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.attempt = 0
        self.orders: dict[int, list[int]] = {}

    def choose(self, options: Sequence[Any], key: int) -> Any:
        """Pick one of the options; ``key`` tells this choice from others of the schema."""
        order = self.orders.get(key)
        if order is None:
            order = list(range(len(options)))
            self.rng.shuffle(order)
            order.sort(key=lambda at: _is_null(options[at]))
            self.orders[key] = order
        # The attempt is a number whose digits are the choices on the way.
        self.attempt, digit = divmod(self.attempt, len(order))
        return options[order[digit]]


class Flattener:
    """Follows ``$ref``, merges ``allOf``, and lets ``choose`` pick a branch elsewhere.

    After ``flat``: ``refs`` are the references it followed, ``choices`` tells
    whether the result is one of several, so that a value made from it has to
    be checked against the whole. ``work`` is how many members were looked at;
    parts of a schema that takes too much of it are left out.
    """

    def __init__(self, document: Refs, choose: Choose) -> None:
        self.document = document
        self.choose = choose
        self.work = 0
        self.refs: list[str] = []
        self.choices = False

    def flat(self, schema: Any, depth: int = 0) -> dict[str, Any] | None:
        """Merge a schema into one without combinations; None when nothing can fit."""
        if schema is False:
            return None
        if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
            return {}
        merged = {key: value for key, value in schema.items() if key not in _APART}
        self.choices = self.choices or not _CHECKED.isdisjoint(schema)
        self.work += _members_of(schema)
        for part in self._parts(schema):
            inner = self.flat(part, depth + 1)
            if inner is None:
                return None
            self.work += _members_of(merged) + _members_of(inner)
            if self.work > _MAX_WORK:
                break
            merged = _merge(merged, inner)
        return merged

    def _parts(self, schema: Mapping[str, Any]) -> list[Any]:
        parts: list[Any] = []
        ref = schema.get("$ref") or schema.get("$dynamicRef")
        if isinstance(ref, str) and ref not in self.refs:
            self.refs.append(ref)
            parts.append(self.document.lookup(ref))
        parts.extend(listed(schema, "allOf"))
        for key in ("anyOf", "oneOf"):
            options = listed(schema, key)
            if options:
                self.work += len(options)
                parts.append(self.choose(options, id(options)))
        if "if" in schema:
            both = {"allOf": [schema["if"], schema.get("then", True)]}
            parts.append(self.choose([both, schema.get("else", True)], id(schema["if"])))
        dependent = mapped(schema, "dependentSchemas")
        needed = mapped(schema, "dependentRequired")
        if dependent or needed:
            present = {**mapped(schema, "properties"), **dict.fromkeys(texts(schema, "required"))}
            parts.extend(dependent[name] for name in dependent if name in present)
            parts.extend({"required": needed[name]} for name in needed if name in present)
        return parts


def _members_of(schema: Mapping[str, Any]) -> int:
    found = [schema[key] for key in _MEMBERS if key in schema]
    return len(schema) + sum(len(one) for one in found if isinstance(one, Sized))


def _merge(outer: dict[str, Any], inner: dict[str, Any]) -> dict[str, Any]:
    """Join two schemas so that a value of the result fits both, where that is simple."""
    merged = {**inner, **outer}
    if "type" in outer and "type" in inner:
        merged["type"] = _common_types(outer, inner)
    if "enum" in outer and "enum" in inner:
        allowed = {canonical(item) for item in listed(inner, "enum")}
        both = [item for item in listed(outer, "enum") if canonical(item) in allowed]
        merged["enum"] = both or outer["enum"]
    for key in ("properties", "patternProperties"):
        merged_members = _members(mapped(outer, key), mapped(inner, key))
        if merged_members:
            merged[key] = merged_members
    required = texts(outer, "required") + texts(inner, "required")
    if required:
        merged["required"] = list(dict.fromkeys(required))
    for key in ("items", "additionalProperties", "propertyNames", "contains"):
        if key in outer and key in inner:
            merged[key] = _both(outer[key], inner[key])
    if "pattern" in outer and "pattern" in inner:
        merged["pattern"] = _joined(outer["pattern"], inner["pattern"])
    _tighten(merged, outer, inner)
    return merged


def _common_types(outer: dict[str, Any], inner: dict[str, Any]) -> list[str]:
    ours, theirs = types(outer), types(inner)
    common = [kind for kind in ours if kind in theirs]
    if "integer" not in common and "integer" in (*ours, *theirs):
        other = theirs if "integer" in ours else ours
        common += ["integer"] * ("number" in other)
    return common or list(ours)


def _joined(one: Any, other: Any) -> Any:
    """Join patterns where one can follow the other; else the first, and the checks decide."""
    if not (isinstance(one, str) and isinstance(other, str)) or one == other:
        return one
    for first, second in ((one, other), (other, one)):
        short = len(first) + len(second) < MAX_PATTERN
        if short and not first.endswith("$") and not second.startswith("^"):
            return f"(?:{first}).*(?:{second})"
    return one


def _members(outer: Mapping[str, Any], inner: Mapping[str, Any]) -> dict[str, Any]:
    members = {**outer, **inner}
    for name in outer:
        if name in inner:
            members[name] = _both(outer[name], inner[name])
    return members


def _both(one: Any, other: Any) -> Any:
    if one == other or other is True:
        return one
    return other if one is True else {"allOf": [one, other]}


def _tighten(merged: dict[str, Any], outer: dict[str, Any], inner: dict[str, Any]) -> None:
    for keys, tighter in ((_LARGER, max), (_SMALLER, min)):
        for key in keys:
            one, other = quantity(outer, key), quantity(inner, key)
            if one is not None and other is not None:
                merged[key] = outer[key] if tighter(one, other) == one else inner[key]
    one, other = quantity(outer, "multipleOf"), quantity(inner, "multipleOf")
    if one and other:
        merged["multipleOf"] = outer["multipleOf"] if one >= other else inner["multipleOf"]
        if kind_of(outer["multipleOf"]) == kind_of(inner["multipleOf"]) == "integer":
            both = math.lcm(int(one), int(other))
            merged["multipleOf"] = both if both < _MAX_STEP else merged["multipleOf"]
    if inner.get("uniqueItems") is True:
        merged["uniqueItems"] = True


def _is_null(option: Any) -> bool:
    return isinstance(option, Mapping) and (
        option.get("type") == "null" or ("const" in option and option["const"] is None)
    )
