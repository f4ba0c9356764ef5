"""Where a ``$ref`` points, inside one schema document; nothing is ever fetched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any
from urllib.parse import unquote, urljoin

__all__ = ["Refs", "fields"]

_MAX_WALK = 5_000
_ANCHORS = ("$anchor", "$dynamicAnchor")


class Refs:
    """Looks up references in one document, ``root``, which is read once for them all."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self._known: dict[str, Any] = {}
        self._anchors: dict[int, Mapping[str, Any]] = {}

    def lookup(self, ref: str) -> Any:
        """Give the schema behind ``ref``: a JSON pointer, an anchor or an ``$id``.

        An unknown reference gives True, the schema that anything fits.
        """
        if ref not in self._known:
            self._known[ref] = self._find(ref)
        return self._known[ref]

    def _find(self, ref: str) -> Any:
        base, _, fragment = ref.partition("#")
        start = self._resources.get(_absolute(self._base, base), True) if base else self.root
        if not fragment:
            return start
        if fragment.startswith("/"):
            return _pointed(start, unquote(fragment))
        if id(start) not in self._anchors:
            self._anchors[id(start)] = _named(start)
        return self._anchors[id(start)].get(fragment, True)

    @property
    def _base(self) -> str:
        base = self.root.get("$id") if isinstance(self.root, Mapping) else None
        return base if isinstance(base, str) else ""

    @cached_property
    def _resources(self) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        for schema in _few(self.root):
            own = schema.get("$id")
            if isinstance(own, str):
                found.setdefault(_absolute(self._base, own).removesuffix("#"), schema)
        return found


def _named(start: Any) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for schema in _few(start):
        for key in _ANCHORS:
            if isinstance(name := schema.get(key), str):
                found.setdefault(name, schema)
    return found


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
