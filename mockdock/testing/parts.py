"""The text in what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["words"]


def words(message: Mapping[str, Any]) -> str:
    """Give the text of a message, its parts joined by a newline."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else ()
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "\n".join(text for text in texts if isinstance(text, str))
