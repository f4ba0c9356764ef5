"""What the accounts of a scenario begin with, and whether they have it already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from mockdock.accounts import micros
from mockdock.content.catalogue import Catalogue
from mockdock.later import later
from mockdock.ledger import Accounts

if TYPE_CHECKING:
    from mockdock.scenario.langdb import LangDBSpec

__all__ = ["Seedbed"]

Makers = Mapping[str, Callable[[int], Any]]

_makers: Callable[[LangDBSpec, Catalogue, int], tuple[str, Makers]] = later("engine.seeding:makers")


class Seedbed:
    """What the accounts of a scenario begin with, and the books it is sown in.

    Each thread, model, price, past exchange and history is sown once in the life of
    a session or a file. One that is changed counts as another one.
    """

    def __init__(
        self, said: LangDBSpec | None, books: Accounts, catalogue: Catalogue, seed: int
    ) -> None:
        self._said = said
        self._books = books
        self._catalogue = catalogue
        self._seed = seed

    def is_due(self, session: str) -> bool:
        """Tell whether a session has still to be sown; quick."""
        name, makers = self._sown
        return bool(makers) and not self._books.is_seeded(session, name)

    def sow(self, session: str, now: float) -> None:
        """Sow what a session lacks; may take a while. ``now`` is in seconds since 1970.

        Raises LedgerError where that cannot be written, and UsageError where it cannot be.
        """
        name, makers = self._sown
        if makers:
            now_us = micros(now)
            parts = {part: partial(make, now_us) for part, make in makers.items()}
            self._books.seed(session, name, parts)

    @cached_property
    def _sown(self) -> tuple[str, Makers]:
        """The name of all parts together, and what makes each at a moment, by its own."""
        if self._said is None:
            return "", {}
        return _makers(self._said, self._catalogue, self._seed)
