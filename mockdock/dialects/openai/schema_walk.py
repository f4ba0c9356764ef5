"""A JSON Schema node by node, with the words the service has for places in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Place", "bad_type", "shown", "typed", "walk"]

_SHOWN = 500
"""Places and values longer than this are cut in a message."""


@dataclass(frozen=True, slots=True)
class Place:
    """A schema inside another: the keys that lead to it, and how many objects hold it."""

    schema: Any
    context: tuple[str, ...] = ()
    objects: int = 0

    def fault(self, what: str) -> str:
        """Say what is wrong here, as the service does."""
        return f"In context={shown(self.context)}, {what}"

    @property
    def levels(self) -> int:
        """How deep objects are nested down to here, this one included."""
        schema = self.schema
        is_object = "properties" in schema or any(
            name == "object" for name, _ in typed(schema, self.context)
        )
        return self.objects + is_object


def shown(value: Any) -> str:
    """Write a value as Python does, which is what the service is written in."""
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def bad_type(value: Any, *wanted: str) -> str:
    """Say that a keyword has the wrong type, in the words of Python's jsonschema."""
    return f"{shown(value)} is not of type {', '.join(repr(name) for name in wanted)}."


def typed(
    schema: dict[str, Any], context: tuple[str, ...]
) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Give each type a schema may have, and where it is said."""
    kind = schema.get("type")
    if isinstance(kind, list):
        yield from ((each, (*context, "type", str(at))) for at, each in enumerate(kind))
    elif kind is not None:
        yield kind, context


def walk(schema: Any) -> Iterator[Place]:
    """Give a schema and all inside it, outer ones first; references are not followed."""
    stack = [Place(schema)]
    while stack:
        place = stack.pop()
        yield place
        if isinstance(place.schema, dict):
            stack.extend(reversed(list(_inside(place))))


def _inside(place: Place) -> Iterator[Place]:
    schema, context, levels = place.schema, place.context, place.levels
    for keyword in ("properties", "items", "anyOf", "$defs", "definitions"):
        value = schema.get(keyword)
        inside = (*context, keyword)
        match keyword, value:
            case "$defs" | "definitions", dict():
                yield from (Place(each, (*inside, name)) for name, each in value.items())
            case "properties", dict():
                yield from (Place(each, (*inside, name), levels) for name, each in value.items())
            case "items", dict() | bool():
                yield Place(value, inside, levels)
            case "items" | "anyOf", list():
                yield from (
                    Place(each, (*inside, str(at)), levels) for at, each in enumerate(value)
                )
