"""How a text is cut: to a number of tokens, at a stop string, into chunks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from mockdock.reply import Piece

__all__ = ["Chunk", "before_stop", "cut", "regroup"]

Chunk = Literal["token", "word"] | int
"""What one chunk of a stream holds: a token, a word, or so many characters."""


def before_stop(text: str, stops: Iterable[str]) -> str:
    """Give the text up to the earliest of the stop strings."""
    found = [place for stop in stops if stop and (place := text.find(stop)) >= 0]
    return text[: min(found)] if found else text


def cut(pieces: Sequence[Piece], budget: int | None) -> tuple[tuple[Piece, ...], bool]:
    """Keep the pieces that fit into ``budget`` tokens, and tell whether any did not.

    A character that takes several tokens is kept whole or not at all.
    """
    if budget is None:
        return tuple(pieces), False
    spent = 0
    for place, piece in enumerate(pieces):
        spent += piece.tokens
        if spent > budget:
            return tuple(pieces[:place]), True
    return tuple(pieces), False


def regroup(pieces: tuple[Piece, ...], chunk: Chunk) -> tuple[Piece, ...]:
    """Put token pieces together to chunks; text and tokens stay the same in sum."""
    if chunk == "token":
        return pieces
    return tuple(_words(pieces) if chunk == "word" else _characters(pieces, chunk))


def _words(pieces: tuple[Piece, ...]) -> Iterable[Piece]:
    held = _NOTHING
    for piece in pieces:
        if held.text and piece.text[:1].isspace():
            yield held
            held = _NOTHING
        held = _joined(held, piece.text, piece)
    if held.text:
        yield held


def _characters(pieces: tuple[Piece, ...], size: int) -> Iterable[Piece]:
    """Cut into ``size`` characters; a token counts where its last character is."""
    held = _NOTHING
    for piece in pieces:
        rest = piece.text
        while len(held.text) + len(rest) > size:
            room = size - len(held.text)
            yield _joined(held, rest[:room], _NOTHING)
            held, rest = _NOTHING, rest[room:]
        held = _joined(held, rest, piece)
    if held.text:
        yield held


_NOTHING = Piece("", 0)


def _joined(held: Piece, text: str, piece: Piece) -> Piece:
    """Put a text behind what is held, with the tokens of its piece."""
    return Piece(held.text + text, held.tokens + piece.tokens, held.logprobs + piece.logprobs)
