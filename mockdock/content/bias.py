"""What ``logit_bias`` makes of a generated text: tokens banned, or nothing but one.

Only the ends of the scale act, as documented for the real parameter: -100 bans
a token, 100 says it and nothing else. What lies between is a matter of degree
that made-up text does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from mockdock.content.tokens import Tokenizer

__all__ = ["avoid", "banned", "forced"]

_END = 100


def banned(bias: Mapping[int, int]) -> frozenset[int]:
    """Name the tokens that must not be said."""
    return frozenset(token for token, value in bias.items() if value <= -_END)


def forced(
    bias: Mapping[int, int], length: int, tokenizer: Tokenizer, rng: Random
) -> tuple[int, ...]:
    """Give a text of forced tokens alone, empty where none is forced."""
    wanted = [t for t, value in bias.items() if value >= _END and t < tokenizer.vocabulary]
    return tuple(rng.choices(wanted, k=length)) if wanted else ()


def avoid(text: str, tokens: frozenset[int], tokenizer: Tokenizer) -> str:
    """Take the banned tokens out of a text, as often as it takes.

    What is left is split anew, which may make other tokens; every round is
    shorter than the one before, so there is an end.
    """
    while True:
        ids = tokenizer.encode(text)
        left = [token for token in ids if token not in tokens]
        if len(left) == len(ids):
            return text
        text = b"".join(tokenizer.spelled(left)).decode("utf-8", "ignore")
