"""What the traffic of a project tells of its models."""

from __future__ import annotations

import sqlite3

from mockdock.ledger.analytics import TPS
from mockdock.routing import Metrics

__all__ = ["metrics_of"]

_MEASURED = f"""count(*), avg(CASE WHEN NOT error THEN duration_ms END), avg(ttft_ms),
avg({TPS}), avg(error)"""


def metrics_of(connection: sqlite3.Connection, project: str) -> dict[tuple[str, str], Metrics]:
    """Give what is measured of each model that chats, by provider and name; of all time."""
    found = connection.execute(
        f"SELECT provider, model, {_MEASURED} "  # noqa: S608 - ours
        "FROM exchange WHERE project = ? AND api = 'chat' GROUP BY 1, 2",
        (project,),
    )
    return {(provider, model): Metrics(*measured) for provider, model, *measured in found}
