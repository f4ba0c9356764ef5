"""An exchange as Redis keeps it: the record of it that outsiders see."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from enum import IntFlag
from typing import Any

import orjson

from mockdock.observe import Entry, Exchange, record
from mockdock.reply import Failure
from mockdock.request import Request
from mockdock.shared.packing import unpack_text

__all__ = ["Mark", "Written", "marks_of", "unpack_page", "unpack_raised", "written"]


class Mark(IntFlag):
    """What is known of an exchange without reading its record; journal.lua knows most of them."""

    MISSED = 1
    LATE = 2
    FAILED = 4
    BROKEN = 8
    CAUSED = 16
    PARSED = 32


class Written:
    """A record with its number; secrets are hidden in it, whoever wants them."""

    __slots__ = ("_marks", "_text", "number", "session")

    def __init__(self, number: int, session: str, marks: int, text: bytes) -> None:
        self.number = number
        self.session = session
        self._marks = marks
        self._text = text

    @property
    def missed(self) -> bool:
        """Whether it went past every rule, or past every path there is."""
        return bool(self._marks & Mark.MISSED)

    @property
    def late(self) -> bool:
        """Whether its session began anew meanwhile, or was closed."""
        return bool(self._marks & Mark.LATE)

    @property
    def answered_by(self) -> str:
        """What had the largest hand in the answer: a rule, or trouble; else empty."""
        made = self.record()
        return str(made["rule"] or made["trouble"])

    @property
    def rule_key(self) -> str | None:
        """The key of the rule that answered, as it was then; None where none did."""
        key: str | None = self.record()["rule_key"]
        return key

    def request(self, read: Callable[[Mapping[str, Any]], Request | None]) -> Request | None:
        """Read the request off the record, None where it could not be parsed."""
        return read(self.record()) if self._marks & Mark.PARSED else None

    def record(self, *, secrets: bool = False) -> dict[str, Any]:  # noqa: ARG002 - there are none
        """Give the record; wherever secrets were, it says so."""
        try:
            made: dict[str, Any] = orjson.loads(self._text)
        except orjson.JSONDecodeError:
            made = json.loads(self._text)
        made["number"] = self.number
        return made


def written(exchange: Exchange) -> bytes:
    """Write the record of an exchange, whose number is not known yet."""
    made = record(Entry(0, exchange))
    try:
        return orjson.dumps(made)
    except orjson.JSONEncodeError:
        # Halves of pairs of surrogates and large numbers, which the other JSON takes.
        return json.dumps(made).encode()


def marks_of(exchange: Exchange) -> Mark:
    """Tell what is to be known of an exchange without reading its record."""
    reply, request = exchange.reply, exchange.request
    marks = Mark(0)
    if exchange.faults:
        marks |= Mark.BROKEN
    if exchange.late:
        marks |= Mark.LATE
    if request is not None:
        marks |= Mark.PARSED
    if isinstance(reply, Failure):
        marks |= Mark.FAILED
        if exchange.missed:
            marks |= Mark.MISSED
        if reply.cause is not None:
            marks |= Mark.CAUSED
    return marks


def unpack_page(told: bytes) -> tuple[int, list[Written]]:
    """Read a page of what is kept, and the newest number of all there is."""
    head, _, body = told.partition(b"\n")
    newest, *words = map(int, head.split())
    return newest, list(_cut(words, body))


def unpack_raised(told: bytes) -> Written:
    """Read where a function raised."""
    head, _, body = told.partition(b"\n")
    number, marks, named = map(int, head.split())
    return Written(number, unpack_text(body[:named]), marks, body[named:])


def _cut(words: list[int], body: bytes) -> Iterator[Written]:
    at = 0
    fours = [iter(words)] * 4
    for number, marks, named, recorded in zip(*fours, strict=True):
        middle = at + named
        session = unpack_text(body[at:middle])
        at = middle + recorded
        yield Written(number, session, marks, body[middle:at])
