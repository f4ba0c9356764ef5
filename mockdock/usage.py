"""The usage noun: what a request cost in tokens."""

from __future__ import annotations

from msgspec import Struct

__all__ = ["Usage"]


class Usage(Struct, frozen=True):
    """Tokens of one request, all choices together.

    ``cost`` is in US dollars, None where nobody asks.
    """

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int = 0
    prompt_audio_tokens: int = 0
    reasoning_tokens: int = 0
    completion_audio_tokens: int = 0
    accepted_prediction_tokens: int = 0
    rejected_prediction_tokens: int = 0
    cost: float | None = None
