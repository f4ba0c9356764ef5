"""Log probabilities for the tokens of a text: made up, but a distribution.

In every place the probabilities of the token said and of its alternatives sum
to at most 1, and the alternatives are other tokens, most likely first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from random import Random

from msgspec.structs import replace

from mockdock.content.tokens import Tokenizer
from mockdock.reply import Alternative, Piece, TokenLogprob

__all__ = ["IMPOSSIBLE", "MEAN", "SPREAD", "annotate"]

MEAN = -0.12
SPREAD = 0.15
"""Where nothing is scripted: a confident model, some 0.9 for most tokens."""

IMPOSSIBLE = -9999.0
"""What the API writes for a token that is out of the question."""

_COMMON = 8_000
"""Tokens of low ids are common in any text; alternatives come from these."""
_TINY = 1e-9
_LEAST_SHARE = 0.35
_MORE_SHARE = 0.35
"""An alternative takes such a share of what the likelier ones have left."""


def annotate(
    pieces: Sequence[Piece],
    spelled: Sequence[bytes],
    tokenizer: Tokenizer,
    rng: Random,
    *,
    top: int,
    mean: float = MEAN,
    spread: float = SPREAD,
    greedy: bool = False,
) -> tuple[Piece, ...]:
    """Give each token of the pieces its log probability and ``top`` most likely ones.

    ``spelled`` are the bytes of the tokens, in the order of the pieces. ``mean``
    and ``spread`` are those of the gamma distribution, mirrored at 0, from which
    the log probability of each token said is drawn; they do not depend on
    ``top``. ``greedy`` makes the token said the likeliest of its place.
    """
    tokens = iter(spelled)
    others = Random(rng.getrandbits(64))
    return tuple(
        replace(
            piece,
            logprobs=tuple(
                _token(next(tokens), tokenizer, others, top, _draw(rng, mean, spread), greedy)
                for _ in range(piece.tokens)
            ),
        )
        for piece in pieces
    )


def _draw(rng: Random, mean: float, spread: float) -> float:
    """Draw a log probability: at most 0, with this mean and standard deviation."""
    if mean > -_TINY or spread < _TINY:
        return mean
    mean, spread = max(mean, IMPOSSIBLE), min(spread, -IMPOSSIBLE)
    return max(-rng.gammavariate((mean / spread) ** 2, spread**2 / -mean), IMPOSSIBLE)


def _token(
    said: bytes, tokenizer: Tokenizer, rng: Random, top: int, logprob: float, greedy: bool
) -> TokenLogprob:
    if not top:
        return TokenLogprob(said, logprob, ())
    likely = [Alternative(said, logprob)]
    likely += _others(said, tokenizer, rng, top, logprob if greedy else 0.0, logprob)
    likely.sort(key=lambda each: -each.logprob)
    return TokenLogprob(said, logprob, tuple(likely[:top]))


def _others(
    said: bytes, tokenizer: Tokenizer, rng: Random, count: int, most: float, logprob: float
) -> Iterator[Alternative]:
    """Give other tokens, none likelier than ``most``, that share what is left of 1."""
    left = -math.expm1(logprob)
    drawn = rng.sample(_common(tokenizer, said[:1] == b" "), count + 1)
    for token in [token for token in drawn if token != said][:count]:
        share = left * (_LEAST_SHARE + _MORE_SHARE * rng.random())
        left -= share
        told = math.log(share) if share > 0 else IMPOSSIBLE
        yield Alternative(token, min(max(told, IMPOSSIBLE), most))


@lru_cache(8)
def _common(tokenizer: Tokenizer, blank: bool) -> tuple[bytes, ...]:
    """Give common words: those that begin with a blank, or the others."""
    spelled = tokenizer.spelled(range(min(_COMMON, tokenizer.vocabulary)))
    return tuple(
        token
        for token in spelled
        if token.isascii() and token.strip().isalpha() and (token[:1] == b" ") is blank
    )
