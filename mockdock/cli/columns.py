"""A table of texts in columns, as wide as its texts or as the terminal at most.

Rich writes such tables as well, and takes longer to import than a server to answer.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from unicodedata import combining, east_asian_width

__all__ = ["columns"]

_GAP = "  "
_LEAST = 12
"""No column is made narrower, however little room there is."""


def columns(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Give the lines of a table of ``rows``, which have as many texts each.

    A text that is too long for its column goes on below; the widest column gives way first.
    """
    widths = _fitted([max(map(_cells, texts)) for texts in zip(*rows, strict=True)], width)
    for row in rows:
        folded = [_folded(text, wide) for text, wide in zip(row, widths, strict=True)]
        for parts in zip_longest(*folded, fillvalue=""):
            cells = (
                part + " " * (wide - _cells(part)) for part, wide in zip(parts, widths, strict=True)
            )
            yield _GAP.join(cells).rstrip()


def _fitted(widths: list[int], width: int) -> list[int]:
    room = width - len(_GAP) * (len(widths) - 1)
    while sum(widths) > room and max(widths) > _LEAST:
        at = widths.index(max(widths))
        widths[at] -= 1
    return widths


def _folded(text: str, width: int) -> list[str]:
    if _cells(text) <= width and "\n" not in text:
        return [text]
    return [part for line in text.splitlines() for part in textwrap.wrap(line, width)]


def _cells(text: str) -> int:
    """Count the cells a text takes in a terminal: two for a Chinese letter, none for an accent."""
    if text.isascii():
        return len(text)
    return sum(2 if east_asian_width(each) in "WF" else not combining(each) for each in text)
