"""Words, sentences and paragraphs that mean nothing."""

from __future__ import annotations

import random
from collections.abc import Sequence

from mockdock.content.words import ENGLISH, LATIN

__all__ = ["Prose", "english", "latin"]

_LEAST, _MOST = 60, 140
"""How many there are of what is asked for, in percent."""


class Prose:
    """Makes texts of words by a caller's chance, as Faker does: the same for the same chance."""

    def __init__(self, words: Sequence[str], rng: random.Random) -> None:
        self._words = words
        self._rng = rng

    def word(self) -> str:
        """Give a word."""
        return self._rng.choice(self._words)

    def words(self, count: int) -> list[str]:
        """Give so many words, of which some may be the same."""
        return [self.word()] if count == 1 else self._rng.choices(self._words, k=count)

    def sentence(self, nb_words: int = 6) -> str:
        """Make a sentence of about so many words, at least one."""
        first, *more = self.words(self._about(nb_words))
        return f"{' '.join([first.title(), *more])}."

    def paragraph(self) -> str:
        """Make a paragraph of some three sentences."""
        return " ".join([self.sentence() for _ in range(self._about(3))])

    def _about(self, count: int) -> int:
        return max(1, int(count * self._rng.randint(_LEAST, _MOST) / 100))


def english(rng: random.Random) -> Prose:
    """Give what makes English words and sentences, drawing from ``rng``."""
    return Prose(ENGLISH, rng)


def latin(rng: random.Random) -> Prose:
    """Give what makes Latin words and sentences, drawing from ``rng``."""
    return Prose(LATIN, rng)
