"""What a ledger holds before there was any traffic."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from mockdock.accounts import Said
from mockdock.ledger.batch import Batch
from mockdock.ledger.entry import Entry
from mockdock.ledger.models import create
from mockdock.ledger.prices import set_prices
from mockdock.ledger.rows import write
from mockdock.question import NewModel, Price

__all__ = ["PastPrices", "PastThread", "Seeds", "is_sown", "sow"]


class PastThread(Struct, frozen=True):
    """A thread that is there, with its messages and no usage of its own.

    All of its messages are dated ``created_us``. Past usage may name the thread too.
    """

    project: str
    id: str
    model_name: str
    created_us: int
    title: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    score: float | None = None
    public: bool = False
    messages: tuple[Said, ...] = ()


class PastPrices(Struct, frozen=True):
    """Prices of a project, by model; those without a moment of their own hold from ``at_us``."""

    project: str
    prices: Mapping[str, Price]
    at_us: int = 0


class Seeds(Struct, frozen=True):
    """What is to be there: threads, models and when they were made, prices, and past usage.

    ``entries`` may be long, such as what :func:`history` gives.
    """

    threads: tuple[PastThread, ...] = ()
    models: tuple[tuple[NewModel, int], ...] = ()
    prices: tuple[PastPrices, ...] = ()
    entries: Iterable[Entry] = field(default=())


def is_sown(connection: sqlite3.Connection, name: str) -> bool:
    """Tell whether seeds of this name are there."""
    found = connection.execute("SELECT 1 FROM seeded WHERE name = ?", (name,)).fetchone()
    return found is not None


def sow(connection: sqlite3.Connection, name: str, seeds: Seeds) -> list[str] | None:
    """Write seeds inside a transaction, and give why some of the entries cannot be kept.

    None where seeds of this name are there already. Entries of seeds have numbers
    below those of all traffic, so they are the first to be forgotten.
    """
    if is_sown(connection, name):
        return None
    connection.execute("INSERT INTO seeded VALUES (?)", (name,))
    entries = list(seeds.entries)
    lowest = connection.execute("SELECT min(0, coalesce(min(number), 0)) FROM exchange").fetchone()
    for model, created_us in seeds.models:
        create(connection, model, created_us)
    for each in seeds.prices:
        set_prices(connection, each.project, each.prices, each.at_us)
    first = lowest[0] - len(entries)
    for thread in seeds.threads:
        _hold(connection, first, thread)
    return write(connection, enumerate(entries, first))


def _hold(connection: sqlite3.Connection, number: int, thread: PastThread) -> None:
    entry = Entry(
        project=thread.project,
        provider="",
        model=thread.model_name,
        started_us=thread.created_us,
        thread=thread.id,
        user_id=thread.user_id,
        user_name=thread.user_name,
        title=thread.title,
        public=thread.public,
        messages=thread.messages,
    )
    batch = Batch(connection, (entry,))
    batch.say(batch.hold(number, entry, thread.score), entry)
    batch.flush()
