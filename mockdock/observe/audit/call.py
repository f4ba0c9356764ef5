"""A logical call: what an application asked once, in one attempt or several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct

from mockdock.observe.audit.attempt import Attempt
from mockdock.observe.audit.demand import Demand

__all__ = ["Call", "CallOutcome", "Gap", "Link"]

Link = Literal["first", "idempotency key", "retry count", "trace id", "similarity"]
"""What tells that an attempt belongs to its call."""

CallOutcome = Literal["succeeded", "gave_up", "cut", "abandoned", "spoiled", "stopped"]
"""How a call ended, by its last attempt.

gave_up: it was refused, or the wire broke. cut: a stream was cut and not asked
for again, so that its client took what it had. abandoned: the client closed
the connection. spoiled: the reply was not usable. stopped: the server was.
"""

_OUTCOMES: Mapping[str, CallOutcome] = {
    "succeeded": "succeeded",
    "refused": "gave_up",
    "broken": "gave_up",
    "cut": "cut",
    "left": "abandoned",
    "spoiled": "spoiled",
    "stopped": "stopped",
}


class Gap(Struct, frozen=True):
    """The wait before a retry in seconds: from the end of the attempt before to its arrival.

    ``retry`` counts from 1. ``lost`` tells that attempts between the two never
    reached the server, as while it refused connections.
    """

    before: Attempt
    after: Attempt
    retry: int
    lost: bool

    @property
    def demanded(self) -> Demand | None:
        """What the reply before demanded."""
        return self.before.demand

    @property
    def instant(self) -> bool:
        """Whether its length means nothing, as where nobody waits."""
        return self.before.instant or self.after.instant

    @property
    def taken(self) -> float:
        """How long the client waited; 0 when it did not wait for the end."""
        return max(0.0, self.after.start - self.before.end)


class Call(Struct, frozen=True):
    """Attempts of one call in the order they arrived, and what links each to it.

    ``number`` counts the calls of an audit from 1; ``ordinals`` the attempts of
    this one, with those that never reached the server.
    """

    number: int
    attempts: tuple[Attempt, ...]
    links: tuple[Link, ...]
    ordinals: tuple[int, ...]

    @property
    def outcome(self) -> CallOutcome:
        """How it ended."""
        return _OUTCOMES[self.attempts[-1].kind]

    @property
    def failed_first(self) -> bool:
        """Whether its first attempt did not succeed."""
        return self.attempts[0].kind != "succeeded"

    @property
    def gaps(self) -> Iterator[Gap]:
        """Give the wait before each retry."""
        pairs = zip(self.attempts, self.attempts[1:], strict=False)
        for index, (before, after) in enumerate(pairs, 1):
            lost = self.ordinals[index] - self.ordinals[index - 1] > 1
            yield Gap(before, after, self.ordinals[index] - 1, lost)

    @property
    def wasted(self) -> tuple[Attempt, ...]:
        """Attempts that were answered, and of no use: all but the last one of a success."""
        used = self.attempts[:-1] if self.outcome == "succeeded" else self.attempts
        return tuple(each for each in used if each.tokens)

    @property
    def wasted_tokens(self) -> int:
        """Tokens of the attempts that were of no use."""
        return sum(each.tokens for each in self.wasted)

    def to_json(self) -> dict[str, Any]:
        """Write it as plain JSON values; times are seconds."""
        return {
            "number": self.number,
            "session": self.attempts[0].session,
            "model": self.attempts[0].model,
            "outcome": self.outcome,
            "wasted_tokens": self.wasted_tokens,
            "attempts": [
                {
                    "record": each.number,
                    "ordinal": ordinal,
                    "link": link,
                    "start": round(each.start, 6),
                    "end": round(each.end, 6),
                    "model": each.model,
                    "status": each.status,
                    "kind": each.kind,
                    "faults": list(each.faults),
                    "tokens": each.tokens,
                }
                for each, link, ordinal in zip(
                    self.attempts, self.links, self.ordinals, strict=True
                )
            ],
            "gaps": [
                {
                    "demanded": None if gap.demanded is None else round(gap.demanded.seconds, 6),
                    "header": None if gap.demanded is None else gap.demanded.header,
                    "taken": round(gap.taken, 6),
                }
                for gap in self.gaps
            ],
        }
