"""What is about to be delivered, as faults see it and change it."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import chain, islice
from random import Random
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from mockdock.fault import After
from mockdock.frames import Cut, Frame, Head, Raw

__all__ = [
    "DONE",
    "Item",
    "Plan",
    "Timed",
    "apart",
    "divide",
    "instead",
    "is_done",
    "offset",
    "pieces",
    "rearrange",
    "until",
]

Item = Frame | Raw | Cut
Timed = Iterator[tuple[float, Item]]

DONE = b"data: [DONE]"


class Plan(Struct, frozen=True):
    """A head and what follows it, each with the moment it is due.

    ``start`` is when the request arrived; all moments are scenario seconds.
    ``stream`` tells events from a plain reply. ``error`` is the JSON body of
    the provider's server error, ``path`` the path asked for, to which a redirect leads.
    """

    head: Head
    timed: Timed
    start: float
    stream: bool
    rng: Random
    error: bytes = b'{"error":{"message":"The server had an error","type":"server_error"}}'
    path: str = "/"

    def header(self, name: bytes) -> bytes | None:
        """Give the value of a header, by its lower-case name."""
        return next((value for key, value in self.head.headers if key.lower() == name), None)

    def titled(self, name: bytes, value: bytes | None) -> Self:
        """Replace a header, add it, or with None leave it out."""
        rest = tuple(pair for pair in self.head.headers if pair[0].lower() != name)
        added = () if value is None else ((name, value),)
        return replace(self, head=Head(self.head.status, (*rest, *added)))


def divide(item: Frame | Raw, at: int) -> tuple[Frame | Raw, Frame | Raw]:
    """Cut an item in two after so many bytes; tokens are shared out in proportion."""
    tokens = item.tokens * at // max(len(item.data), 1)
    rest = replace(item, data=item.data[at:], tokens=item.tokens - tokens)
    return replace(item, data=item.data[:at], tokens=tokens), rest


def pieces(item: Frame | Raw, size: int) -> Iterator[Frame | Raw]:
    """Cut an item into pieces of ``size`` bytes and a last one; tokens are shared out.

    An empty item is one piece.
    """
    length = max(len(item.data), 1)
    told = 0
    for start in range(0, length, size):
        data = item.data[start : start + size]
        tokens = item.tokens * min(start + size, length) // length
        yield replace(item, data=data, tokens=tokens - told)
        told = tokens


def apart(item: Frame | Raw) -> Frame | Raw:
    """Let an item leave in a segment of its own, as raw bytes do anyway."""
    return replace(item, flush=True) if isinstance(item, Frame) else item


def instead(plan: Plan, *items: Item) -> Timed:
    """Give these items at the moment the reply would have begun, and nothing of the reply."""
    due = next((due for due, _ in plan.timed), plan.start)
    for item in items:
        yield due, item


def is_done(item: Item) -> bool:
    """Tell whether an item is the event that ends a stream."""
    return isinstance(item, Frame) and DONE in item.data.splitlines()


def until(
    plan: Plan, after: After, *, whole: bool = False
) -> Generator[tuple[float, Item], None, tuple[float, Timed] | None]:
    """Give what comes before a place; return its moment, and what comes after it.

    Without a place it is the middle of the body, by bytes. Unless the place is
    a time, the head has left when it is reached. Returns None when the reply
    ends before. In a plain reply, tokens are a share of its bytes. With
    ``whole`` no item is cut in two: the place is before the one that holds it.
    """
    timed = plan.timed
    if after == After():
        items = list(timed)
        length = sum(len(item.data) for _, item in items)
        timed, after = iter(items), After(bytes=length // 2)
    passed = _Passed(after, plan)
    for due, item in timed:
        if isinstance(item, Cut):
            yield due, item
            return None
        room = passed.room(due, item)
        if room is None:
            passed.add(due, item)
            yield due, item
            continue
        rest = item
        if room and not whole:
            part, rest = divide(item, room)
            passed.add(due, part)
            yield due, part
        elif passed.moment is None and after.time is None:
            yield due, Frame(b"", flush=True)
        return passed.place(due), chain(((due, rest),), timed)
    return (passed.place(plan.start), timed) if passed.reached else None


def offset(plan: Plan, items: Sequence[tuple[float, Item]], after: After) -> int | None:
    """Tell how many bytes of the body come before a place, None when it is not reached."""
    places: list[object] = []

    def before() -> Timed:
        places.append((yield from until(replace(plan, timed=iter(items)), after)))

    passed = sum(len(item.data) for _, item in before())
    return None if places == [None] else passed


def rearrange(
    plan: Plan, after: After, count: int, change: Callable[[list[tuple[float, Item]]], Timed]
) -> Timed:
    """Change so many whole items after a place; where it is never reached, none."""
    place = yield from until(plan, after, whole=True)
    if place is not None:
        _, rest = place
        yield from change(list(islice(rest, count)))
        yield from rest


class _Passed:
    """What has passed of a reply, on the way to a place."""

    def __init__(self, after: After, plan: Plan) -> None:
        self._after = after
        self._plain = not plan.stream
        self._time = math.inf if after.time is None else plan.start + after.time
        self._tokens = self._chunks = self._bytes = 0
        self.moment: float | None = None

    def add(self, due: float, item: Frame | Raw) -> None:
        self._tokens += item.tokens
        self._chunks += bool(item.data)
        self._bytes += len(item.data)
        self.moment = due

    @property
    def reached(self) -> bool:
        tokens, chunks, size = self._after.tokens, self._after.chunks, self._after.bytes
        return (
            (tokens is not None and self._tokens >= tokens)
            or (chunks is not None and self._chunks >= chunks)
            or (size is not None and self._bytes >= size)
        )

    def room(self, due: float, item: Frame | Raw) -> int | None:
        """Tell how many bytes of an item come before the place, None when all do."""
        if self.reached or due > self._time:
            return 0
        size, tokens = len(item.data), self._after.tokens
        left = size
        if self._after.bytes is not None:
            left = self._after.bytes - self._bytes
        elif tokens is not None and self._plain and item.tokens:
            left = size * (tokens - self._tokens) // item.tokens
        return None if left >= size else left

    def place(self, due: float) -> float:
        """Give the moment of the place; ``due`` is that of what comes next."""
        if self._after.time is not None:
            return self._time
        return due if self.moment is None else self.moment
