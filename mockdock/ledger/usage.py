"""Usage of models: in all, and by hour, day or month."""

from __future__ import annotations

import sqlite3
from math import fsum

from mockdock.accounts import ModelUsage, Span, TotalUsage, UnitUsage, Usage
from mockdock.ledger.prices import ladder, price_in
from mockdock.question import Unit

__all__ = ["by_unit", "in_all"]

_SUMS = "coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0), total(cost)"
_WITHIN = "FROM exchange WHERE project = ? AND started_us BETWEEN ? AND ?"
_STARTS: dict[Unit, str] = {
    "hour": "started_us - started_us % 3600000000",
    "day": "started_us - started_us % 86400000000",
    "month": (
        "CAST(strftime('%s', started_us / 1000000, 'unixepoch', 'start of month') AS INTEGER)"
        " * 1000000"
    ),
}


def in_all(connection: sqlite3.Connection, project: str, span: Span) -> TotalUsage:
    """Give the usage of each model, by provider and name, and of all together."""
    models = connection.execute(
        f"SELECT provider, model, {_SUMS} {_WITHIN} GROUP BY 1, 2 ORDER BY 1, 2",
        (project, *span),
    ).fetchall()
    return TotalUsage(
        tuple(
            ModelUsage(
                provider,
                model,
                Usage(*sums),
                price_in(ladder(connection, project, provider, model), span.end_us),
            )
            for provider, model, *sums in models
        ),
        Usage(
            sum(row[2] for row in models),
            sum(row[3] for row in models),
            fsum(row[4] for row in models),
        ),
    )


def by_unit(
    connection: sqlite3.Connection, project: str, span: Span, unit: Unit
) -> tuple[UnitUsage, ...]:
    """Give the usage of each model in each hour, day or month (UTC) that has any, in order."""
    found = connection.execute(
        f"SELECT {_STARTS[unit]}, provider, model, {_SUMS} {_WITHIN} "
        "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        (project, *span),
    )
    return tuple(
        UnitUsage(begun, provider, model, Usage(*sums)) for begun, provider, model, *sums in found
    )
