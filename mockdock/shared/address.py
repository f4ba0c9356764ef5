"""Where the store is: redis://user:password@host:port/database?namespace=name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from mockdock.errors import UsageError

__all__ = ["Address"]

_EXAMPLE = "redis://localhost:6379/0?namespace=mockdock"
_FORMAT = 1
"""What is kept by one format is not read by another: raise it where the script keeps otherwise."""
_SCHEMES = ("redis", "rediss", "unix")
_TLS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_DIGITS = 8
_NAMESPACE = re.compile(r"[A-Za-z0-9_.-]{1,100}")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a Redis listens, and what it takes to get in.

    ``where`` names the place without any secret; ``prefix`` is what all keys begin with.
    ``options`` are those of a connection of redis-py.
    """

    where: str
    scheme: str
    prefix: str
    options: Mapping[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read a URL; raises UsageError, which says what would be right and tells no secret."""
        parts = _split(url)
        if parts.scheme not in _SCHEMES:
            _refuse(f"begins with redis://, rediss:// (TLS) or unix://, not {parts.scheme!r}")
        if "@" in (parts.query if parts.scheme == "unix" else parts.path + parts.query):
            _refuse("has no @ after its host; /, ? and @ in a password are %2F, %3F and %40")
        query = _query(parts)
        namespace = query.pop("namespace", "mockdock")
        if not _NAMESPACE.fullmatch(namespace):
            _refuse(
                f"has a namespace of up to 100 letters, digits and any of _ . -, not {namespace!r}"
            )
        options: dict[str, Any] = {"protocol": 2}
        if parts.scheme == "unix":
            if parts.hostname or not parts.path.strip("/"):
                _refuse("has three slashes before the path of a socket: unix:///run/redis.sock")
            options["path"], db = unquote(parts.path), query.pop("db", "0")
            where = f"unix://{options['path']}?db={db}"
        else:
            options["host"], options["port"] = parts.hostname or "localhost", _port(parts)
            db = parts.path.strip("/") or "0"
            shown = f"[{options['host']}]" if ":" in options["host"] else options["host"]
            where = f"{parts.scheme}://{shown}:{options['port']}/{db}"
        if not (db.isascii() and db.isdigit() and len(db) < _DIGITS):
            _refuse(f"names a database by its number, such as 0, not {db!r}")
        options["db"] = int(db)
        options |= {name: query.pop(name) for name in _TLS if name in query}
        if query:
            known = ("db",) if parts.scheme == "unix" else _TLS if parts.scheme == "rediss" else ()
            names = ", ".join(("namespace", *known))
            _refuse(f"knows no option {next(iter(query))!r}; there are: {names}")
        for name in ("username", "password"):
            if given := getattr(parts, name):
                options[name] = unquote(given)
        return cls(where, parts.scheme, f"{namespace}:{_FORMAT}:", options)


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url.strip())
    except ValueError:
        _refuse("has the form of a URL, with an IPv6 address in brackets")


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        _refuse("has a port between 1 and 65535; signs in a password are to be written as %40")
    return 6379 if port is None else port


def _query(parts: SplitResult) -> dict[str, str]:
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = dict(pairs)
    if len(query) < len(pairs):
        twice = next(name for name, _ in pairs if [each for each, _ in pairs].count(name) > 1)
        _refuse(f"has each option once, and not {twice!r} twice")
    if parts.fragment:
        _refuse("has no part after #; that sign in a password is to be written as %23")
    if parts.scheme != "rediss" and (tls := [name for name in _TLS if name in query]):
        _refuse(f"begins with rediss:// where it has {tls[0]}")
    return query


def _refuse(right: str) -> NoReturn:
    raise UsageError(f"the address of a store {right} (such as {_EXAMPLE})")
