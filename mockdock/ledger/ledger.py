"""The ledger: what is added, and what is asked."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar, cast

from mockdock.accounts import (
    Group,
    Hour,
    Model,
    Span,
    StoredMessage,
    Thread,
    ThreadCost,
    ThreadPage,
    TotalUsage,
    UnitUsage,
)
from mockdock.ledger import analytics, models, prices, threads, usage
from mockdock.ledger.entry import Entry
from mockdock.ledger.forgetting import forget
from mockdock.ledger.metrics import Tallies
from mockdock.ledger.seeds import Seeds, is_sown, sow
from mockdock.ledger.store import Store
from mockdock.question import GroupBy, NewModel, Price, Unit
from mockdock.routing import Metrics

__all__ = ["Ledger"]

_MEMORY_BYTES = 256_000_000
_FILE_BYTES = 4_000_000_000
_MOST_KNOWN = 10_000
_LONGEST_KNOWN = 5_000
"""Letters of names: a client may ask for a model by any text."""

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger("mockdock")


class Ledger:
    """Keeps every exchange of every project, and answers questions about them.

    In memory where ``path`` is None, else in the SQLite database there, which is
    made where it is not and locked until :meth:`close`. Raises LedgerError for a
    file that cannot be opened, is in use, or is not a ledger of this version.

    Once :meth:`add` has returned an exchange of a file survives the death of the
    process. What goes wrong then is told by ``say`` (the log of "mockdock" where
    there is none), once for each reason. Beyond ``most_bytes`` (256 MB in memory,
    4 GB in a file) the threads longest unused are forgotten.

    Every question counts what was added before, and raises LedgerError where that
    cannot be written or read. Any thread may call any method. Times are in
    microseconds since 1970; none is taken from a clock.

    >>> with Ledger() as ledger:
    ...     ledger.add(Entry("p", "openai", "gpt-4o", started_us=0, thread="t", cost=0.5))
    ...     ledger.cost("p", "t")
    ThreadCost(total_cost=0.5, total_output_tokens=0, total_input_tokens=0)
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        most_bytes: int | None = None,
        say: Callable[[str], None] = _log.warning,
    ) -> None:
        usual = _MEMORY_BYTES if path is None else _FILE_BYTES
        self._say = say
        self._known: dict[object, object] = {}
        self._tallies = Tallies()
        self._store = Store(path, usual if most_bytes is None else most_bytes, say)

    def add(self, entry: Entry) -> None:
        """Take an exchange; quick, and never raises for a disk or a ledger that is closed."""
        self._store.add(entry)

    def seed(self, name: str, seeds: Seeds) -> bool:
        """Write what is to be there before all traffic, all of it or nothing.

        Seeds of a name are sown once in the life of a file: a second time does
        nothing and gives False.
        """
        with self._store.writing() as connection:
            refused = sow(connection, name, seeds)
            self._tallies.forget()
        self._known.clear()
        for reason in refused or ():
            self._say(f"seeds {name!r}: {reason}")
        return refused is not None

    def is_sown(self, name: str) -> bool:
        """Tell whether seeds of a name have been written."""
        with self._store.looking() as connection:
            return is_sown(connection, name)

    def forget(self, prefix: str) -> None:
        """Forget all of the projects whose ids begin so, and the names of seeds that do."""
        with self._store.writing() as connection:
            forget(connection, prefix)
            self._tallies.forget()
        self._known.clear()

    def flush(self) -> None:
        """Write all that was added to the database."""
        with self._store.reading():
            pass

    def close(self) -> None:
        """Write all that was added, and let go of the file. A second time does nothing."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def threads(self, project: str, *, limit: int, offset: int = 0) -> ThreadPage:
        """Give some threads of a project, those created last first."""
        with self._store.reading() as connection:
            return threads.page(connection, project, limit, offset)

    def thread(self, project: str, thread: str) -> Thread | None:
        """Give a thread, None where the project has none of this id."""
        with self._store.reading() as connection:
            return threads.thread_of(connection, project, thread)

    def messages(self, project: str, thread: str) -> tuple[StoredMessage, ...] | None:
        """Give the messages of a thread in the order they were added, None for no such thread."""
        with self._store.reading() as connection:
            return threads.messages_of(connection, project, thread)

    def cost(self, project: str, thread: str) -> ThreadCost | None:
        """Sum up the exchanges of a thread, None for no such thread."""
        with self._store.reading() as connection:
            return threads.cost_of(connection, project, thread)

    def analytics(self, project: str, span: Span) -> tuple[Hour, ...]:
        """Give figures for each hour (UTC) that an exchange began in, the first hour first."""
        with self._store.reading() as connection:
            return analytics.by_hour(connection, project, span)

    def summary(
        self,
        project: str,
        span: Span,
        group_by: Sequence[GroupBy],
        tag_keys: Sequence[str] = (),
    ) -> tuple[Group, ...]:
        """Give figures for each group, ordered by ``tag_tuple``.

        ``tag_tuple`` has a value for each of ``group_by``; "tag" stands for the values
        of the ``tag_keys``, one each. Exchanges with none of these tags are left
        out; a value that is not there is empty. Raises UsageError for what cannot
        be grouped by.
        """
        with self._store.reading() as connection:
            return analytics.grouped(connection, project, span, group_by, tag_keys)

    def usage(self, project: str, span: Span) -> TotalUsage:
        """Give the usage of each model, by provider and name, and of all together."""
        with self._store.reading() as connection:
            return usage.in_all(connection, project, span)

    def usage_by(self, project: str, span: Span, unit: Unit) -> tuple[UnitUsage, ...]:
        """Give the usage of each model in each hour, day or month (UTC) that has any, in order."""
        with self._store.reading() as connection:
            return usage.by_unit(connection, project, span, unit)

    def metrics(self, project: str) -> dict[tuple[str, str], Metrics]:
        """Give what is measured of each model that chats, by provider and name; of all time."""
        with self._store.reading() as connection:
            return self._tallies.of(connection, project)

    def create_model(self, new: NewModel, created_us: int) -> Model:
        """Make a model, which holds from then on, in place of one of the same owner and name.

        Raises UsageError beyond 10,000.
        """
        with self._store.writing() as connection:
            made = models.create(connection, new, created_us)
        self._known.clear()
        return made

    def models(self, project: str) -> tuple[Model, ...]:
        """Give the models made in a project and the public ones of others, by priority.

        Of those with the same owner and name the latest; the project's own wins.
        """
        with self._store.looking() as connection:
            return models.visible(connection, project)

    def model(self, project: str, name: str, *, owner: str | None = None) -> Model | None:
        """Give the model a name means in a project, None where there is none; quick.

        Where several have the name, the project's own come first, then the latest.
        """
        found = self._recall(models.named, project, name, owner=owner)
        return found[0] if found else None

    def set_prices(self, project: str, new: Mapping[str, Price], at_us: int) -> None:
        """Set prices of a project by names such as "bedrock/some-model".

        Each holds from its own moment on, or from ``at_us`` where it has none.
        Raises UsageError beyond 100,000.
        """
        with self._store.writing() as connection:
            prices.set_prices(connection, project, new, at_us)
        self._known.clear()

    def prices(self, project: str, at_us: int) -> dict[str, Price]:
        """Give the prices set for a project that hold at a moment, by name."""
        with self._store.looking() as connection:
            return prices.prices_at(connection, project, at_us)

    def price(self, project: str, provider: str, model: str, at_us: int) -> Price | None:
        """Give the price of a model at a moment, None where the ledger knows none; quick.

        A price set for "provider/model" wins over one set for "model", and both win
        over that of a model made in the project, or else in another one and public.
        """
        return prices.price_in(self._recall(prices.ladder, project, provider, model), at_us)

    def _recall(
        self,
        ask: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Ask the database, or remember what it said: this is asked for every request."""
        key = (ask, args, tuple(kwargs.items()))
        try:
            return cast("T", self._known[key])
        except KeyError:
            pass
        with self._store.looking() as connection:
            found = ask(connection, *args, **kwargs)
            if sum(map(len, map(str, args))) > _LONGEST_KNOWN:
                return found
            # Still under the lock: what is written next forgets it.
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[key] = found
        return found
