"""Texts are judged by the words in them: no model, and no opinion of its own.

A text is flagged as what a listed word stands for; what is flagged as a kind of
something is flagged as that too. Scores are a digest of model, category and text: from
0.75 to 0.99 where flagged, else below 0.001. It is all whole numbers up to one
division, so every machine gives the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b

from mockdock.moderation import CATEGORIES, Category

__all__ = ["WORDS", "flags", "parents", "score"]

WORDS: Mapping[Category, tuple[str, ...]] = {
    "harassment": ("idiot", "moron", "loser", "pathetic", "worthless", "shut up"),
    "harassment/threatening": (
        *("kill you", "kill him", "kill her", "kill them"),
        *("hurt you", "beat you up", "make you pay"),
    ),
    "hate": ("subhuman", "vermin", "inferior race", "ethnic cleansing"),
    "hate/threatening": ("exterminate them", "wipe them out"),
    "illicit": ("shoplift", "launder money", "fake passport", "pick a lock", "phishing"),
    "illicit/violent": ("build a bomb", "make a bomb", "pipe bomb", "poison someone"),
    "self-harm/intent": ("kill myself", "cut myself", "end my life", "want to die"),
    "self-harm/instructions": ("how to kill myself", "how to cut myself", "suicide methods"),
    "self-harm": ("suicide", "suicidal", "self harm", "anorexia"),
    "sexual": ("porn", "nude", "naked", "erotic", "orgasm"),
    "sexual/minors": ("child porn", "underage sex"),
    "violence": ("kill", "murder", "stab", "stabbed", "shoot", "strangle", "torture"),
    "violence/graphic": ("gore", "dismember", "decapitate", "mutilate", "blood everywhere"),
}
"""What flags a text, by category: a whole word, or words in a row, whatever their case."""

_ENDINGS = ("", "s", "d", "ed", "ing")
"""A single word counts with each of these too."""
_WORD = re.compile(r"\w+")
_LONGEST = 100_000
"""Letters of a text that are looked at."""


def parents(found: Iterable[Category]) -> frozenset[Category]:
    """Add what each is a kind of: ``violence`` to ``violence/graphic``."""
    kinds = frozenset(found)
    above = {each.partition("/")[0] for each in kinds}
    return kinds | frozenset(each for each in CATEGORIES if each in above)


def flags(text: str) -> frozenset[Category]:
    """Tell what the words of a text are flagged as."""
    folded = unicodedata.normalize("NFKC", text[:_LONGEST]).casefold()
    words = _WORD.findall(folded)
    return parents(
        category
        for at, word in enumerate(words)
        for phrase, category in _BEGINNING.get(word, ())
        if words[at : at + len(phrase)] == phrase
    )


def score(model: str, category: Category, text: str, *, flagged: bool) -> float:
    """Give the score of a category: the same for the same text, on every machine."""
    said = repr((model, category, text)).encode("utf-8", "surrogatepass")
    digest = blake2b(said, digest_size=12).digest()
    drawn = int.from_bytes(digest[:8], "big")
    if flagged:
        return (75 * 10**12 + drawn % (24 * 10**12)) / 10**14
    return (10**15 + drawn % (9 * 10**15)) / int(f"1{'0' * (19 + digest[8] % 4)}")


def _phrases() -> Iterator[tuple[list[str], Category]]:
    for category, listed in WORDS.items():
        for each in listed:
            words = each.split()
            if len(words) > 1:
                yield words, category
            else:
                yield from (([each + ending], category) for ending in _ENDINGS)


def _by_beginning() -> Mapping[str, list[tuple[list[str], Category]]]:
    found: dict[str, list[tuple[list[str], Category]]] = defaultdict(list)
    for phrase, category in _phrases():
        found[phrase[0]].append((phrase, category))
    return dict(found)


_BEGINNING = _by_beginning()
