"""What a predicted output does not go with, as OpenAI's guide lists it.

The guide: developers.openai.com/api/docs/guides/predicted-outputs, "Limitations".
All words are ASSUMED, after those for two limits at once (langgraph#5943).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mockdock.dialects.openai.invalid import bad_request
from mockdock.dialects.openai.rules_base import Rule, rule
from mockdock.dialects.openai.wire import ChatRequest
from mockdock.reply import Failure
from mockdock.request import Traits

__all__ = ["PREDICTION_RULES"]


def _company(wire: ChatRequest, _: Traits) -> Failure | None:
    """Refuse the first of the guide's list that is there."""
    if wire.prediction is None:
        return None
    for name, what, is_there in _LISTED:
        if is_there(wire):
            return bad_request(
                f"Setting 'prediction' and {what} at the same time is not supported.",
                name,
                "invalid_parameter_combination",
            )
    return None


def _heard(wire: ChatRequest) -> bool:
    """Tell whether a user message holds audio."""
    contents = (message.content for message in wire.messages if message.role == "user")
    lists = (content for content in contents if isinstance(content, list))
    return any(part.type == "input_audio" for parts in lists for part in parts)


_LISTED: Sequence[tuple[str, str, Callable[[ChatRequest], bool]]] = (
    ("n", "'n' higher than 1", lambda wire: (wire.n or 1) > 1),
    ("logprobs", "'logprobs'", lambda wire: bool(wire.logprobs)),
    (
        "presence_penalty",
        "'presence_penalty' greater than 0",
        lambda wire: (wire.presence_penalty or 0) > 0,
    ),
    (
        "frequency_penalty",
        "'frequency_penalty' greater than 0",
        lambda wire: (wire.frequency_penalty or 0) > 0,
    ),
    ("audio", "'audio'", lambda wire: wire.audio is not None),
    ("messages", "audio in 'messages'", _heard),
    (
        "modalities",
        "'modalities' other than 'text'",
        lambda wire: "audio" in (wire.modalities or ()),
    ),
    (
        "max_completion_tokens",
        "'max_completion_tokens'",
        lambda wire: wire.max_completion_tokens is not None,
    ),
    ("tools", "'tools'", lambda wire: bool(wire.tools)),
    ("functions", "'functions'", lambda wire: bool(wire.functions)),
)

PREDICTION_RULES: Sequence[Rule] = (rule("prediction", _company, again=True),)
