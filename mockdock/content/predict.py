"""How much of a predicted output came true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

__all__ = ["accepted"]

_MOST = 200_000_000
"""Pairs of tokens that are compared; some 20 ms, since 64 and more go at once."""


def accepted(predicted: Sequence[int], said: Sequence[int]) -> int:
    """Count the predicted tokens that the answer has, in their order.

    The same beginning and end are found at once, and what differs between by
    the longest common subsequence; where that is longer than some 14,000
    tokens in both, tokens count wherever they stand.
    """
    shorter = min(len(predicted), len(said))
    head = 0
    while head < shorter and predicted[head] == said[head]:
        head += 1
    tail = 0
    while tail < shorter - head and predicted[-1 - tail] == said[-1 - tail]:
        tail += 1
    old = predicted[head : len(predicted) - tail]
    new = said[head : len(said) - tail]
    if len(old) * len(new) > _MOST:
        return head + tail + sum((Counter(old) & Counter(new)).values())
    return head + tail + _common(old, new)


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """Give the length of the longest common subsequence (Hyyrö 2004, bits in parallel)."""
    places: dict[int, int] = {}
    for place, token in enumerate(one):
        places[token] = places.get(token, 0) | 1 << place
    every = (1 << len(one)) - 1
    row = every
    for token in other:
        if match := row & places.get(token, 0):
            row = (row + match | row - match) & every
    return len(one) - row.bit_count()
