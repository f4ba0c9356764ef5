"""What tells two texts apart, in a few lines for people."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from itertools import islice

__all__ = ["difference"]

_LINES = 24
_AROUND = 2
_COMPARED = 400
"""Lines, or words of a line, that are compared behind the first difference."""
_WIDEST = 160
_CONTEXT = 30
_MUCH = 4
"""A text so many times longer holds what was wanted, if at all, in a part of it."""
_LEAST = 60
_SEARCHED = 1000
_ALIKE = 0.4
"""Below this ratio two texts have nothing in common but common words."""
_WORD = re.compile(r"\s+|\w+|[^\w\s]")


def difference(wanted: str, found: str) -> list[str]:
    """Write the difference of two texts: "-" is wanted, "+" was found.

    Lines are compared where there are several, else words: ``[-wanted-]{+found+}``.
    Of a much longer text only the part most like the wanted one is compared.
    """
    if len(found) > _MUCH * len(wanted) + _LEAST:
        found = _part(wanted[:_SEARCHED], found)
    if "\n" in wanted or "\n" in found:
        return _lines(wanted.split("\n"), found.split("\n"))
    return _words(_WORD.findall(wanted), _WORD.findall(found))


def _part(wanted: str, found: str) -> str:
    """Give the part of a long text that is most like what was wanted, about as long."""
    match = difflib.SequenceMatcher(None, wanted, found, autojunk=False).find_longest_match()
    low = max(0, match.b - match.a)
    return found[low : low + len(wanted)]


def _lines(wanted: Sequence[str], found: Sequence[str]) -> list[str]:
    start = max(0, _same(wanted, found) - _AROUND)
    compared = slice(start, start + _COMPARED)
    shown = [f"  ... {start} equal lines"] if start else []
    told = _told(wanted[compared], found[compared])
    shown += islice(told, _LINES)
    left = sum(1 for _ in told) + max(0, max(len(wanted), len(found)) - compared.stop)
    return [*shown, f"  ... and {left} more lines"] if left else shown


def _told(wanted: Sequence[str], found: Sequence[str]) -> Iterator[str]:
    matcher = difflib.SequenceMatcher(None, wanted, found)
    for at, group in enumerate(matcher.get_grouped_opcodes(_AROUND)):
        if at:
            yield "  ..."
        for tag, low, high, from_, to in group:
            if tag == "equal":
                yield from (f"  {_cut(line)}" for line in wanted[low:high])
                continue
            yield from (f"- {_cut(line)}" for line in wanted[low:high])
            yield from (f"+ {_cut(line)}" for line in found[from_:to])


def _words(wanted: Sequence[str], found: Sequence[str]) -> list[str]:
    start = _same(wanted, found)
    compared = slice(start, start + _COMPARED)
    told = [_near_end("".join(wanted[:start]))]
    matcher = difflib.SequenceMatcher(None, wanted[compared], found[compared], autojunk=False)
    if not start and matcher.ratio() < _ALIKE:
        return [f"- {_cut(''.join(wanted))}", f"+ {_cut(''.join(found))}"]
    for tag, low, high, from_, to in matcher.get_opcodes():
        gone = "".join(wanted[compared][low:high])
        come = "".join(found[compared][from_:to])
        if tag == "equal":
            told.append(_middle(gone))
        else:
            told += [f"[-{_cut(gone)}-]"] * bool(gone) + [f"{{+{_cut(come)}+}}"] * bool(come)
    if max(len(wanted), len(found)) > compared.stop:
        told.append("...")
    return ["".join(told)]


def _same(wanted: Sequence[str], found: Sequence[str]) -> int:
    """Count how many items are equal from the first on."""
    pairs = enumerate(zip(wanted, found, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(wanted), len(found)))


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[:_WIDEST]}..."


def _middle(text: str) -> str:
    """Keep both ends of what is equal."""
    return text if len(text) <= 2 * _CONTEXT else f"{text[:_CONTEXT]} ... {text[-_CONTEXT:]}"


def _near_end(text: str) -> str:
    return text if len(text) <= _CONTEXT else f"... {text[-_CONTEXT:]}"
