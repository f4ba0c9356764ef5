"""A glance at a body: enough of it where its parameters are known, and its messages plain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from mockdock.dialects.base import Sent
from mockdock.dialects.openai.conversation import plain_words
from mockdock.dialects.openai.terms import key_of, known_terms
from mockdock.dialects.openai.wire import MOST_MESSAGES, ChatRequest
from mockdock.request import Role

__all__ = ["glance", "words"]


def glance(body: bytes) -> Sent | None:
    """Tell what a body holds, and whether its parameters are known; None where it is no object."""
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(sent, dict):
        return None
    key = key_of("openai", ChatRequest, sent)
    terms = None if key is None else known_terms(key)
    return Sent(sent, key, None if terms is None else terms.mark)


def words(sent: Mapping[str, Any]) -> Sequence[tuple[Role, str]] | None:
    """Give the roles and texts of plain messages, None where any is more, or wrong."""
    return plain_words(sent.get("messages"), MOST_MESSAGES)
