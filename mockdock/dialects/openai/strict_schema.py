"""Schemas for strict mode: the subset of JSON Schema that answers are held to.

The limits are those of OpenAI's guide to structured outputs in 2026 (at launch
five levels and 100 properties). The words are those of public pastes; ASSUMED
marks those for which there is none. Keywords of which the guide does not say
whether they are supported (minLength, maxLength) pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mockdock.dialects.openai.schema_form import malformed, not_an_object
from mockdock.dialects.openai.schema_walk import Place, cut, shown, typed, walk

__all__ = ["not_strict", "strict_fault"]

_LEVELS = 10
_PROPERTIES = 5_000
_ENUM_VALUES = 1_000
_CHARACTERS = 120_000
_LONG_ENUM = 250
_LONG_ENUM_CHARACTERS = 15_000

_REFUSED = frozenset(
    {  # the guide; jcode#687, oh-my-pi#209, openai-agents-python#474, zenn.dev a8d8f53f5faebb
        *("allOf", "oneOf", "not", "if", "then", "else", "default"),
        *("dependentRequired", "dependentSchemas", "patternProperties", "unevaluatedProperties"),
        *("propertyNames", "minProperties", "maxProperties", "unevaluatedItems", "contains"),
        *("minContains", "maxContains", "uniqueItems"),
    }
)
_FORMATS = (  # git-mcp-server#47
    *("date-time", "time", "date", "duration", "email"),
    *("hostname", "ipv4", "ipv6", "uuid"),
)
_UNTYPED = ("type", "anyOf", "enum", "const")
_REQUIRED = (
    "'required' is required to be supplied and to be an array including every key in properties."
)


def strict_fault(schema: Mapping[str, Any]) -> str | None:
    """Tell what is wrong with a schema for strict mode, None for nothing."""
    places = walk(schema, levels=True)
    return malformed(places) or not_an_object(schema) or not_strict(schema, places)


def not_strict(schema: Mapping[str, Any], places: Sequence[Place]) -> str | None:
    """Tell what strict mode refuses of a well-formed schema of objects.

    ``places`` are all of the schema, with their levels.
    """
    deepest = max(place.levels for place in places if isinstance(place.schema, dict))
    if deepest > _LEVELS:
        return f"{deepest} levels of nesting exceeds limit of {_LEVELS}."  # ellmer#671
    if "anyOf" in schema:
        return Place(schema).fault("'anyOf' is not permitted.")  # the guide; words ASSUMED
    for place in places:
        fault = next(_faults(place, schema), None)
        if fault is not None:
            return fault
    return _too_much([place.schema for place in places])


def _faults(place: Place, root: Mapping[str, Any]) -> Iterator[str]:
    schema = place.schema
    if not isinstance(schema, dict):
        yield place.fault("schema must have a 'type' key.")  # livekit/agents#4610
        return
    if "$ref" in schema:
        yield from _reference(place, root)
        return
    for keyword in schema:
        if keyword in _REFUSED:
            yield place.fault(f"'{keyword}' is not permitted.")
    if not any(keyword in schema for keyword in _UNTYPED):
        yield place.fault("schema must have a 'type' key.")
    for kind, context in typed(schema, place.context):
        here = Place(schema, context)
        if kind == "object":
            yield from _object(here)
        elif kind == "array" and "items" not in schema:
            yield here.fault("array schema missing items.")
        elif kind == "string" and schema.get("format", "date") not in _FORMATS:
            yield here.fault(f"{shown(schema['format'])} is not a valid format.")


def _object(place: Place) -> Iterator[str]:
    """Tell what an object leaves open (langchain#25169, ash_ai#155, ai-memory#628)."""
    schema = place.schema
    if schema.get("additionalProperties") is not False:
        yield place.fault("'additionalProperties' is required to be supplied and to be false.")
    properties, required = schema.get("properties", {}), schema.get("required", [])
    for name in properties:
        if name not in required:
            yield place.fault(f"{_REQUIRED} Missing {shown(name)}.")
    for name in required:
        if name not in properties:
            yield place.fault(f"{_REQUIRED} Extra required key {shown(name)} supplied.")


def _reference(place: Place, root: Mapping[str, Any]) -> Iterator[str]:
    """Tell of references with company, or to nowhere (langchainjs#11381, dotnet#6918)."""
    schema = place.schema
    beside = sorted(set(schema) - {"$ref", "$defs", "definitions"})
    if beside:
        names = cut(", ".join(shown(name) for name in beside))
        yield f"context={shown(place.context)}, $ref cannot have keywords {{{names}}}."
    match schema["$ref"].split("/"):
        case ["#"]:
            return
        case ["#", "$defs" | "definitions" as where, name]:
            known = root.get(where, {})
            if not isinstance(known, dict) or name not in known:
                # openai/openai-node#970
                target = schema["$ref"]
                yield place.fault(
                    f"reference to component '{target}' which was not found in the schema."
                )
        case _:
            yield place.fault(
                "reference can only point to definitions defined at the top level of the schema."
            )


def _too_much(schemas: Iterable[Any]) -> str | None:
    """Tell of sizes beyond the guide's; only the words for properties are pasted."""
    properties = values = characters = 0
    for schema in schemas:
        if not isinstance(schema, dict):
            continue
        names = [*schema.get("properties", {}), *schema.get("$defs", {})]
        enum = schema.get("enum", [])
        texts = sum(len(each) for each in enum if isinstance(each, str))
        properties += len(schema.get("properties", {}))
        values += len(enum)
        characters += sum(map(len, names)) + texts + len(str(schema.get("const", "")))
        if len(enum) > _LONG_ENUM and texts > _LONG_ENUM_CHARACTERS:
            return f"{texts} characters of enum values exceeds limit of {_LONG_ENUM_CHARACTERS}."
    for count, what, limit in (
        (properties, "parameters", _PROPERTIES),
        (values, "enum values", _ENUM_VALUES),
        (characters, "characters", _CHARACTERS),
    ):
        if count > limit:
            return f"{count} {what} exceeds limit of {limit}."
    return None
