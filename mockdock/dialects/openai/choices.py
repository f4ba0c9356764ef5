"""The choices of a plain completion, written once where many answers share them."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Any, NamedTuple

import orjson

from mockdock.dialects.openai.message import told_message
from mockdock.dialects.openai.told import said_logprobs, said_tokens
from mockdock.reply import Choice, Completion

__all__ = ["Written", "written_choices"]

_MOST = 256
_LONGEST = 64 * 1024
"""Bytes of choices that are remembered; all of them together take 16 MB at most."""
_START, _END = b'{\n  "choices": ', b"\n}"


class Written(NamedTuple):
    """Choices as indented JSON, as they stand in a body, and the tokens of the longest."""

    json: orjson.Fragment
    tokens: int


_known: OrderedDict[tuple[int, bool], tuple[tuple[Choice, ...], Written]] = OrderedDict()
"""By identity, with the choices themselves, so that no others can be taken for them."""
_lock = Lock()


def written_choices(reply: Completion) -> Written:
    """Write the choices of a completion."""
    if not reply.shared:
        return _written(reply)[0]
    key = id(reply.choices), reply.reasoning_model
    known = _known.get(key)
    if known is not None and known[0] is reply.choices:
        return known[1]
    made, length = _written(reply)
    if length <= _LONGEST:
        with _lock:
            _known[key] = reply.choices, made
            if len(_known) > _MOST:
                _known.popitem(last=False)
    return made


def _written(reply: Completion) -> tuple[Written, int]:
    told = {"choices": [_choice(choice, reply) for choice in reply.choices]}
    json = orjson.dumps(told, option=orjson.OPT_INDENT_2)[len(_START) : -len(_END)]
    tokens = max(map(said_tokens, reply.choices), default=0)
    return Written(orjson.Fragment(json), tokens), len(json)


def _choice(choice: Choice, reply: Completion) -> dict[str, Any]:
    told: dict[str, Any] = {"index": choice.index, "message": told_message(choice)}
    if not reply.reasoning_model:
        told["logprobs"] = said_logprobs(choice) if reply.logprobs else None
    told["finish_reason"] = choice.finish
    return told
