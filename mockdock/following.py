"""Letting a request go a trail that others before it have made."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

from mockdock.dialects import Call, Dialect
from mockdock.engine import Walk
from mockdock.request import Request
from mockdock.sessions import Session

__all__ = ["follow", "reading"]

_JSON = "application/json"
_WISH = "x-mockdock-fault"


def follow(call: Call, dialect: Dialect, session: Session) -> Walk | None:
    """Let a request go a trail up to its step; None where it has to go the usual way.

    What is read of its body is kept for that.
    """
    brief, caller, headers, trails = dialect.brief, call.caller, call.headers, session.engine.trails
    if brief is None or not trails or call.operation != "chat" or call.query:
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
    return trail.walk(said, caller, reading(call, dialect), session.age)


def reading(call: Call, dialect: Dialect) -> Callable[[], Request]:
    """Give what reads a request that can go a trail; it is known to be valid."""
    return partial(cast("Callable[[Call], Request]", dialect.parse), call)
