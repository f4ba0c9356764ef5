"""The body of a plain completion, of which all that answers share is written once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

import orjson

from mockdock.dialects.openai.kept import Kept
from mockdock.dialects.openai.message import told_message
from mockdock.dialects.openai.told import (
    PREFIX,
    USAGE,
    said_logprobs,
    said_tokens,
    usage_numbers,
    usage_of,
)
from mockdock.frames import Frame
from mockdock.reply import Choice, Completion, Usage

__all__ = ["told_completion", "told_like"]

_PLACE = orjson.Fragment(b"\0")
"""Where a number comes: no JSON has such a byte."""
_ID = orjson.Fragment(b'"%b\0"' % PREFIX.encode())
_MANY = 4
"""So many numbers of a usage change with the prompt; the others are few, and come again."""
_many: Callable[[Usage], tuple[int, ...]] = attrgetter(*USAGE[:_MANY])

_known: Kept[tuple[bytes, int]] = Kept(256)


def told_completion(reply: Completion) -> Frame:
    """Write a completion, its keys in wire order."""
    if reply.shared:
        return told_like(reply)(reply)
    numbers = usage_numbers(reply.usage) if reply.tells_usage else ()
    return Frame(
        _pretty(_completion(reply, f"{PREFIX}{reply.id}", reply.created, numbers)), _tokens(reply)
    )


def told_like(reply: Completion) -> Callable[[Completion], Frame]:
    """Give what writes completions that differ from one in id, time and prompt tokens alone."""
    few = usage_numbers(reply.usage)[_MANY:] if reply.tells_usage else ()
    shape = reply.model, reply.service_tier, reply.system_fingerprint, reply.reasoning_model, few
    form = _known.get(reply.choices, shape, lambda: _form(reply, few))
    return partial(_put, form, _many if reply.tells_usage else _none)


def _put(
    form: tuple[bytes, int], numbers: Callable[[Usage], tuple[int, ...]], reply: Completion
) -> Frame:
    written, tokens = form
    return Frame(written % (reply.id.encode(), reply.created, *numbers(reply.usage)), tokens)


def _none(_: Usage) -> tuple[int, ...]:
    return ()


def _form(reply: Completion, few: tuple[int, ...]) -> tuple[bytes, int]:
    """Write a completion with places for id, time and numbers; count the tokens it says."""
    numbers = (*[_PLACE] * _MANY, *few) if few else ()
    told = _pretty(_completion(reply, _ID, _PLACE, numbers))
    form = told.replace(b"%", b"%%").replace(b"\0", b"%b", 1).replace(b"\0", b"%d")
    return form, _tokens(reply)


def _completion(
    reply: Completion, name: object, created: object, numbers: Sequence[object]
) -> dict[str, Any]:
    return {
        "id": name,
        "object": "chat.completion",
        "created": created,
        "model": reply.model,
        "choices": [_choice(choice, reply) for choice in reply.choices],
        **({"usage": usage_of(*numbers)} if numbers else {}),
        "service_tier": reply.service_tier,
        "system_fingerprint": reply.system_fingerprint,
    }


def _choice(choice: Choice, reply: Completion) -> dict[str, Any]:
    told: dict[str, Any] = {"index": choice.index, "message": told_message(choice)}
    if not reply.reasoning_model:
        told["logprobs"] = said_logprobs(choice) if reply.logprobs else None
    told["finish_reason"] = choice.finish
    return told


def _tokens(reply: Completion) -> int:
    return max(map(said_tokens, reply.choices), default=0)


def _pretty(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
