"""A JSON Schema node by node, with the words the service has for places in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = ["Place", "bad_type", "cut", "shown", "typed", "walk"]

_SHOWN = 500
"""Places and values longer than this are cut in a message."""


class Place(NamedTuple):
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
        kind = self.schema.get("type")
        is_object = (
            kind == "object"
            or "properties" in self.schema
            or (isinstance(kind, list) and "object" in kind)
        )
        return self.objects + is_object


def shown(value: Any) -> str:
    """Write a value as Python does, which is what the service is written in."""
    return cut(repr(value))


def cut(text: str) -> str:
    """Keep the beginning of a text that is too long for a message."""
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


def walk(schema: Any, *, levels: bool = False) -> list[Place]:
    """Give a schema and all inside it, outer ones first; references are not followed.

    Objects around a place are counted for ``levels`` only.
    """
    places = []
    stack = [Place(schema)]
    while stack:
        place = stack.pop()
        places.append(place)
        if isinstance(place.schema, dict):
            inside = list(_inside(place, place.levels if levels else 0))
            inside.reverse()
            stack += inside
    return places


def _inside(place: Place, levels: int) -> Iterator[Place]:
    schema, context, _ = place
    for keyword in ("properties", "items", "anyOf", "$defs", "definitions"):
        if keyword not in schema:
            continue
        value = schema[keyword]
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
