"""The encodings shipped with the package, read from its own files.

tiktoken's own loader fetches the ranks from the network at run time; here they
are package data, and the rest of an encoding (its splitting pattern and special
tokens, as in ``tiktoken_ext.openai_public``) is stated below. A file holds the bytes of all
tokens in the order of their ranks, two bytes that are in no token between each two of
them: what tiktoken's own files say, read at once. It is not compressed: the wheel is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from mockdock.content.ranks import Ranks
from mockdock.errors import MockdockError

if TYPE_CHECKING:
    import tiktoken

__all__ = ["ENCODINGS", "Recipe", "build", "read"]

_RANKS = Path(__file__).resolve().with_name("ranks")

_CL100K_PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+"
    r"| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)
_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_O200K_PATTERN = "|".join(
    (
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_CONTRACTION}",
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_CONTRACTION}",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)
_HARMONY_NAMED = {
    "startoftext": 199998,
    "endoftext": 199999,
    "return": 200002,
    "constrain": 200003,
    "channel": 200005,
    "start": 200006,
    "end": 200007,
    "message": 200008,
    "call": 200012,
}


class Recipe(Struct, frozen=True):
    """What an encoding is made of; its file holds so many ``tokens`` and has this ``sha256``."""

    ranks: str
    tokens: int
    sha256: str
    pattern: str
    special: Mapping[str, int]


def _harmony_special() -> dict[str, int]:
    """Name the special tokens of o200k_harmony: a few names, the rest reserved."""
    special = {f"<|{name}|>": token for name, token in _HARMONY_NAMED.items()}
    named = set(_HARMONY_NAMED.values())
    for token in range(200000, 201088):
        if token not in named:
            special[f"<|reserved_{token}|>"] = token
    # The one id with two names, in tiktoken's table too.
    special["<|endofprompt|>"] = 200018
    return special


_CL100K_SHA256 = "e4c5361b19dec1991b2d6b95fa9816c640341e136e6ef9234a044ff9e0775c17"
_O200K_SHA256 = "85a9d446868765311a51b6b07ed92e0efcb7861bc314ba0ff0324d03d3d6c042"

ENCODINGS: Mapping[str, Recipe] = {
    "cl100k_base": Recipe(
        ranks="cl100k_base",
        tokens=100_256,
        sha256=_CL100K_SHA256,
        pattern=_CL100K_PATTERN,
        special={
            "<|endoftext|>": 100257,
            "<|fim_prefix|>": 100258,
            "<|fim_middle|>": 100259,
            "<|fim_suffix|>": 100260,
            "<|endofprompt|>": 100276,
        },
    ),
    "o200k_base": Recipe(
        ranks="o200k_base",
        tokens=199_998,
        sha256=_O200K_SHA256,
        pattern=_O200K_PATTERN,
        special={"<|endoftext|>": 199999, "<|endofprompt|>": 200018},
    ),
    "o200k_harmony": Recipe(
        ranks="o200k_base",
        tokens=199_998,
        sha256=_O200K_SHA256,
        pattern=_O200K_PATTERN,
        special=_harmony_special(),
    ),
}
"""The encodings there are. p50k_base and r50k_base belong to models that were
shut down in January 2024 and never spoke chat; they are not shipped."""


def build(name: str) -> tuple[tiktoken.Encoding, int]:
    """Build an encoding from the shipped ranks, and count its ordinary tokens.

    Takes a few hundred milliseconds. Raises what :func:`read` raises.
    """
    ranks = read(name)
    return ranks.encoding(), ranks.vocabulary


def read(name: str) -> Ranks:
    """Read the shipped ranks of an encoding, in some 5 ms.

    Raises MockdockError when there is no such encoding or its file is damaged.
    """
    recipe = ENCODINGS.get(name)
    if recipe is None:
        raise MockdockError(f"unknown encoding {name!r}, shipped are: {', '.join(ENCODINGS)}")
    path = _RANKS / f"{recipe.ranks}.bin"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MockdockError(f"cannot read the token ranks in {path}: {error}") from error
    if hashlib.sha256(data).hexdigest() != recipe.sha256:
        raise MockdockError(
            f"the token ranks in {path} are damaged: their sha256 is not {recipe.sha256}"
        )
    return Ranks(name, data, recipe.tokens, recipe.pattern, recipe.special)
