"""The embedding nouns: texts that are to become vectors, and the vectors."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from msgspec import Struct

from mockdock.frames import Pacing
from mockdock.usage import Usage

__all__ = ["Embeddings", "ToEmbed", "pack", "unpack"]


def pack(numbers: Sequence[float]) -> bytes:
    """Write a vector: its numbers as little-endian float32."""
    return struct.pack(f"<{len(numbers)}f", *numbers)


def unpack(vector: bytes) -> list[float]:
    """Read what :func:`pack` wrote; every number is exactly that of the float32."""
    return list(struct.unpack(f"<{len(vector) // 4}f", vector))


class ToEmbed(Struct, frozen=True):
    """What is to be embedded, and how the vectors shall come.

    ``inputs`` are as they were sent: texts, or tokens by their ids; ``texts`` is what
    they say, empty until tokens have been read. ``dimensions`` is the length of a
    vector, None for the model's own.
    """

    inputs: tuple[str | tuple[int, ...], ...]
    dimensions: int | None = None
    encoding: Literal["float", "base64"] = "float"
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Embeddings:
    """An answer to an embeddings request: a vector for each input, in their order.

    A vector is as :func:`pack` writes it. ``model`` is the one that answered; ``scripted``
    vectors are those of a rule, all others are made of the texts.
    """

    vectors: tuple[bytes, ...] = field(repr=False)
    model: str
    usage: Usage
    headers: Mapping[str, str] = field(default_factory=dict)
    pacing: Pacing | None = None
    scripted: bool = False

    @property
    def dimensions(self) -> int:
        """How many numbers the first vector has."""
        return len(self.vectors[0]) // 4 if self.vectors else 0
