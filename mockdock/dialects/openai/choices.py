"""The choices of a plain completion, written once where many answers share them."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from mockdock.dialects.openai.kept import Kept
from mockdock.dialects.openai.message import told_message
from mockdock.dialects.openai.told import said_logprobs, said_tokens
from mockdock.reply import Choice, Completion

__all__ = ["Written", "written_choices"]

_START, _END = b'{\n  "choices": ', b"\n}"


class Written(NamedTuple):
    """Choices as indented JSON, as they stand in a body, and the tokens of the longest."""

    json: orjson.Fragment
    tokens: int


_known: Kept[Written] = Kept(256)


def written_choices(reply: Completion) -> Written:
    """Write the choices of a completion."""
    if not reply.shared:
        return _written(reply)
    return _known.get(reply.choices, reply.reasoning_model, lambda: _written(reply))


def _written(reply: Completion) -> Written:
    told = {"choices": [_choice(choice, reply) for choice in reply.choices]}
    json = orjson.dumps(told, option=orjson.OPT_INDENT_2)[len(_START) : -len(_END)]
    return Written(orjson.Fragment(json), max(map(said_tokens, reply.choices), default=0))


def _choice(choice: Choice, reply: Completion) -> dict[str, Any]:
    told: dict[str, Any] = {"index": choice.index, "message": told_message(choice)}
    if not reply.reasoning_model:
        told["logprobs"] = said_logprobs(choice) if reply.logprobs else None
    told["finish_reason"] = choice.finish
    return told
