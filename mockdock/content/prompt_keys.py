"""The keys a prompt asks for in words: "a JSON with 'setup' and 'punchline' keys"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["find_keys"]

_MAX_TEXT = 20_000
_MAX_KEYS = 50
_SENTENCE = re.compile(r"[^\n.!?;]+")
_SPEAKS_OF_KEYS = re.compile(r"\b(?:keys?|fields?|propert(?:y|ies)|attributes?)\b", re.IGNORECASE)
_QUOTED = re.compile(r"(?<!\w)(['\"`])([A-Za-z_][\w-]{0,60})\1(?!\w)")


def find_keys(text: str) -> Mapping[str, Any] | None:
    """Give the schema of an object with the keys named, all texts; None when there are none.

    Keys are quoted words in a sentence that speaks of keys, fields or properties.
    """
    keys: dict[str, None] = {}
    for sentence in _SENTENCE.finditer(text[:_MAX_TEXT]):
        if _SPEAKS_OF_KEYS.search(sentence[0]):
            keys.update(dict.fromkeys(match[2] for match in _QUOTED.finditer(sentence[0])))
    if not keys:
        return None
    names = list(keys)[:_MAX_KEYS]
    properties = {name: {"type": "string"} for name in names}
    return {"type": "object", "properties": properties, "required": names}
