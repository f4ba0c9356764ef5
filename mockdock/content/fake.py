"""Faker generators, one of each kind per thread, driven by the caller's chance."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from faker import Faker

__all__ = ["english", "facts", "latin"]

_LOREM = ["faker.providers.lorem"]


class _Shelf(threading.local):
    """Generators of one thread: two threads never draw from the same one."""

    def __init__(self) -> None:
        self.made: dict[str, Faker] = {}


_shelf = _Shelf()


def _take(locale: str, rng: random.Random, providers: list[str] | None) -> Faker:
    key = f"{locale}:{'all' if providers is None else 'lorem'}"
    made = _shelf.made.get(key)
    if made is None:
        from faker import Factory  # noqa: PLC0415  # slow to import, and most runs need none

        # A bare generator lacks the proxy's cost per call but has the same methods.
        made = cast("Faker", Factory.create(locale, providers=providers))
        _shelf.made[key] = made
    setattr(made, "random", rng)  # noqa: B010  # the stub of Faker leaves the attribute out
    return made


def english(rng: random.Random) -> Faker:
    """Give a generator of English words and sentences that draws from ``rng``."""
    return _take("en_US", rng, _LOREM)


def latin(rng: random.Random) -> Faker:
    """Give a generator of Latin words and sentences that draws from ``rng``."""
    return _take("la", rng, _LOREM)


def facts(rng: random.Random) -> Faker:
    """Give a generator of names, addresses and the like that draws from ``rng``."""
    return _take("en_US", rng, None)
