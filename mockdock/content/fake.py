"""Facts as Faker makes them: one generator per thread, driven by the caller's chance."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from faker import Faker

__all__ = ["facts"]


class _Shelf(threading.local):
    """The generator of one thread: two threads never draw from the same one."""

    made: Faker | None = None


_shelf = _Shelf()


def facts(rng: random.Random) -> Faker:
    """Give a generator of names, addresses and the like that draws from ``rng``."""
    made = _shelf.made
    if made is None:
        from faker import Factory  # noqa: PLC0415  # slow to import, and most runs need none

        # A bare generator lacks the proxy's cost per call but has the same methods.
        made = _shelf.made = cast("Faker", Factory.create("en_US"))
    setattr(made, "random", rng)  # noqa: B010  # the stub of Faker leaves the attribute out
    return made
