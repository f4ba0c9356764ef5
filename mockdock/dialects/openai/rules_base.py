"""What a rule is: a check, and the fields without which it has nothing to say."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mockdock.dialects.openai.wire import ChatRequest
from mockdock.reply import Failure
from mockdock.request import Traits

__all__ = ["Check", "Rule", "rule"]

Check = Callable[[ChatRequest, Traits], Failure | None]


class Rule(NamedTuple):
    """A check that is asked of requests with any of these fields.

    ``messages`` are in every request.
    """

    fields: frozenset[str]
    check: Check


def rule(fields: str, check: Check) -> Rule:
    """Make a rule of a check and the names of fields, with blanks between."""
    return Rule(frozenset(fields.split()), check)
