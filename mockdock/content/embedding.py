"""Vectors of texts: made without any model, the same everywhere, near where texts are alike.

The method is feature hashing with dense random projections. A text is taken to pieces: its
words (lower case, compatibility forms made one), the groups of three letters in each, and
pairs of neighbouring words; a Chinese, Japanese or Korean letter is a word of its own.
SHAKE-128 of the model's name and the piece gives as many random bytes as a vector has
numbers: that is the direction of the piece in the model's space. A text is the weighted sum
of the directions of its pieces, scaled to length 1. Words of less than six letters weigh
less, and the commonest English and German ones, such as "the" and "und", next to nothing;
what comes again weighs by the logarithm of how often.

So the cosine of two vectors is about the share of weight they have in common: the words,
word endings and spellings, not the meaning. It is about 0 for texts with nothing in common
(the noise is one by the root of the length), and all of it is left in any beginning of the
vector, so that shortening keeps the order of similarities. Everything up to the length is
counted in whole numbers, and what comes after is exact by IEEE 754: no process or platform
gives another vector.

A direction is kept as one large integer with 32 bits to a number: adding two such integers
adds all numbers at once, in a microsecond.
"""

from __future__ import annotations

import math
import re
import sys
import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b, shake_128
from itertools import islice, pairwise
from operator import mul

from mockdock.embedding import pack
from mockdock.memo import Memo

__all__ = ["embed", "words_of"]

_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W{_IDEOGRAPHS}]{{1,24}}")
_IDEOGRAPH = re.compile(rf"[{_IDEOGRAPHS}]")
_MOST_WORDS = 16_384
"""Words of a text that count: more than 8,192 tokens hold."""
_LONGEST = 24 * _MOST_WORDS
_LONGEST_NAME = 200
_GROUP = 3
_FULL = 6
"""Letters from which on a word has its full weight."""
_OF_WORD, _OF_GROUPS = 16, 12
"""Lengths of what a word itself adds, and of all its groups of letters together."""
_OF_PAIR = 4
# The largest sum is below 32 bits: 16,384 words, each a byte times 6 for its letters times 85
# (16, and 23 groups of 3), and as many pairs, each a byte times 4 times 12.
_LANE = 4
_COMMONEST = (
    "a an and are as at be been but by can could did do does for from had has have he her "
    "him his how i if in is it its me my no not of on or our she should so than that the "
    "their them there they this to us was we were what when where which who why will with "
    "would you your der die das den dem des ein eine einem einen einer es er sie ich wir "
    "ist sind und oder nicht mit von zu zum zur auf im am aus wie was wo"
)
_COMMON = frozenset(_COMMONEST.split())
"""Words that say little of what a text is about."""
_MIDDLE = 255
"""Twice the mean of a byte."""
_KEPT_WORDS = 1024
"""Directions that are kept; of 1,536 numbers each takes 6 KB, of 3,072 twice as much."""

_vectors: Memo[bytes] = Memo(512)


def embed(text: str, model: str, dimensions: int) -> bytes:
    """Give the unit vector of a text in a model's space, as :func:`pack` writes it.

    Fewer ``dimensions`` give the beginning of the longer vector, scaled to length 1
    again. Of very long texts the first 16,384 words count. The last 512 vectors are
    remembered.
    """
    space = model if len(model) <= _LONGEST_NAME else _digest(model)
    key = repr((space, dimensions, text)).encode("utf-8", "surrogatepass")
    return _vectors.get(key, lambda: _embed(text, space, dimensions))


def _digest(model: str) -> str:
    """Stand for a name that is too long to be kept with every direction."""
    return blake2b(model.encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()


def words_of(text: str) -> list[str]:
    """Give the words of a text that count, in their order."""
    plain = unicodedata.normalize("NFKC", text[:_LONGEST]).casefold()
    return [found[0] for found in islice(_WORD.finditer(plain), _MOST_WORDS)]


def _embed(text: str, model: str, dimensions: int) -> bytes:
    total = mass = 0
    for direction, weight, length in _parts(text, model, dimensions):
        total += direction * weight
        mass += length * weight
    numbers = array("I", total.to_bytes(_LANE * dimensions, sys.byteorder))
    middle = _MIDDLE * mass
    centred = [2 * number - middle for number in numbers]
    square = sum(map(mul, centred, centred))
    if not square:
        # Only of very short vectors all numbers may be in the middle.
        centred[0] = square = 1
    norm = math.sqrt(square)
    return pack([number / norm for number in centred])


def _parts(text: str, model: str, dimensions: int) -> Iterator[tuple[int, int, int]]:
    """Give directions with their weights, and by how many bytes' worth each is long."""
    words = words_of(text)
    if not words:
        yield _direction(model, dimensions, f"text {text[:_LONGEST]}"), 1, 1
    for word, times in Counter(words).items():
        direction, length = _word(model, dimensions, word)
        yield direction, _weight(word) * times.bit_length(), length
    for pair, times in Counter(pairwise(words)).items():
        weight = _OF_PAIR * sum(map(_weight, pair))
        direction = _direction(model, dimensions, f"pair {' '.join(pair)}")
        yield direction, weight * times.bit_length(), 1


def _weight(word: str) -> int:
    if word in _COMMON:
        return 1
    return _FULL if _IDEOGRAPH.fullmatch(word) else min(len(word), _FULL)


@lru_cache(_KEPT_WORDS)
def _word(model: str, dimensions: int, word: str) -> tuple[int, int]:
    """Give the direction of a word and its groups of letters, and its length."""
    framed = f"<{word}>"
    groups = [framed[at : at + _GROUP] for at in range(len(framed) - _GROUP + 1)]
    share = max(1, round(_OF_GROUPS / math.sqrt(len(groups))))
    direction = _OF_WORD * _direction(model, dimensions, f"word {word}")
    for group in groups:
        direction += share * _direction(model, dimensions, f"group {group}")
    return direction, _OF_WORD + share * len(groups)


def _direction(model: str, dimensions: int, piece: str) -> int:
    """Give a random byte for every number of a vector, in one integer.

    The bytes of fewer dimensions are the first of those of more.
    """
    seed = repr((model, piece)).encode("utf-8", "surrogatepass")
    lanes = bytearray(_LANE * dimensions)
    lowest = 0 if sys.byteorder == "little" else _LANE - 1
    lanes[lowest::_LANE] = shake_128(seed).digest(dimensions)
    return int.from_bytes(lanes, sys.byteorder)
