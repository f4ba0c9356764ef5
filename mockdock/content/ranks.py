"""The ranks of an encoding as its file has them: enough to split short plain texts.

tiktoken takes some 200 ms to read them all. Somebody who starts a server waits for his first
answer; that its few words are looked for one by one takes a few.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tiktoken

__all__ = ["BETWEEN", "Ranks"]

BETWEEN = b"\xff\xfe"
"""What is between two tokens. No part of it can be taken for its beginning: splitting is exact."""

_LONGEST, _LONGEST_PIECE = 512, 48
_WORK = 80_000_000
"""Bytes that are looked through, some 40 ms: then tiktoken is the quicker one."""
_CLASSES = re.compile(r"\[[^]]*\]|\\p\{\w+\}")
_ASCII = {
    r"\p{L}": "A-Za-z",
    r"\p{N}": "0-9",
    r"\p{Lu}": "A-Z",
    r"\p{Ll}": "a-z",
    r"\p{Lt}": "",
    r"\p{Lm}": "",
    r"\p{Lo}": "",
    r"\p{M}": "",
}
"""What there is in ASCII of a class of letters."""


class Ranks:
    """Splits short ASCII texts as tiktoken does, and makes the encoding that splits any.

    ``data`` are the bytes of all tokens in the order of their ranks, BETWEEN each two of
    them, ``vocabulary`` is how many there are; ``pattern`` and ``special`` are as for
    ``tiktoken.Encoding``.
    """

    def __init__(
        self, name: str, data: bytes, vocabulary: int, pattern: str, special: Mapping[str, int]
    ) -> None:
        self.name = name
        self.vocabulary = vocabulary
        self._data = b"%b%b%b" % (BETWEEN, data, BETWEEN)
        self._pattern = pattern
        self._special = special
        self._split = re.compile(_CLASSES.sub(_plain, pattern), re.ASCII)
        self._known: dict[bytes, int] = {}
        self._work = _WORK

    def encoding(self) -> tiktoken.Encoding:
        """Make the encoding, in a few hundred milliseconds.

        tiktoken copies the ranks and holds on to the mapping, which nothing here asks for
        again: it is emptied, 30 MB.
        """
        import tiktoken  # noqa: PLC0415 - a start without any counting stays quick

        tokens = self._data[len(BETWEEN) : -len(BETWEEN)].split(BETWEEN)
        ranks = dict(zip(tokens, range(len(tokens)), strict=True))
        made = tiktoken.Encoding(
            self.name,
            pat_str=self._pattern,
            mergeable_ranks=ranks,
            special_tokens=dict(self._special),
        )
        ranks.clear()
        return made

    def spell(self, text: str) -> list[bytes] | None:
        """Give the bytes of each token of a text; None where it takes the whole encoding.

        That is for all but ASCII, for long texts, and once many words have been looked for.
        """
        if len(text) > _LONGEST or not text.isascii():
            return None
        spelled: list[bytes] = []
        for piece in self._split.finditer(text):
            tokens = self._merged(piece[0].encode())
            if tokens is None:
                return None
            spelled += tokens
        return spelled

    def _merged(self, piece: bytes) -> list[bytes] | None:
        """Join the two neighbours of the lowest rank, again and again, the first ones first."""
        if self._place(piece) < len(self._data):
            return [piece]
        parts = [piece[at : at + 1] for at in range(len(piece))]
        while len(piece) <= _LONGEST_PIECE:
            places = [self._place(one + other) for one, other in pairwise(parts)]
            if self._work <= 0:  # not all have been looked for
                break
            lowest = min(places)
            if lowest == len(self._data):
                return parts
            at = places.index(lowest)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        return None

    def _place(self, token: bytes) -> int:
        """Give where a token is: the lower its rank, the lower; the end where there is none."""
        place = self._known.get(token)
        if place is None:
            place = len(self._data)
            if self._work > 0:
                found = self._data.find(b"%b%b%b" % (BETWEEN, token, BETWEEN))
                place = self._known[token] = place if found < 0 else found
                self._work -= place
        return place


def _plain(found: re.Match[str]) -> str:
    """Write a class of letters, or a set that has some, for ASCII."""
    letters = found[0]
    for name, those in _ASCII.items():
        letters = letters.replace(name, those)
    return letters if letters.startswith("[") else f"[{letters}]"
