"""Nouns as JSON, and back, exactly: what was a tuple is none of the other kinds of lists.

Fields that make no noun another one, since they are not compared, are left out.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import Any

from msgspec import Struct

from mockdock.errors import UsageError
from mockdock.ledger.entry import Entry, decoded, encoded

__all__ = ["read", "write"]

_MODULES = (
    *("accounts", "completing", "embedding", "frames", "moderation", "question", "reply"),
    *("request", "routing", "statements", "usage", "ledger.seeds"),
)
_SCALARS = frozenset({type(None), bool, int, float, str})


def write(value: Any) -> bytes:
    """Write nouns and plain values as JSON. Raises UsageError for what is nested too deep."""
    try:
        return json.dumps(_plain(value), separators=(",", ":")).encode()
    except RecursionError:
        raise UsageError(
            "what is nested some hundred levels deep cannot be kept where several processes share"
        ) from None


def read(data: bytes) -> Any:
    """Read what was written."""
    return _noun(json.loads(data))


def _plain(value: Any) -> Any:
    """Give what JSON holds: tuples as lists, all else that is no scalar as an object."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is tuple:
        return [_plain(each) for each in value]
    if kind in _OTHERS:
        name, written, _ = _OTHERS[kind]
        return {name: written(value)}
    if _classes().get(kind.__name__) is not kind:
        raise TypeError(f"{kind.__name__} is no noun that can be written")
    return {kind.__name__: [_plain(getattr(value, name)) for name in _fields(kind)]}


def _noun(told: Any) -> Any:
    if isinstance(told, list):
        return tuple(map(_noun, told))
    if not isinstance(told, dict):
        return told
    ((name, held),) = told.items()
    if name in _MADE:
        return _MADE[name](held)
    kind = _classes()[name]
    return kind(**dict(zip(_fields(kind), map(_noun, held), strict=True)))


@cache
def _fields(kind: Any) -> tuple[str, ...]:
    """Name what tells nouns of a kind apart."""
    names: tuple[str, ...]
    if issubclass(kind, tuple):
        names = kind._fields
    elif issubclass(kind, Struct):
        names = kind.__struct_fields__
    else:
        names = tuple(each.name for each in fields(kind) if each.compare)
    return names


@cache
def _classes() -> Mapping[str, Any]:
    """Give all kinds of nouns by their names."""
    homes = (import_module(f"mockdock.{name}") for name in _MODULES)
    public = (getattr(home, name) for home in homes for name in home.__all__)
    return {
        each.__name__: each
        for each in public
        if isinstance(each, type) and (is_dataclass(each) or issubclass(each, (Struct, tuple)))
    }


_OTHERS: Mapping[type, tuple[str, Callable[[Any], Any], Callable[[Any], Any]]] = {
    dict: (
        "map",
        lambda value: [[_plain(key), _plain(each)] for key, each in value.items()],
        lambda held: {_noun(key): _noun(each) for key, each in held},
    ),
    list: ("list", lambda value: list(map(_plain, value)), lambda held: list(map(_noun, held))),
    frozenset: ("set", lambda value: list(map(_plain, value)), lambda held: frozenset(_noun(held))),
    bytes: ("bytes", lambda value: base64.b64encode(value).decode(), base64.b64decode),
    Decimal: ("decimal", str, Decimal),
    Entry: ("Entry", encoded, lambda held: decoded(json.loads(held))),
}
"""Of each kind its name, what writes it, and what reads it."""
_MADE = {name: made for name, _, made in _OTHERS.values()}
