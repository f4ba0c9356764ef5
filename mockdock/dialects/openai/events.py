"""The events of a streamed completion, made as they leave.

Keys come in the order recorded from api.openai.com in March 2026; events are
compact, text is not escaped beyond JSON.
"""

from __future__ import annotations

import string
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from random import Random
from typing import NamedTuple

import orjson

from mockdock.dialects.openai.kept import Kept
from mockdock.dialects.openai.told import is_legacy, piece_logprobs, shown_calls, told_usage
from mockdock.frames import Frame
from mockdock.reply import Call, Choice, Completion, Piece, Spoken

__all__ = ["events"]

_DONE = Frame(b"data: [DONE]\n\n")


def events(reply: Completion, *, with_usage: bool, together: bool = False) -> Iterator[Frame]:
    """Render a stream: role, contents and finish of each choice, usage if wanted, ``[DONE]``.

    Many events are one frame where they are wanted ``together``.
    """
    base = orjson.dumps(
        {
            "id": f"chatcmpl-{reply.id}",
            "object": "chat.completion.chunk",
            "created": reply.created,
            "model": reply.model,
            "service_tier": reply.service_tier,
            "system_fingerprint": reply.system_fingerprint,
        }
    )
    start = b"data: " + base[:-1] + b',"choices":['
    end = b'],"usage":null' if with_usage else b"]"
    close = _closer(reply)
    if not reply.choices:
        yield Frame(close(start + end))
    if together and reply.shared and reply.obfuscation is None:
        yield from _joined(_known_parts(reply), start, end)
    else:
        for part, weight in _known_parts(reply) if reply.shared else _parts(reply):
            yield Frame(close(b"%b%b%b" % (start, part, end)), weight)
    if with_usage and reply.tells_usage:
        usage = orjson.dumps(told_usage(reply.usage))
        yield Frame(close(b'%b],"usage":%b' % (start, usage)))
    yield _DONE


_Parts = Iterable[tuple[bytes, int]]
"""JSON of what a choice says in one event, and its tokens."""


def _parts(reply: Completion) -> _Parts:
    heads = [b'{"index":%d,"delta":' % choice.index for choice in reply.choices]
    for side in zip_longest(*(_deltas(choice, reply) for choice in reply.choices)):
        # Choices are generated side by side: a round takes the time of one token.
        weight = max([delta.tokens for delta in side if delta is not None])
        for head, delta in zip(heads, side, strict=True):
            if delta is None:
                continue
            logprobs = b"" if reply.reasoning_model else b',"logprobs":' + delta.logprobs
            finish = b"" if delta.finish is None else b',"finish_reason":' + delta.finish
            yield b"%b%b%b%b}" % (head, delta.body, logprobs, finish), weight
            weight = 0


_known: Kept[tuple[tuple[bytes, int], ...]] = Kept(64)
_BLOCK = 128
"""Events that are made as one: some 32 KB, so that others get their turn."""


def _known_parts(reply: Completion) -> Sequence[tuple[bytes, int]]:
    return _known.get(reply.choices, reply.reasoning_model, lambda: tuple(_parts(reply)))


def _joined(parts: Sequence[tuple[bytes, int]], start: bytes, end: bytes) -> Iterator[Frame]:
    between = b"%b}\n\n%b" % (end, start)
    for first in range(0, len(parts), _BLOCK):
        block = parts[first : first + _BLOCK]
        body = between.join([part for part, _ in block])
        tokens = sum([weight for _, weight in block])
        yield Frame(b"%b%b%b}\n\n" % (start, body, end), tokens, count=len(block))


_STEP = 16


def _closer(reply: Completion) -> Callable[[bytes], bytes]:
    """Give what ends an event: with obfuscation, its length becomes a multiple of 16 bytes."""
    if reply.obfuscation is None:
        return lambda body: body + b"}\n\n"
    rng = Random(reply.obfuscation)
    letters = (string.ascii_letters + string.digits).encode()

    def close(body: bytes) -> bytes:
        padding = bytes(rng.choices(letters, k=-len(body) % _STEP))
        return b'%b,"obfuscation":"%b"}\n\n' % (body, padding)

    return close


class _Delta(NamedTuple):
    """JSON of a delta, its tokens, JSON of the finish reason and of the log probabilities.

    ``finish`` is None where the key is left out.
    """

    body: bytes
    tokens: int = 0
    finish: bytes | None = b"null"
    logprobs: bytes = b"null"


def _deltas(choice: Choice, reply: Completion) -> Iterator[_Delta]:
    """Give the deltas of one choice: role, contents, finish."""
    if choice.refusal is not None:
        yield from _word_deltas(choice.refusal, _REFUSAL, logprobs=reply.logprobs)
    elif choice.spoken is not None:
        yield from _audio_deltas(choice.spoken)
    elif choice.content is not None:
        yield from _word_deltas(choice.content, _CONTENT, logprobs=reply.logprobs)
    yield from _call_deltas(choice)
    yield _Delta(b"{}", finish=orjson.dumps(choice.finish))


class _Words(NamedTuple):
    """How words are told: the delta of the role, of a piece, and log probabilities."""

    opening: bytes
    piece: bytes
    logprobs: bytes


_CONTENT = _Words(
    b'{"role":"assistant","content":"","refusal":null}',
    b'{"content":%b}',
    b'{"content":%b,"refusal":null}',
)
_REFUSAL = _Words(
    b'{"role":"assistant","content":null,"refusal":""}',
    b'{"refusal":%b}',
    b'{"content":null,"refusal":%b}',
)


def _word_deltas(pieces: Sequence[Piece], words: _Words, *, logprobs: bool) -> Iterator[_Delta]:
    """Give the role and then the pieces, log probabilities null unless asked for."""
    likely = words.logprobs % b"[]" if logprobs else b"null"
    yield _Delta(words.opening, logprobs=likely)
    for piece in pieces:
        if logprobs:
            likely = words.logprobs % orjson.dumps(piece_logprobs(piece))
        yield _Delta(words.piece % orjson.dumps(piece.text), piece.tokens, logprobs=likely)


_AUDIO_STEP = 4800
"""Bytes of audio in one event: 100 ms of pcm16."""


def _audio_deltas(spoken: Spoken) -> Iterator[_Delta]:
    """Give a spoken answer: its words, its audio, and last when it expires.

    One field to a chunk; the last one has neither id nor finish reason, so the
    types of openai-python 3.54 say. Each event of audio is base64 of its own,
    of whole samples.
    """
    audio_id = orjson.dumps(spoken.id)
    yield _Delta(b'{"role":"assistant","content":null,"refusal":null}')
    yield _Delta(b'{"audio":{"id":%b,"transcript":""}}' % audio_id)
    for piece in spoken.transcript:
        body = b'{"audio":{"id":%b,"transcript":%b}}' % (audio_id, orjson.dumps(piece.text))
        yield _Delta(body, piece.tokens)
    for start in range(0, len(spoken.data), _AUDIO_STEP):
        data = b64encode(spoken.data[start : start + _AUDIO_STEP])
        yield _Delta(b'{"audio":{"id":%b,"data":"%b"}}' % (audio_id, data))
    yield _Delta(b'{"audio":{"expires_at":%d}}' % spoken.expires_at, finish=None)


def _call_deltas(choice: Choice) -> Iterator[_Delta]:
    """Give tool calls in one of the two recorded forms.

    A single call without text shares the chunk of the role; several calls come
    after a chunk of the role alone, one after the other.
    """
    calls = shown_calls(choice)
    bare = choice.content is None and choice.refusal is None and choice.spoken is None
    if bare and not calls:
        yield _Delta(b'{"role":"assistant","content":null,"refusal":null}')
    if bare and len(calls) > 1:
        yield _Delta(b'{"role":"assistant","content":null}')
    legacy = is_legacy(calls)
    for index, call in enumerate(calls):
        opening = _function_opening(call) if legacy else _tool_opening(index, call)
        if bare and len(calls) == 1:
            yield _Delta(b'{"role":"assistant","content":null,%b,"refusal":null}' % opening)
        else:
            yield _Delta(b"{%b}" % opening)
        for piece in call.pieces:
            text = orjson.dumps(piece.text)
            fragment = _function_fragment(text) if legacy else _tool_fragment(index, call, text)
            yield _Delta(fragment, piece.tokens)


def _function_opening(call: Call) -> bytes:
    return b'"function_call":{"name":%b,"arguments":""}' % orjson.dumps(call.name)


def _function_fragment(text: bytes) -> bytes:
    return b'{"function_call":{"arguments":%b}}' % text


def _tool_opening(index: int, call: Call) -> bytes:
    kind, field = _TOOL_WORDS[call.kind]
    return b'"tool_calls":[{"index":%d,"id":%b,"type":"%b","%b":{"name":%b,"%b":""}}]' % (
        index,
        orjson.dumps(call.id),
        kind,
        kind,
        orjson.dumps(call.name),
        field,
    )


def _tool_fragment(index: int, call: Call, text: bytes) -> bytes:
    return b'{"tool_calls":[{"index":%d,"%b":{"%b":%b}}]}' % (
        index,
        *_TOOL_WORDS[call.kind],
        text,
    )


_TOOL_WORDS = {
    "function": (b"function", b"arguments"),
    "legacy": (b"function", b"arguments"),
    "custom": (b"custom", b"input"),
}
"""By kind: the type of a tool call, and where its text goes."""
