"""The traits noun: what a dialect has to know of a model."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

__all__ = ["Effort", "Traits"]

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class Traits(Struct, frozen=True):
    """What a dialect has to know of a model to judge a request for it.

    ``effort`` is the reasoning effort when none is asked for, None for a model
    that does not reason. ``max_output_tokens`` is None where it is not known.
    ``family`` is what answers, whatever it is called here: the plain name of a
    base model, without provider, fine-tune or date; empty where that is unknown.
    ``kind`` is None where it is not known, ``dimensions`` the length of an embedding.
    """

    effort: Effort | None = None
    max_output_tokens: int | None = None
    family: str = ""
    kind: Literal["chat", "embedding", "moderation", "completion"] | None = None
    dimensions: int = 1536
