"""Where a ``$ref`` points, inside one schema document; nothing is ever fetched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

__all__ = ["lookup"]

_MAX_WALK = 5_000


def lookup(root: Any, ref: str) -> Any:
    """Give the schema behind ``ref``: a JSON pointer, an anchor or an ``$id``.

    An unknown reference gives True, the schema that anything fits.
    """
    base, _, fragment = ref.partition("#")
    start = root
    if base and not (isinstance(root, Mapping) and root.get("$id") == base):
        start = _named(root, "$id", base)
    if not fragment:
        return start
    if not fragment.startswith("/"):
        return _named(start, "$anchor", fragment)
    return _pointed(start, unquote(fragment))


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


def _named(root: Any, keyword: str, name: str) -> Any:
    for steps, schema in enumerate(_walk(root)):
        if steps > _MAX_WALK:
            break
        if schema.get(keyword) == name or (keyword == "$id" and schema.get("$id") == f"{name}#"):
            return schema
    return True


def _walk(root: Any) -> Iterator[Mapping[str, Any]]:
    stack = [root]
    while stack:
        value = stack.pop()
        if isinstance(value, Mapping):
            yield value
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
