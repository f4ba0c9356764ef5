"""One exchange: what was asked, what was said, how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mockdock.frames import Outcome
from mockdock.reply import Reply
from mockdock.request import Request

__all__ = ["Exchange", "Observer"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer, once it is about to be complete.

    ``request`` is None when it could not be parsed. ``started`` is in seconds
    since 1970, ``duration`` in scenario seconds.
    """

    method: str
    path: str
    session: str
    request: Request | None
    reply: Reply
    rule: str | None
    attempt: int
    status: int
    outcome: Outcome
    started: float
    duration: float


Observer = Callable[[Exchange], None]
"""Gets every exchange before its last byte leaves; must be quick and not raise."""
