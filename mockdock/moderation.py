"""The moderation nouns: what is to be judged, and the verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from msgspec import Struct

from mockdock.frames import Pacing

__all__ = ["CATEGORIES", "Category", "Judged", "Moderations", "ToModerate", "Verdict"]

Category = Literal[
    "harassment",
    "harassment/threatening",
    "sexual",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm/intent",
    "self-harm/instructions",
    "self-harm",
    "sexual/minors",
    "violence",
    "violence/graphic",
]

CATEGORIES: tuple[Category, ...] = get_args(Category)
"""What content may be flagged as."""


class Judged(Struct, frozen=True):
    """One thing that gets a verdict of its own: a text, images (their URLs), or both.

    ``text`` is None where there are images only.
    """

    text: str | None
    images: tuple[str, ...] = ()


class ToModerate(Struct, frozen=True):
    """What is to be judged; each gets a verdict."""

    inputs: tuple[Judged, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts among it."""
        return tuple(each.text for each in self.inputs if each.text is not None)


class Verdict(Struct, frozen=True):
    """What one input is flagged as, and a score from 0 to 1 for each category the model knows.

    ``text`` and ``image`` tell of what there was to look at.
    """

    flagged: frozenset[Category]
    scores: Mapping[Category, float]
    text: bool = True
    image: bool = False


class Moderations(Struct, frozen=True):
    """An answer to a moderations request: a verdict for each input, in their order.

    ``id`` is without the provider's prefix; ``model`` is the one that answered.
    """

    id: str
    model: str
    results: tuple[Verdict, ...]
    headers: Mapping[str, str] = {}
    pacing: Pacing | None = None
