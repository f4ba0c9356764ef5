"""Seeds on their way into a ledger: for one session, and in pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from mockdock.ledger.entry import Entry
from mockdock.ledger.ledger import Ledger
from mockdock.ledger.realms import key_of
from mockdock.ledger.seeds import Seeds

__all__ = ["apart", "sow_in_pieces"]

_PIECE = 100
"""Exchanges that are written in some 10 ms."""


def apart(session: str, seeds: Seeds) -> Seeds:
    """Give seeds whose projects are those of a session."""
    return Seeds(
        threads=tuple(
            replace(each, project=key_of(session, each.project)) for each in seeds.threads
        ),
        models=tuple(
            (replace(new, project_id=key_of(session, new.project_id)), created)
            for new, created in seeds.models
        ),
        prices=tuple(replace(each, project=key_of(session, each.project)) for each in seeds.prices),
        entries=(each._replace(project=key_of(session, each.project)) for each in seeds.entries),
    )


def sow_in_pieces(ledger: Ledger, name: str, seeds: Seeds) -> None:
    """Write seeds, the latest piece first: what is written first is forgotten last."""
    first, *more = list(_pieces(seeds.entries)) or [[]]
    for number, piece in reversed(list(enumerate(more))):
        ledger.seed(f"{name}/{number}", Seeds(entries=piece))
    ledger.seed(name, replace(seeds, entries=first))


def _pieces(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Give pieces of some length, between which no thread goes on."""
    piece: list[Entry] = []
    for entry in entries:
        if len(piece) >= _PIECE and entry.thread != piece[-1].thread:
            yield piece
            piece = []
        piece.append(entry)
    if piece:
        yield piece
