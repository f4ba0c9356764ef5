"""The limit nouns: what is counted, how it stands, and how a refusal says when to come back."""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["Measure", "RetryHeader", "Standing", "Standings", "told"]

RetryHeader = Literal["both", "seconds", "ms", "date", "none", "lies"]
"""How a refusal says when to come back: retry-after-ms, retry-after in seconds or as a date.

"lies" tells a tenth of the true time.
"""

Measure = Literal["rpm", "tpm", "rpd", "tpd", "concurrent", "token_budget", "cost_budget"]
"""What a rate limit counts."""


class Standing(NamedTuple):
    """A rate limit at some moment: what it lets through, what is left, seconds until all is.

    ``window`` is the time it counts, in seconds.
    """

    limit: int
    remaining: int
    reset: float
    window: float = 60.0


class Standings(NamedTuple):
    """The rate limits a reply tells of, None where there is none."""

    requests: Standing | None = None
    tokens: Standing | None = None


def told(wait: float, header: RetryHeader) -> float:
    """Give the seconds a refusal tells to wait; "none" leaves it to the message."""
    return wait / 10 if header == "lies" else wait
