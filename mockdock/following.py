"""Letting a request go a trail that others before it have made."""

from __future__ import annotations

from functools import partial
from typing import cast

from mockdock.arrival import arrive
from mockdock.dialects import Dialect
from mockdock.engine import Engine, Walk
from mockdock.observe import Exchange
from mockdock.request import Request
from mockdock.visit import Visit

__all__ = ["OPERATION", "follow"]

OPERATION = "chat"
"""That of which trails are made."""
_JSON = "application/json"
_WISH = "x-mockdock-fault"


def follow(visit: Visit, dialect: Dialect) -> Walk | None:
    """Let a chat request go a trail up to its step; None where it has to go the usual way."""
    engine, headers, caller = visit.session.engine, visit.headers, visit.caller
    brief, trails = dialect.brief, engine.trails
    if brief is None or not trails or visit.scope["query_string"]:
        return None
    if headers.get("content-type") != _JSON or _WISH in headers:
        return None
    if caller.attempt is not None and caller.attempt > 1:
        return None
    glanced = brief.glance(visit.body)
    if glanced is None:
        return None
    visit.sent, mark = glanced
    trail = trails.of(mark)
    said = None if trail is None else brief.words(visit.sent)
    if trail is None or said is None:
        return None
    if trail.reads is None:
        trail.reads = partial(_read, dialect, engine)
    whole = partial(_parsed, dialect, visit)
    return trail.walk(said, caller, whole, visit.arrived - visit.session.began)


def _read(dialect: Dialect, engine: Engine, exchange: Exchange) -> Request:
    """Read the request of an exchange that went a trail."""
    scope = {"method": exchange.method, "path": exchange.path, "query_string": b""}
    headers, body = exchange.headers, exchange.body
    caller = dialect.caller(headers)
    call = arrive(scope, headers, caller, dialect, engine, OPERATION, body)
    return cast("Request", dialect.parse(call))


def _parsed(dialect: Dialect, visit: Visit) -> Request:
    """Read a request whose parameters are known to be valid."""
    return cast("Request", dialect.parse(visit.call(dialect, OPERATION)))
