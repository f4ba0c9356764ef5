"""How much of a predicted output came true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

__all__ = ["accepted"]

_MOST = 1_000_000
"""Comparing every token with every other stays below so many steps."""


def accepted(predicted: Sequence[int], said: Sequence[int]) -> int:
    """Count the predicted tokens that the answer has, in their order.

    The same beginning and end are found at once, what differs between is
    compared; where that is very long, tokens count wherever they stand.
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
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return head + tail + sum(block.size for block in blocks)
