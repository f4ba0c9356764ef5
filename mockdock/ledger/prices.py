"""Prices of models, and from when they hold."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from mockdock.errors import UsageError
from mockdock.ledger.models import named
from mockdock.question import Price

__all__ = ["Ladder", "ladder", "price_in", "prices_at", "set_prices"]

_MOST = 100_000


Ladder = tuple[tuple[tuple[int, Price | None], ...], ...]
"""Prices of a model: groups of them, the first one that has any at a moment wins.

In each, when a price begins to hold and what it is (None: not known), newest first.
"""


def set_prices(
    connection: sqlite3.Connection, project: str, prices: Mapping[str, Price], at_us: int
) -> None:
    """Keep prices of a project, by names such as "bedrock/some-model".

    Each holds from its own moment on, or from ``at_us`` where it has none. One
    that holds from the same moment is replaced. Raises UsageError beyond 100,000,
    those replaced among them.
    """
    count = connection.execute("SELECT count(*) FROM price").fetchone()[0]
    if count + len(prices) > _MOST:
        raise UsageError(f"a ledger keeps at most {_MOST} prices, those replaced among them")
    connection.executemany(
        "INSERT OR REPLACE INTO price VALUES (?, ?, ?, ?, ?)",
        [
            (
                *(project, model, at_us if price.valid_from_us is None else price.valid_from_us),
                *(price.per_input_token, price.per_output_token),
            )
            for model, price in prices.items()
        ],
    )


def prices_at(connection: sqlite3.Connection, project: str, at_us: int) -> dict[str, Price]:
    """Give the prices set for a project that hold at a moment, by their names in order."""
    found = connection.execute(
        "SELECT model, per_input_token, per_output_token, max(valid_from_us) FROM price "
        "WHERE project = ? AND valid_from_us <= ? GROUP BY model ORDER BY model",
        (project, at_us),
    )
    return {model: Price(*rest) for model, *rest in found}


def ladder(connection: sqlite3.Connection, project: str, provider: str, model: str) -> Ladder:
    """Give all there is to know of the price of a model, at any time."""
    rungs = [
        connection.execute(
            "SELECT valid_from_us, per_input_token, per_output_token FROM price "
            "WHERE project = ? AND model = ? ORDER BY valid_from_us DESC",
            (project, name),
        ).fetchall()
        for name in (f"{provider}/{model}", model)
    ]
    made = [
        (each.project_id == project, (each.created_us, *(each.per_million or (None, None))))
        for each in named(connection, project, model, owner=provider)
    ]
    rungs += [[row for own, row in made if own is wanted] for wanted in (True, False)]
    return tuple(
        tuple(
            (since, None if first is None else Price(first, second, since))
            for since, first, second in rung
        )
        for rung in rungs
    )


def price_in(steps: Ladder, at_us: int) -> Price | None:
    """Give the price that holds at a moment, None where none is known.

    A price set for "provider/model" wins over one set for "model", and both win
    over that of a model made in the project, or else in another one and public.
    """
    for rung in steps:
        for since, price in rung:
            if since <= at_us:
                return price
    return None
