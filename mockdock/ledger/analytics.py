"""Figures by hour, and by what they are grouped by."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, get_args

from mockdock.accounts import Figures, Group, Hour, Span
from mockdock.errors import UsageError
from mockdock.question import GroupBy

__all__ = ["TPS", "by_hour", "grouped"]

_HOUR_US = 3_600_000_000
_MOST_KEYS = 32

TPS = """CASE
    WHEN output_tokens > 0 AND duration_ms >= 0.001 AND status < 400 AND NOT error
        THEN output_tokens * 1000.0 / duration_ms
END"""
"""Output tokens per second of an exchange, as SQL."""
_TPOT = """CASE
    WHEN error OR status >= 400 THEN NULL
    WHEN output_tokens > 1 AND ttft_ms <= duration_ms
        THEN (duration_ms - ttft_ms) / (output_tokens - 1)
    WHEN output_tokens > 0 THEN duration_ms / output_tokens
END"""
_MEASURES = {"duration": "duration_ms", "ttft": "ttft_ms", "tps": TPS, "tpot": _TPOT}
_AGGREGATES = ", ".join(
    (
        "sum(cost), count(*), sum(duration_ms), sum(input_tokens), sum(output_tokens), sum(error)",
        *(f"coalesce(avg({each}), 0.0), quantiles({each})" for each in _MEASURES.values()),
    )
)
_COLUMNS: dict[str, str] = {
    "provider": "provider",
    "model": "model",
    "user": "coalesce(exchange.user_id, '')",
    "thread": "coalesce((SELECT id FROM thread WHERE thread.key = exchange.thread), '')",
    "run": "coalesce(run, '')",
    "label": "coalesce(label, '')",
    "api": "api",
}


def by_hour(connection: sqlite3.Connection, project: str, span: Span) -> tuple[Hour, ...]:
    """Give figures for each hour that an exchange began in, the first hour first."""
    hour = f"started_us - started_us % {_HOUR_US}"
    found = connection.execute(
        f"SELECT {hour}, {_AGGREGATES} FROM exchange "  # noqa: S608 - ours
        "WHERE project = ? AND started_us BETWEEN ? AND ? GROUP BY 1 ORDER BY 1",
        (project, *span),
    )
    return tuple(Hour(begun, _figures(rest)) for begun, *rest in found)


def grouped(
    connection: sqlite3.Connection,
    project: str,
    span: Span,
    group_by: Sequence[GroupBy],
    tag_keys: Sequence[str],
) -> tuple[Group, ...]:
    """Give figures for each group, ordered by ``tag_tuple``.

    ``tag_tuple`` has a value for each of ``group_by``; "tag" stands for the values
    of the ``tag_keys``, one each. Exchanges with none of these tags are left out;
    a value that is not there is empty. Raises UsageError for what cannot be
    grouped by.
    """
    _check(group_by, tag_keys)
    columns: list[str] = []
    for each in group_by:
        if each == "tag":
            columns += [f"coalesce(tag{n}.value, '')" for n in range(len(tag_keys))]
        else:
            columns.append(_COLUMNS[each])
    used = tag_keys if "tag" in group_by else ()
    joins = " ".join(
        f"LEFT JOIN tag AS tag{n} ON tag{n}.exchange = exchange.number AND tag{n}.key = ?"
        for n in range(len(used))
    )
    tagged = " OR ".join(f"tag{n}.value IS NOT NULL" for n in range(len(used))) or "1"
    places = ", ".join(str(n + 1) for n in range(len(columns)))
    found = connection.execute(
        f"SELECT {', '.join(columns)}, {_AGGREGATES} FROM exchange {joins} "  # noqa: S608 - ours
        f"WHERE project = ? AND started_us BETWEEN ? AND ? AND ({tagged}) "
        f"GROUP BY {places} ORDER BY {places}",
        (*used, project, *span),
    )
    width = len(columns)
    return tuple(Group(tuple(row[:width]), _figures(row[width:])) for row in found)


def _check(group_by: Sequence[GroupBy], tag_keys: Sequence[str]) -> None:
    if not group_by:
        raise UsageError("a summary is grouped by something; group_by is empty")
    for each in group_by:
        if each not in get_args(GroupBy):
            raise UsageError(
                f"a summary is not grouped by {each!r}; there are {', '.join(get_args(GroupBy))}"
            )
    if len(set(group_by)) < len(group_by):
        raise UsageError("a summary is grouped by each thing once")
    if "tag" in group_by and not 1 <= len(tag_keys) <= _MOST_KEYS:
        raise UsageError(f"a summary by tag needs 1 to {_MOST_KEYS} tag_keys")


def _figures(row: Sequence[Any]) -> Figures:
    cost, count, duration, inputs, outputs, errors, *measured = row
    measures: dict[str, float] = {}
    for name, mean, levels in zip(_MEASURES, measured[::2], measured[1::2], strict=True):
        p99, p95, p90, p50 = (0.0,) * 4 if levels is None else json.loads(levels)
        measures |= {
            name: mean,
            f"{name}_p99": p99,
            f"{name}_p95": p95,
            f"{name}_p90": p90,
            f"{name}_p50": p50,
        }
    return Figures(
        total_cost=cost,
        total_requests=count,
        total_duration=duration,
        total_input_tokens=inputs,
        total_output_tokens=outputs,
        error_rate=100 * errors / count,
        error_request_count=errors,
        avg_duration=measures["duration"],
        avg_ttft=measures["ttft"],
        **measures,
    )
