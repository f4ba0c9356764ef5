"""Letting a request go a trail that others before it have made."""

from __future__ import annotations

from functools import partial
from typing import cast

from mockdock.arrival import arrive
from mockdock.dialects import Call, Dialect
from mockdock.engine import Engine, Walk
from mockdock.observe import Exchange
from mockdock.request import Request
from mockdock.sessions import Session

__all__ = ["follow"]

_OPERATION = "chat"
_JSON = "application/json"
_WISH = "x-mockdock-fault"


def follow(call: Call, dialect: Dialect, session: Session) -> Walk | None:
    """Let a request go a trail up to its step; None where it has to go the usual way.

    What is read of its body is kept for that.
    """
    brief, caller, headers, trails = dialect.brief, call.caller, call.headers, session.engine.trails
    if brief is None or not trails or call.operation != _OPERATION or call.query:
        return None
    if headers.get("content-type") != _JSON or _WISH in headers:
        return None
    if caller.attempt is not None and caller.attempt > 1:
        return None
    glanced = brief.glance(call.body)
    if glanced is None:
        return None
    call.sent, mark = glanced
    trail = trails.of(mark)
    said = None if trail is None else brief.words(call.sent)
    if trail is None or said is None:
        return None
    if trail.reads is None:
        trail.reads = partial(_read, dialect, session.engine)
    return trail.walk(said, caller, lambda: _parsed(dialect, call), session.age)


def _read(dialect: Dialect, engine: Engine, exchange: Exchange) -> Request:
    """Read the request of an exchange that went a trail."""
    scope = {"method": exchange.method, "path": exchange.path, "query_string": b""}
    headers, body = exchange.headers, exchange.body
    caller = dialect.caller(headers)
    return _parsed(dialect, arrive(scope, headers, caller, dialect, engine, _OPERATION, body))


def _parsed(dialect: Dialect, call: Call) -> Request:
    """Parse a call that is known to be valid."""
    return cast("Request", dialect.parse(call))
