"""What a rule is: a check, and the fields without which it has nothing to say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from mockdock.dialects.openai.wire import ChatRequest
from mockdock.reply import Failure
from mockdock.request import Traits

__all__ = ["RICH", "Check", "Rule", "is_plain", "is_rich", "rule"]

Check = Callable[[ChatRequest, Traits], Failure | None]


class Rule(NamedTuple):
    """A check that is asked of requests with any of these fields.

    ``messages`` are in every request; ``RICH`` is in those with messages that are more than
    a role and a text. A check that looks at messages has to be asked ``again`` where a
    request differs in them alone from one that was found valid.
    """

    fields: frozenset[str]
    check: Check
    again: bool = False
    of: Callable[[Traits], bool] = lambda _: True


RICH = "rich messages"


def rule(
    fields: str,
    check: Check,
    *,
    again: bool = False,
    of: Callable[[Traits], bool] = lambda _: True,
) -> Rule:
    """Make a rule of a check and the names of fields, with blanks between.

    Only of models with traits that are such as it is for has it anything to say.
    """
    names = frozenset((RICH,)) if fields == RICH else frozenset(fields.split())
    return Rule(names, check, again or not names.isdisjoint(("messages", RICH)), of)


def is_rich(wire: ChatRequest) -> bool:
    """Tell whether any message is more than a role and a text."""
    return not is_plain(wire.messages)


def is_plain(messages: Sequence[Any]) -> bool:
    """Tell whether all messages are nothing but a role and a text."""
    return all(map(_is_plain, messages))


_PLAIN = frozenset({"role", "content"})
_PLAIN_ROLES = frozenset({"system", "developer", "user", "assistant"})


def _is_plain(message: Any) -> bool:
    return (
        isinstance(message.content, str)
        and message.model_fields_set == _PLAIN
        and message.role in _PLAIN_ROLES
    )
