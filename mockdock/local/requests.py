"""Requests read once more, off the records of a journal."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import partial
from typing import Any

from mockdock.dialects import DIALECTS, Call, Dialect
from mockdock.engine import Engine
from mockdock.errors import MockdockError
from mockdock.reply import Failure
from mockdock.request import Request

__all__ = ["request_of"]

_VERSION = (("api-version", "as it was"),)
"""What Azure wants at the end of a path, of which records show nothing."""


def request_of(engine: Engine, record: Mapping[str, Any]) -> Request | None:
    """Read the request of a record as it was parsed, with its secrets hidden.

    None where it is none that its dialect takes.
    """
    dialect = next((each for each in DIALECTS if each.name == record["dialect"]), None)
    found = None if dialect is None else _routed(dialect, record["method"], record["path"])
    if dialect is None or found is None:
        return None
    operation, params = found
    headers, body = record["request"]["headers"], record["request"]["body"]
    call = Call(
        operation=operation,
        method=record["method"],
        path=record["path"],
        headers=headers,
        params=params,
        body=body.encode() if isinstance(body, str) else base64.b64decode(body["base64"]),
        base_url="",
        caller=dialect.caller(headers),
        query=_VERSION,
        lenient=engine.scenario.validation == "lenient",
        dialect=dialect.name,
        gateways=engine.gateways,
        traits=partial(engine.traits, dialect=dialect.name),
    )
    parsed = dialect.parse(call)
    if isinstance(parsed, Failure):
        return None
    try:
        read = engine.read(parsed, record["started"])
    except MockdockError:
        return None
    # Who answered then is told; who would answer now may be another one.
    return read.but(model=record["model"])


def _routed(dialect: Dialect, method: str, path: str) -> tuple[str, dict[str, str]] | None:
    """Find the operation at a path, and what its segments stand for."""
    segments = path.split("/")
    for route in dialect.routes:
        wanted = route.path.split("/")
        if route.method != method or len(wanted) != len(segments):
            continue
        pairs = list(zip(wanted, segments, strict=True))
        if all(name == segment or (name[:1] == "{" and segment) for name, segment in pairs):
            params = {name[1:-1].partition(":")[0]: each for name, each in pairs if name[:1] == "{"}
            return route.operation, params
    return None
