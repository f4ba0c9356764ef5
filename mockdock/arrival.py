"""A request as it arrives: first its head, then its body."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from functools import partial
from operator import itemgetter
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from mockdock.dialects import Call, Dialect
from mockdock.dialects.base import Sent
from mockdock.engine import Engine
from mockdock.request import Caller, DialectName

__all__ = ["GoneError", "arrive", "headed", "headers_of", "marked", "read", "straightened"]

_WISH = b"mockdock-fault="
_LONGEST_QUERY = 2000
"""No wish is as long, and every place in it may have to be tried."""
_MOST_KNOWN, _LONGEST_KNOWN = 512, 4096
"""Heads that are remembered, and the bytes of the longest: some 6 MB at the very most."""
_NAME = itemgetter(0)
_DIGITS = 18
"""A longer content-length is above any limit, and maybe more than int() takes."""


class GoneError(Exception):
    """The client left before its body was complete."""


def straightened(
    scope: MutableMapping[str, Any], known: Callable[[str], bool]
) -> MutableMapping[str, Any]:
    """Move the path out of the query, where a client put it; ``known`` tells which paths there are.

    SDKs add their paths to the very end of a base URL: one that ends with
    ``/v1?mockdock-fault=reset`` becomes ``/v1?mockdock-fault=reset/chat/completions``,
    or ``/v1/?mockdock-fault=resetchat/completions``; what they add to the query
    comes after it, and then the slash may be written as ``%2F``.
    """
    query = scope.get("query_string", b"")
    if _WISH not in query or len(query) > _LONGEST_QUERY or known(scope["path"]):
        return scope
    base = scope["path"].rstrip("/")
    for start in range(query.index(_WISH) + len(_WISH), len(query)):
        end = query.find(b"&", start)
        end = len(query) if end < 0 else end
        path = f"{base}/{unquote(query[start:end].decode('latin-1')).lstrip('/')}"
        if known(path):
            rest = query[:start] + query[end:]
            return {**scope, "path": path, "raw_path": quote(path).encode(), "query_string": rest}
    return scope


def marked(scope: MutableMapping[str, Any], mark: str) -> bool:
    """Tell whether a request has a header, by its name in lower case; an empty name is none."""
    if not mark:
        return False
    return mark.encode() in map(_NAME, scope.get("headers", ()))


_Pairs = tuple[tuple[bytes, bytes], ...]
_known: dict[tuple[DialectName, _Pairs], tuple[Mapping[str, str], Caller]] = {}


def headed(scope: MutableMapping[str, Any], dialect: Dialect) -> tuple[Mapping[str, str], Caller]:
    """Give the headers of a request, and who asks; those of a client are alike again and again."""
    pairs = tuple(scope["headers"])
    try:
        known = _known.get((dialect.name, pairs))
    except TypeError:  # some servers give lists, which are as good
        pairs = tuple((name, value) for name, value in pairs)
        known = _known.get((dialect.name, pairs))
    if known is None:
        headers = headers_of(scope)
        known = MappingProxyType(headers), dialect.caller(headers)
        if sum(len(name) + len(value) for name, value in pairs) <= _LONGEST_KNOWN:
            if len(_known) >= _MOST_KNOWN:
                _known.clear()
            _known[dialect.name, pairs] = known
    return known


def headers_of(scope: MutableMapping[str, Any]) -> dict[str, str]:
    """Give the headers of a request, their names in lower case.

    One that came several times has all its values, as one line of it would.
    """
    pairs = scope["headers"]
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}
    return headers if len(headers) == len(pairs) else _joined(pairs)


def _joined(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    return {
        name: ("; " if name == "cookie" else ", ").join(values) for name, values in found.items()
    }


def arrive(
    scope: MutableMapping[str, Any],
    headers: Mapping[str, str],
    caller: Caller,
    dialect: Dialect,
    engine: Engine,
    operation: str,
    body: bytes,
    sent: Sent | None,
) -> Call:
    """Tell what is known of a request, and of who answers it."""
    host = headers.get("host") or ":".join(map(str, scope.get("server") or ()))
    return Call(
        operation=operation,
        method=scope["method"],
        path=scope["path"],
        headers=headers,
        params=scope.get("path_params", {}),
        body=body,
        base_url=f"{scope.get('scheme', 'http')}://{host}",
        caller=caller,
        query=_query(scope["query_string"]),
        lenient=engine.scenario.validation == "lenient",
        dialect=dialect.name,
        gateways=engine.gateways,
        traits=partial(engine.traits, dialect=dialect.name),
        sent=sent,
    )


def _query(text: bytes) -> tuple[tuple[str, str], ...]:
    return tuple(parse_qsl(text.decode("latin-1"), keep_blank_values=True)) if text else ()


async def read(
    headers: Mapping[str, str],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    limit: int,
) -> bytes | None:
    """Read the body, None when it is above ``limit`` bytes."""
    announced = headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > _DIGITS or int(announced) > limit):
        return None
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        return body if len(body) <= limit else None
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        if message["type"] == "http.disconnect":
            raise GoneError
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
        more = message.get("more_body", False)
        if more:
            message = await receive()
    return b"".join(chunks)
