"""What plain replies and streams tell alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

from mockdock.reply import Alternative, Call, Choice, Piece, TokenLogprob, Usage

__all__ = [
    "PREFIX",
    "USAGE",
    "is_legacy",
    "piece_logprobs",
    "said_logprobs",
    "said_tokens",
    "shown_calls",
    "told_usage",
    "usage_numbers",
    "usage_of",
]


PREFIX = "chatcmpl-"
"""What the id of a completion begins with."""


def shown_calls(choice: Choice) -> tuple[Call, ...]:
    """Give the calls a message can hold: one ``function_call``, or any number of tool calls."""
    return choice.calls[:1] if is_legacy(choice.calls) else choice.calls


def is_legacy(calls: Sequence[Call]) -> bool:
    """Tell whether the calls are in the old form of ``function_call``."""
    return bool(calls) and calls[0].kind == "legacy"


def said_tokens(choice: Choice) -> int:
    """Count the tokens of all that a choice says and calls."""
    spoken = () if choice.spoken is None else choice.spoken.transcript
    words = (choice.content or (), choice.refusal or (), spoken)
    runs = [*words, *(call.pieces for call in choice.calls)]
    return sum([piece.tokens for run in runs for piece in run])


def told_usage(usage: Usage) -> dict[str, Any]:
    """Give the usage object, keys in wire order."""
    return usage_of(*usage_numbers(usage))


USAGE = (
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "cached_tokens",
    "prompt_audio_tokens",
    "reasoning_tokens",
    "completion_audio_tokens",
    "accepted_prediction_tokens",
    "rejected_prediction_tokens",
)
"""The numbers of the usage object in wire order."""
usage_numbers: Callable[[Usage], tuple[int, ...]] = attrgetter(*USAGE)
"""Gives the numbers of the usage object in wire order."""


def usage_of(*numbers: Any) -> dict[str, Any]:
    """Give the usage object of numbers in wire order."""
    prompt, completion, total, *details = numbers
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": total,
        "prompt_tokens_details": dict(zip(_PROMPT, details[:2], strict=True)),
        "completion_tokens_details": dict(zip(_COMPLETION, details[2:], strict=True)),
    }


_PROMPT = "cached_tokens", "audio_tokens"
_COMPLETION = (
    "reasoning_tokens",
    "audio_tokens",
    "accepted_prediction_tokens",
    "rejected_prediction_tokens",
)


def said_logprobs(choice: Choice) -> dict[str, Any] | None:
    """Give the log probabilities of all words of a choice, None when it has none.

    Those of tool calls are not told, as far as recordings show.
    """
    if choice.refusal is not None:
        return {"content": None, "refusal": _all(choice.refusal)}
    if choice.content is not None:
        return {"content": _all(choice.content), "refusal": None}
    return None


def _all(pieces: Sequence[Piece]) -> list[dict[str, Any]]:
    return [entry for piece in pieces for entry in piece_logprobs(piece)]


def piece_logprobs(piece: Piece) -> list[dict[str, Any]]:
    """Give one entry for each token of a piece, keys in wire order."""
    return [
        {**_token(entry), "top_logprobs": [_token(each) for each in entry.top]}
        for entry in piece.logprobs
    ]


def _token(entry: TokenLogprob | Alternative) -> dict[str, Any]:
    written, spelled = _written(entry.token)
    return {"token": written, "logprob": entry.logprob, "bytes": spelled}


@lru_cache(16_384)
def _written(spelled: bytes) -> tuple[str, tuple[int, ...]]:
    r"""Write a token; one that splits a character is written ``\\xf0\\x9f``, as OpenAI does.

    So it is printed in the openai-cookbook, "Using logprobs".
    """
    try:
        return spelled.decode(), tuple(spelled)
    except UnicodeDecodeError:
        return "".join(f"\\x{byte:02x}" for byte in spelled), tuple(spelled)
