"""The noun of the legacy completions: prompts that a text is to go on from."""

from __future__ import annotations

from msgspec import Struct

__all__ = ["ToComplete"]


class ToComplete(Struct, frozen=True):
    """Prompts, and how they are to be completed.

    ``inputs`` are as they were sent: texts, or tokens by their ids; ``texts`` is what
    they say, empty until tokens have been read. For each prompt ``best_of`` texts are made
    and the best ``n`` given, after the prompt itself where it is to be an ``echo``.
    """

    inputs: tuple[str | tuple[int, ...], ...]
    texts: tuple[str, ...] = ()
    n: int = 1
    best_of: int = 1
    echo: bool = False
