"""What a process knows of accounts and stored completions, by what the log tells."""

from __future__ import annotations

import itertools
import json
import logging
import secrets
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec import Struct

from mockdock.engine.stored import MemoryShelf
from mockdock.errors import MockdockError, StoreError
from mockdock.ledger import Books, Entry, Seeds
from mockdock.ledger.entry import decoded, encoded
from mockdock.shared.log import FORGET
from mockdock.shared.nouns import read, write
from mockdock.shared.packing import unpack_text

__all__ = ["Order", "Replica", "booked", "part_of"]

_BOOKED, _DONE, _LONG = b"B", b"D", b"L"
"""Kinds of items: exchanges, something done, and what takes a while to do."""

_log = logging.getLogger("mockdock")


def part_of(session: str, entries: Sequence[Entry]) -> bytes:
    """Write the exchanges of a session as a part of an item."""
    return f"[{json.dumps(session)},[{','.join(map(encoded, entries))}]]".encode()


def booked(parts: Sequence[bytes]) -> bytes:
    """Make an item of such parts."""
    return _BOOKED + b"[" + b",".join(parts) + b"]"


class Order(Struct, eq=False):
    """Something to be done by all: the item, and what came of it here, once it did."""

    item: bytes
    done: bool = False
    told: Any = None
    error: Exception | None = None

    def outcome(self) -> Any:
        """Give what came of it, or raise that. Raises StoreError where it was never done."""
        if self.error is not None:
            raise self.error
        if not self.done:
            raise StoreError("what was written to the store is gone: everything was forgotten")
        return self.told


class Replica:
    """Books and a shelf in memory that follow a log; see ``Follower``.

    All replicas that follow the same items in the same order tell the same.
    """

    def __init__(self) -> None:
        self.books = Books()
        self.shelf = MemoryShelf()
        self._name = secrets.token_hex(8)
        self._serials = itertools.count(1)
        self._orders: dict[str, Order] = {}
        self._verbs: Mapping[str, Callable[..., Any]] = {
            "ask": self.books.ask,
            "seed": self._seed,
            "reset books": self.books.reset,
            "keep": self.shelf.keep,
            "update": self.shelf.update,
            "remove": self.shelf.remove,
            "reset shelf": self.shelf.reset,
        }

    @contextmanager
    def ordered(self, verb: str, *args: Any, long: bool = False) -> Iterator[Order]:
        """Make an order, and note what comes of it here until the block ends."""
        name = f"{self._name}/{next(self._serials)}"
        order = self._orders[name] = Order(_item(name, verb, args, long=long))
        try:
            yield order
        finally:
            del self._orders[name]

    def item(self, verb: str, *args: Any) -> bytes:
        """Write what is to be done where nobody waits for what comes of it."""
        return _item("", verb, args, long=False)

    def follow(self, item: bytes) -> None:
        """Do what an item tells."""
        kind, data = item[:1], item[1:]
        try:
            if kind == _BOOKED:
                for session, entries in json.loads(data):
                    self.books.add(session, *map(decoded, entries))
            elif kind == FORGET:
                self._forget(unpack_text(data))
            else:
                self._do(*read(zlib.decompress(data) if kind == _LONG else data))
        except Exception:  # noqa: BLE001 - all others go on as well
            _log.exception("an item of the log that is shared cannot be followed")

    def begin(self) -> None:
        """Forget everything."""
        self._forget(None)

    def is_long(self, item: bytes) -> bool:
        """Tell whether to follow an item takes a while."""
        return item.startswith(_LONG)

    def _do(self, name: str, verb: str, args: tuple[Any, ...]) -> None:
        """Do an order; what comes of it concerns who gave it."""
        order = self._orders.get(name) or Order(b"")
        try:
            order.told = self._verbs[verb](*args)
        except MockdockError as error:
            order.error = error
        order.done = True

    def _forget(self, session: str | None) -> None:
        self.books.reset(session)
        self.shelf.reset(session)

    def _seed(self, session: str, name: str, parts: Mapping[str, Seeds]) -> None:
        self.books.seed(session, name, {part: _given(seeds) for part, seeds in parts.items()})


def _given(seeds: Seeds) -> Callable[[], Seeds]:
    return lambda: seeds


def _item(name: str, verb: str, args: tuple[Any, ...], *, long: bool) -> bytes:
    data = write((name, verb, args))
    return _LONG + zlib.compress(data) if long else _DONE + data
