"""Log probabilities for the tokens of a text: made up, but a distribution.

In every place the probabilities of the token said and of its alternatives sum
to at most 1, and the alternatives are other tokens, most likely first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

from mockdock.content.tokens import Tokenizer
from mockdock.reply import Alternative, Piece, TokenLogprob

__all__ = ["IMPOSSIBLE", "MEAN", "SPREAD", "annotate"]

MEAN = -0.12
SPREAD = 0.15
"""Where nothing is scripted: a confident model, some 0.9 for most tokens."""

IMPOSSIBLE = -9999.0
"""What the API writes for a token that is out of the question."""

_COMMON = 20_000
"""Tokens of low ids are common in any text; alternatives come from these."""
_TRIES = 8
_FALL = (0.35, 0.7)
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
) -> tuple[Piece, ...]:
    """Give each token of the pieces its log probability and ``top`` most likely ones.

    ``spelled`` are the bytes of the tokens, in the order of the pieces. ``mean``
    and ``spread`` are those of a normal distribution, cut at 0, from which the
    log probability of each token said is drawn.
    """
    tokens = iter(spelled)
    return tuple(
        replace(
            piece,
            logprobs=tuple(
                _token(next(tokens), tokenizer, rng, top, min(0.0, rng.gauss(mean, spread)))
                for _ in range(piece.tokens)
            ),
        )
        for piece in pieces
    )


def _token(
    said: bytes, tokenizer: Tokenizer, rng: Random, top: int, logprob: float
) -> TokenLogprob:
    if not top:
        return TokenLogprob(said, logprob, ())
    others = [*_others(said, tokenizer, rng, top, -math.expm1(logprob))]
    ranked = sorted([Alternative(said, logprob), *others], key=lambda each: -each.logprob)
    return TokenLogprob(said, logprob, tuple(ranked[:top]))


def _others(
    said: bytes, tokenizer: Tokenizer, rng: Random, count: int, left: float
) -> Iterator[Alternative]:
    """Give other tokens that share the probability ``left``."""
    taken = {said}
    for _ in range(count):
        token = _other(said, taken, tokenizer, rng)
        taken.add(token)
        share = left * rng.uniform(*_FALL)
        left -= share
        yield Alternative(token, max(math.log(share), IMPOSSIBLE) if share > 0 else IMPOSSIBLE)


def _other(said: bytes, taken: set[bytes], tokenizer: Tokenizer, rng: Random) -> bytes:
    """Draw a token not taken yet, that begins with a blank if the one said does."""
    common = min(_COMMON, tokenizer.vocabulary)
    start = said[:1] == b" "
    for attempt in range(_TRIES):
        (token,) = tokenizer.spelled([rng.randrange(common)])
        alike = attempt > _TRIES // 2 or (token[:1] == b" ") is start
        if alike and token not in taken and token.isascii():
            return token
    first = rng.randrange(common)
    ids = range(first, first + len(taken) + 1)
    return next(token for token in tokenizer.spelled(ids) if token not in taken)
