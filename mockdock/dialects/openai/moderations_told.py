"""Moderations as JSON, in the order of the examples in OpenAI's reference.

The older models know no ``illicit``, tell no types of input, and have an order of their own.
"""

from __future__ import annotations

from typing import Any

from mockdock.moderation import CATEGORIES, Category, Moderations, Verdict

__all__ = ["told_moderations"]

_OLDER: tuple[Category, ...] = (
    "sexual",
    "hate",
    "harassment",
    "self-harm",
    "sexual/minors",
    "hate/threatening",
    "violence/graphic",
    "self-harm/intent",
    "self-harm/instructions",
    "harassment/threatening",
    "violence",
)
_SEEN: frozenset[Category] = frozenset(
    {
        *("sexual", "self-harm/intent", "self-harm/instructions", "self-harm"),
        *("violence", "violence/graphic"),
    }
)
"""What an image can be flagged as."""


def told_moderations(reply: Moderations) -> dict[str, Any]:
    """Write the verdicts."""
    older = reply.model.startswith("text-moderation")
    return {
        "id": f"modr-{reply.id}",
        "model": reply.model,
        "results": [_older(each) if older else _verdict(each) for each in reply.results],
    }


def _older(verdict: Verdict) -> dict[str, Any]:
    return {
        "flagged": bool(verdict.flagged),
        "categories": {each: each in verdict.flagged for each in _OLDER},
        "category_scores": {each: verdict.scores[each] for each in _OLDER},
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "flagged": bool(verdict.flagged),
        "categories": {each: each in verdict.flagged for each in CATEGORIES},
        "category_scores": {each: verdict.scores[each] for each in CATEGORIES},
        "category_applied_input_types": {each: _types(verdict, each) for each in CATEGORIES},
    }


def _types(verdict: Verdict, category: Category) -> list[str]:
    text = ["text"] if verdict.text else []
    return [*text, "image"] if verdict.image and category in _SEEN else text
