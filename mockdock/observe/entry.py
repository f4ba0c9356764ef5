"""An exchange with its number, as the process that had it keeps it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from mockdock.observe.exchange import Exchange
from mockdock.observe.record import record
from mockdock.request import Request

__all__ = ["Entry"]


class Entry(NamedTuple):
    """An exchange, its number (the first of a server is 1), and about how many bytes it holds."""

    number: int
    exchange: Exchange
    weight: int = 0

    @property
    def session(self) -> str:
        """The key of its session."""
        return self.exchange.session

    @property
    def missed(self) -> bool:
        """Whether it went past every rule, or past every path there is."""
        return self.exchange.missed

    @property
    def late(self) -> bool:
        """Whether its session began anew meanwhile, or was closed."""
        return self.exchange.late

    @property
    def answered_by(self) -> str:
        """What had the largest hand in the answer: a rule, or trouble; else empty."""
        return self.exchange.rule or self.exchange.trouble

    @property
    def rule_key(self) -> str | None:
        """The key of the rule that answered, as it was then; None where none did."""
        return self.exchange.rule_key

    def request(self, read: Callable[[Mapping[str, Any]], Request | None]) -> Request | None:  # noqa: ARG002 - it is there already
        """Give the request, None where it could not be parsed."""
        return self.exchange.request

    def record(self, *, secrets: bool = False) -> dict[str, Any]:
        """Write it as plain JSON values, as :func:`mockdock.observe.record` tells."""
        return record(self, secrets=secrets)
