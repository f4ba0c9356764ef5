"""A glance at a body: enough of it where its parameters are known, and its messages plain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from mockdock.dialects.openai.conversation import plain_words
from mockdock.dialects.openai.terms import key_of, known_terms
from mockdock.dialects.openai.wire import MOST_MESSAGES, ChatRequest
from mockdock.request import Role

__all__ = ["glance", "words"]


def glance(body: bytes) -> tuple[dict[str, Any], object] | None:
    """Give the object in a body, and the mark of its parameters where they are known.

    None where there is no object.
    """
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(sent, dict):
        return None
    key = key_of("openai", ChatRequest, sent)
    terms = None if key is None else known_terms(key)
    return sent, terms.request.recurs if terms is not None and terms.plain else None


def words(sent: Mapping[str, Any]) -> Sequence[tuple[Role, str]] | None:
    """Give the roles and texts of plain messages, None where any is more, or wrong."""
    return plain_words(sent.get("messages"), MOST_MESSAGES)
