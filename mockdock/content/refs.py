"""Where a ``$ref`` points, inside one schema document; nothing is ever fetched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import unquote, urljoin

__all__ = ["fields", "lookup"]

_MAX_WALK = 5_000
_ANCHORS = ("$anchor", "$dynamicAnchor")


def lookup(root: Any, ref: str) -> Any:
    """Give the schema behind ``ref``: a JSON pointer, an anchor or an ``$id``.

    An unknown reference gives True, the schema that anything fits.
    """
    base, _, fragment = ref.partition("#")
    start = _resource(root, base) if base else root
    if not fragment:
        return start
    if not fragment.startswith("/"):
        named = (schema for schema in _few(start) if fragment in map(schema.get, _ANCHORS))
        return next(named, True)
    return _pointed(start, unquote(fragment))


def fields(root: Any) -> Iterator[tuple[str, Any]]:
    """Give (name, schema) of the properties in a document, up to some thousand schemas."""
    for schema in _few(root):
        properties = schema.get("properties")
        if isinstance(properties, Mapping):
            yield from ((name, part) for name, part in properties.items() if isinstance(name, str))


def _pointed(start: Any, pointer: str) -> Any:
    found = start
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isdecimal() and int(key[:9]) < len(found):
            found = found[int(key[:9])]
        else:
            return True
    return found


def _resource(root: Any, name: str) -> Any:
    base = root.get("$id") if isinstance(root, Mapping) else None
    base = base if isinstance(base, str) else ""
    wanted = _absolute(base, name)
    for schema in _few(root):
        own = schema.get("$id")
        if isinstance(own, str) and _absolute(base, own).removesuffix("#") == wanted:
            return schema
    return True


def _absolute(base: str, name: str) -> str:
    try:
        return urljoin(base, name)
    except ValueError:
        return name


def _few(root: Any) -> Iterator[Mapping[str, Any]]:
    return islice(_walk(root), _MAX_WALK + 1)


def _walk(root: Any) -> Iterator[Mapping[str, Any]]:
    stack = [root]
    while stack:
        value = stack.pop()
        if isinstance(value, Mapping):
            yield value
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
