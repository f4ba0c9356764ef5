"""A stream in the form of LangDB's gateway.

Of the source of its open gateway (8f3a206): a uuid of its own on every event, the role on
every delta, tool calls whole in the event that finishes, and an event of usage always. It
leaves that out after tool calls, which its documents do not say; here it comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from random import Random
from typing import Any, NamedTuple

import orjson

from mockdock.dialects.openai.message import told_call
from mockdock.dialects.openai.told import is_legacy, piece_logprobs, shown_calls
from mockdock.frames import Frame
from mockdock.reply import Choice, Completion, Piece
from mockdock.request import Request
from mockdock.usage import Usage

__all__ = ["events", "told_usage", "uuids"]

_RANDOM = ~(0xF << 76 | 0x3 << 62)
_VERSION = 0x4 << 76 | 0x2 << 62
"""What makes 128 bits a random uuid, of version 4."""
_DONE = Frame(b"data: [DONE]\n\n")


def uuids(reply: Completion) -> Iterator[str]:
    """Give ids for the events of a reply, the first of which is that of a plain one."""
    draw = Random(reply.id).getrandbits
    while True:
        told = (draw(128) & _RANDOM | _VERSION).to_bytes(16, "big").hex()
        yield f"{told[:8]}-{told[8:12]}-{told[12:16]}-{told[16:20]}-{told[20:]}"


def told_usage(usage: Usage) -> dict[str, Any]:
    """Give the usage object, keys in the order of the gateway's source."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_creation_tokens": 0,
            "audio_tokens": usage.prompt_audio_tokens,
        },
        "completion_tokens_details": {
            "accepted_prediction_tokens": usage.accepted_prediction_tokens,
            "audio_tokens": usage.completion_audio_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
            "rejected_prediction_tokens": usage.rejected_prediction_tokens,
        },
        "cost": usage.cost or 0.0,
    }


class _Delta(NamedTuple):
    """JSON of a delta, its tokens, and JSON of what else its choice says."""

    body: bytes
    tokens: int = 0
    finish: bytes = b"null"
    logprobs: bytes = b"null"


def events(request: Request, reply: Completion) -> Iterator[Frame]:
    """Render a stream: what is said, the finish of each choice, usage, ``[DONE]``."""
    account, ids = request.account, uuids(reply)
    own = account is not None and reply.model == f"{account.provider}/{account.model}"
    same = orjson.dumps(
        {
            "object": "chat.completion.chunk",
            "created": reply.created,
            "model": request.model if own else reply.model,
        }
    )[1:-1]

    if not reply.choices:
        yield Frame(_EVENT % (next(ids).encode(), same, b"", b""))
    for choice, delta, weight in _side_by_side(reply):
        told = _CHOICE % (choice.index, delta.body, delta.finish, delta.logprobs)
        yield Frame(_EVENT % (next(ids).encode(), same, told, b""), weight)
    if reply.tells_usage:
        usage = b',"usage":%b' % orjson.dumps(told_usage(reply.usage))
        yield Frame(_EVENT % (next(ids).encode(), same, b"", usage))
    yield _DONE


def _side_by_side(reply: Completion) -> Iterator[tuple[Choice, _Delta, int]]:
    """Give deltas and the tokens of each; of those that are generated together one has them."""
    if len(reply.choices) == 1:
        (choice,) = reply.choices
        for delta in _deltas(choice, reply):
            yield choice, delta, delta.tokens
        return
    for together in zip_longest(*(_deltas(choice, reply) for choice in reply.choices)):
        weight = max(delta.tokens for delta in together if delta is not None)
        for choice, delta in zip(reply.choices, together, strict=True):
            if delta is not None:
                yield choice, delta, weight
                weight = 0


_EVENT = b'data: {"id":"%b",%b,"choices":[%b]%b}\n\n'
_CHOICE = b'{"index":%d,"delta":%b,"finish_reason":%b,"logprobs":%b}'
_WORD = b'{"role":"assistant","content":%b}'


def _deltas(choice: Choice, reply: Completion) -> Iterator[_Delta]:
    likely = b"null"
    for piece in _pieces(choice):
        if reply.logprobs:
            likely = orjson.dumps({"content": piece_logprobs(piece), "refusal": None})
        yield _Delta(_WORD % orjson.dumps(piece.text), piece.tokens, logprobs=likely)
    calls, finish = shown_calls(choice), orjson.dumps(choice.finish)
    tokens = sum(piece.tokens for call in calls for piece in call.pieces)
    if not calls:
        yield _Delta(b"{}", finish=finish)
    elif is_legacy(calls):
        called = {"name": calls[0].name, "arguments": calls[0].arguments}
        body = {"role": "assistant", "function_call": called}
        yield _Delta(orjson.dumps(body), tokens, finish)
    else:
        told = [{"index": index, **told_call(call)} for index, call in enumerate(calls)]
        yield _Delta(orjson.dumps({"role": "assistant", "tool_calls": told}), tokens, finish)


def _pieces(choice: Choice) -> tuple[Piece, ...]:
    """Give what is said: a refusal and the words of audio are text here."""
    spoken = () if choice.spoken is None else choice.spoken.transcript
    return choice.content or choice.refusal or spoken
