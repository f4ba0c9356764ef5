"""Properties of an object under names that its schema does not list: names and schemas."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from typing import Any

from mockdock.content.keywords import mapped
from mockdock.content.patterns import matches
from mockdock.content.prose import english

__all__ = ["distinct", "member"]


def member(flat: Mapping[str, Any], name: str, *own: Any) -> Any:
    """Give the schema of a property: its own and those of patterns, else that of any other."""
    by_pattern = mapped(flat, "patternProperties").items()
    schemas = [*own, *(schema for pattern, schema in by_pattern if matches(pattern, name))]
    if schemas:
        return schemas[0] if len(schemas) == 1 else {"allOf": schemas}
    return flat.get("additionalProperties", flat.get("unevaluatedProperties", True))


def distinct(
    name: str, taken: Collection[str], rng: random.Random, fits: Callable[[str], bool]
) -> str:
    """Put a word or a number beside a name that is taken, or looks like a part of one.

    It stays as it is when nothing that ``fits`` arises.
    """
    if name not in taken and name[:1].isalnum() and name[-1:].isalnum():
        return name
    word, count = english(rng).word(), len(taken) + 1
    beside = (name + word, word + name, f"{name}{count}", f"{name}{word}{count}")
    return next((each for each in beside if each not in taken and fits(each)), name)
