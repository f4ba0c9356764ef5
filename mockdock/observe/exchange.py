"""One exchange: what was asked, what was said, how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from mockdock.frames import Frame, Head, Outcome
from mockdock.reply import Failure, Reply
from mockdock.request import Request

__all__ = ["Exchange", "Observer"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer, once it is about to be complete.

    ``headers`` of the request have lower-case names; ``body`` is as it came,
    empty when it was not read. ``request`` is None when it could not be
    parsed. ``rule`` is the name of the rule that answered, ``rule_key`` what
    it is counted by. ``started`` is in seconds since 1970, ``duration`` in
    scenario seconds. ``late`` tells that its session began anew meanwhile, or was
    closed. ``rendered`` makes the frames anew; ``outcome`` tells how
    many of them were sent.
    """

    method: str
    path: str
    session: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    request: Request | None
    reply: Reply
    rule: str | None
    rule_key: str | None
    attempt: int
    head: Head
    outcome: Outcome
    started: float
    duration: float
    rendered: Callable[[], Iterator[Frame]] = field(repr=False)
    late: bool = False

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.head.status

    @property
    def missed(self) -> bool:
        """Whether it went past every rule, or past every path there is."""
        return isinstance(self.reply, Failure) and self.reply.kind in _MISSES


_MISSES = frozenset({"no_match", "exhausted", "unknown_url", "invalid_url", "wrong_method"})

Observer = Callable[[Exchange], None]
"""Gets every exchange before its last byte leaves; must be quick and not raise."""
