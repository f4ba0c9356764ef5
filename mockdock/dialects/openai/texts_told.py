"""Legacy completions as JSON and as events.

Plain bodies are as recorded in February 2024 and March 2025. The order of keys in events
is remembered, without a recording at hand: ASSUMED. Log probabilities are four lists
side by side; ``text_offset`` counts letters from the beginning of the prompt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import orjson

from mockdock.frames import Frame
from mockdock.reply import Choice, Completion, Piece, TokenLogprob, Usage
from mockdock.request import Request

__all__ = ["text_events", "told_text"]

_DONE = Frame(b"data: [DONE]\n\n")
_FINISHES = {"tool_calls": "stop", "function_call": "stop"}
"""No tools are called here."""


def told_text(request: Request, reply: Completion) -> dict[str, Any]:
    """Write a whole completion."""
    usage = {"usage": _usage(reply.usage)} if reply.tells_usage else {}
    return {
        "id": f"cmpl-{reply.id}",
        "object": "text_completion",
        "created": reply.created,
        "model": reply.model,
        "choices": [
            _choice(choice, _pieces(choice), _start(request, choice), reply)
            for choice in reply.choices
        ],
        **usage,
    }


def text_events(request: Request, reply: Completion) -> Iterator[Frame]:
    """Render a stream: pieces of each choice and how it ends, usage if wanted, ``[DONE]``."""
    base = {"id": f"cmpl-{reply.id}", "object": "text_completion", "created": reply.created}
    rest: dict[str, Any] = {"model": reply.model}
    if request.include_usage:
        rest["usage"] = None

    def event(choices: list[dict[str, Any]], tokens: int = 0, **more: Any) -> Frame:
        told = orjson.dumps({**base, "choices": choices, **rest, **more})
        return Frame(b"data: %b\n\n" % told, tokens)

    if not reply.choices:
        yield event([])
    for together in zip_longest(*(_runs(request, choice) for choice in reply.choices)):
        # Choices are generated side by side: a round takes the time of one token.
        weight = max(sum(p.tokens for p in run.pieces) for run in together if run is not None)
        for choice, run in zip(reply.choices, together, strict=True):
            if run is None:
                continue
            told = _choice(choice, run.pieces, run.start, reply)
            if not run.pieces:
                told["logprobs"] = None
            yield event([{**told, "finish_reason": run.finish}], weight)
            weight = 0
    if request.include_usage and reply.tells_usage:
        yield event([], usage=_usage(reply.usage))
    yield _DONE


class _Run(NamedTuple):
    """The pieces of one event, where their text starts, and how the choice ended with it."""

    pieces: tuple[Piece, ...]
    start: int
    finish: str | None


def _runs(request: Request, choice: Choice) -> Iterator[_Run]:
    start = _start(request, choice)
    for piece in _pieces(choice):
        yield _Run((piece,), start, None)
        start += len(piece.text)
    yield _Run((), start, _FINISHES.get(choice.finish, choice.finish))


def _pieces(choice: Choice) -> tuple[Piece, ...]:
    return choice.content or choice.refusal or ()


def _start(request: Request, choice: Choice) -> int:
    """Give where a choice begins, in letters from the beginning of its prompt."""
    wanted = request.completing
    if wanted is None or wanted.echo or not wanted.texts:
        return 0
    return len(wanted.texts[min(choice.index // wanted.n, len(wanted.texts) - 1)])


def _choice(
    choice: Choice, pieces: Sequence[Piece], start: int, reply: Completion
) -> dict[str, Any]:
    return {
        "text": "".join(piece.text for piece in pieces),
        "index": choice.index,
        "logprobs": _logprobs(pieces, start) if reply.logprobs else None,
        "finish_reason": _FINISHES.get(choice.finish, choice.finish),
    }


def _logprobs(pieces: Sequence[Piece], start: int) -> dict[str, Any]:
    said = [each for piece in pieces for each in piece.logprobs]
    offsets, place = [], start
    for each in said:
        offsets.append(place)
        place += len(each.token.decode("utf-8", "ignore"))
    # Of a prompt given back, nothing is known of how likely its very first token was.
    blind = bool(pieces) and not pieces[0].tokens
    tops = [_top(each) for each in said] if any(each.top for each in said) else None
    if blind and tops:
        tops[0] = None
    return {
        "tokens": [_written(each.token) for each in said],
        "token_logprobs": [
            None if blind and not at else each.logprob for at, each in enumerate(said)
        ],
        "top_logprobs": tops,
        "text_offset": offsets,
    }


def _top(entry: TokenLogprob) -> dict[str, float] | None:
    """Give the likeliest tokens of a place, and the one said, as documented."""
    listed = {_written(each.token): each.logprob for each in entry.top}
    return {**listed, _written(entry.token): entry.logprob}


def _written(spelled: bytes) -> str:
    r"""Write a token; one that splits a character is written ``bytes:\\xf0\\x9f``."""
    try:
        return spelled.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in spelled)


def _usage(usage: Usage) -> dict[str, int]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }
