"""The keys a prompt asks for in words: "a JSON with 'setup' and 'punchline' keys"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from mockdock.content.hints import NUMBERS, TEXTS, words

__all__ = ["Keys", "find_keys"]

_MAX_TEXT = 20_000
_MAX_KEYS = 50
_SENTENCE = re.compile(r"[^\n.!?;]+")
_NAME = r"[A-Za-z_][\w-]{0,60}"
_QUOTED = rf"""(?<!\w)(?:'{_NAME}'|"{_NAME}"|`{_NAME}`)(?!\w)"""
_ONE = re.compile(_QUOTED)
_LIST = re.compile(rf"{_QUOTED}(?:(?:\s*,)?(?:\s*(?:and|or|&|,))?\s*{_QUOTED})*")
_WORD = r"\b(?:keys?|fields?|propert(?:y|ies)|attributes?)\b"
_BEFORE = re.compile(rf"{_WORD}(?:\s*:|\s+(?:are|is|named|called|of|like))*\s*$", re.IGNORECASE)
_AFTER = re.compile(rf"\s*(?:as\s+)?(?:the\s+)?{_WORD}", re.IGNORECASE)
_NEAR = 40
_COUNTED = {"age", "count", "day", "days", "hour", "limit", "minute", "month", "page", "port"}
_COUNTED |= {"quantity", "total", "year"}


class Keys(Struct, frozen=True):
    """The schema of an object with the keys named, and the text without their quotes."""

    schema: Mapping[str, Any]
    rest: str


def find_keys(text: str) -> Keys | None:
    """Find the keys a prompt names; None when there are none.

    Keys are quoted words, alone or in a list, right beside the word "keys",
    "fields" or "properties". All are texts but those whose names count or
    measure something.
    """
    names: dict[str, None] = {}
    for sentence in _SENTENCE.finditer(text[:_MAX_TEXT]):
        for found in _LIST.finditer(sentence[0]):
            before = sentence[0][max(found.start() - _NEAR, 0) : found.start()]
            after = sentence[0][found.end() : found.end() + _NEAR]
            if _BEFORE.search(before) or _AFTER.match(after):
                names.update(dict.fromkeys(one[0][1:-1] for one in _ONE.finditer(found[0])))
    if not names:
        return None
    keys = list(names)[:_MAX_KEYS]
    schema = {"type": "object", "properties": {k: _about(k) for k in keys}, "required": keys}
    quoted = re.compile("|".join(rf"(['\"`]){re.escape(key)}['\"`]" for key in keys))
    return Keys(schema, quoted.sub(lambda match: match[0][1:-1], text))


def _about(key: str) -> Mapping[str, Any]:
    last = words(key)[-1:]
    if last and last[0] in _COUNTED:
        return {"type": "integer"}
    numeric = last and last[0] in NUMBERS and last[0] not in TEXTS
    return {"type": "number" if numeric else "string"}
