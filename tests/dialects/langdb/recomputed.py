"""Every figure of LangDB's answers anew: plain Python over a journal, and no SQL.

It reads what a client sent and what it was told, and knows nothing of accounts or ledgers.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import fsum
from typing import Any
from urllib.parse import parse_qsl

from mockdock.embedding import Embeddings
from mockdock.observe import Exchange
from mockdock.reply import Completion

__all__ = [
    "Row",
    "costs",
    "hours",
    "rows_of",
    "summary",
    "threads",
    "units",
    "usage",
]

Price = tuple[float, float]
_OWNERS = {"claude-sonnet-4": "anthropic"}


@dataclass(frozen=True)
class Row:
    """What is known of an exchange; durations in milliseconds."""

    project: str
    provider: str
    model: str
    api: str
    thread: str
    run: str
    label: str
    user: str
    title: str
    tags: Mapping[str, str]
    started_us: int
    ended_us: int
    duration: float
    ttft: float | None
    inputs: int
    outputs: int
    cost: float
    error: bool


def rows_of(
    exchanges: Iterable[Exchange],
    *,
    first_token: Callable[[str], float],
    price: Callable[[str, str, str, int], Price],
) -> list[Row]:
    """Read what counts: requests for a model that were understood.

    ``first_token`` gives the milliseconds before an answer to a text begins, ``price``
    what a million tokens of a project's provider and model cost at a moment.
    """
    asked = [each for each in exchanges if each.path.endswith(("/completions", "/embeddings"))]
    return [_row(each, first_token, price) for each in asked if each.request is not None]


def _row(
    exchange: Exchange,
    first_token: Callable[[str], float],
    price: Callable[[str, str, str, int], Price],
) -> Row:
    headers, body = exchange.headers, json.loads(exchange.body)
    told = {name.decode(): value.decode() for name, value in exchange.head.headers}
    provider, slash, model = body["model"].partition("/")
    if not slash:
        provider, model = _OWNERS.get(provider, "openai"), provider
    project = headers["x-project-id"]
    started_us = round(exchange.started * 1_000_000)
    usage = exchange.reply.usage if isinstance(exchange.reply, Completion | Embeddings) else None
    inputs = usage.prompt_tokens if usage else 0
    outputs = usage.completion_tokens if usage else 0
    first, second = price(project, provider, model, started_us)
    user = (body.get("extra") or {}).get("user") or {}
    tags = dict(parse_qsl(headers.get("x-tags", ""), keep_blank_values=True))
    if user.get("tags"):
        tags["user_tags"] = ",".join(user["tags"])
    chat = exchange.path.endswith("/completions")
    streams = bool(usage and body.get("stream"))
    return Row(
        project=project,
        provider=provider,
        model=model,
        api="chat" if chat else "embeddings",
        thread=_thread(exchange, told.get("x-thread-id")) if chat else "",
        run=headers.get("x-run-id", ""),
        label=headers.get("x-label", ""),
        user=user.get("id", ""),
        title=headers.get("x-thread-title", ""),
        tags=tags,
        started_us=started_us,
        ended_us=started_us + round(exchange.duration * 1_000_000),
        duration=exchange.duration * 1000,
        ttft=first_token(body["messages"][-1]["content"]) if streams and outputs else None,
        inputs=inputs,
        outputs=outputs,
        cost=(inputs * first + outputs * second) / 1_000_000,
        error=exchange.status >= 400,
    )


def _thread(exchange: Exchange, told: str | None) -> str:
    """Give the thread that was sent or told; a failure without either tells none."""
    account = None if exchange.request is None else exchange.request.account
    assert account is not None
    return exchange.headers.get("x-thread-id") or told or account.thread


def _percentile(values: Sequence[float], level: float) -> float:
    """Interpolate between the two values next to the place (R-7)."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * level
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] * (1 - (place - below)) + ordered[above] * (place - below)


def _measure(name: str, values: Sequence[float]) -> dict[str, float]:
    levels = {99: 0.99, 95: 0.95, 90: 0.9, 50: 0.5}
    return {
        name: fsum(values) / len(values) if values else 0.0,
        **{
            f"{name}_p{number}": _percentile(values, level) if values else 0.0
            for number, level in levels.items()
        },
    }


def _per_token(row: Row) -> float:
    if row.ttft is not None and row.outputs > 1 and row.ttft <= row.duration:
        return (row.duration - row.ttft) / (row.outputs - 1)
    return row.duration / row.outputs


def figures(rows: Sequence[Row]) -> dict[str, Any]:
    """Give the figures of some exchanges, by the names of the specification."""
    failed = sum(row.error for row in rows)
    duration = _measure("duration", [row.duration for row in rows])
    ttft = _measure("ttft", [row.ttft for row in rows if row.ttft is not None])
    fast = [row for row in rows if row.outputs and row.duration >= 0.001]
    return {
        "total_cost": fsum(row.cost for row in rows),
        "total_requests": len(rows),
        "total_duration": fsum(row.duration for row in rows),
        "total_input_tokens": sum(row.inputs for row in rows),
        "total_output_tokens": sum(row.outputs for row in rows),
        "error_rate": failed / len(rows) * 100,
        "error_request_count": failed,
        "avg_duration": duration["duration"],
        "avg_ttft": ttft["ttft"],
        **duration,
        **ttft,
        **_measure("tps", [row.outputs / row.duration * 1000 for row in fast]),
        **_measure("tpot", [_per_token(row) for row in rows if row.outputs]),
    }


def _grouped(rows: Iterable[Row], key: Callable[[Row], Any]) -> list[tuple[Any, list[Row]]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return sorted(groups.items(), key=lambda item: item[0])


def _label(row: Row, form: str) -> str:
    return datetime.fromtimestamp(row.started_us // 1_000_000, UTC).strftime(form)


_HOUR = "%Y-%m-%d %H:00:00"


def hours(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Give the figures of each hour."""
    return [
        {"hour": hour, **figures(group), "tag_tuple": []}
        for hour, group in _grouped(rows, lambda row: _label(row, _HOUR))
    ]


def summary(
    rows: Iterable[Row], group_by: Sequence[str], tag_keys: Sequence[str]
) -> list[dict[str, Any]]:
    """Give the figures of each group."""

    def key(row: Row) -> tuple[str, ...]:
        values: list[str] = []
        for name in group_by:
            found = [row.tags.get(each, "") for each in tag_keys]
            values += found if name == "tag" else [getattr(row, name)]
        return tuple(values)

    if "tag" in group_by:
        rows = [row for row in rows if any(each in row.tags for each in tag_keys)]
    return [{"tag_tuple": [*names], **figures(group)} for names, group in _grouped(rows, key)]


def _used(rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "total_input_tokens": sum(row.inputs for row in rows),
        "total_output_tokens": sum(row.outputs for row in rows),
        "total_cost": fsum(row.cost for row in rows),
    }


def usage(rows: Sequence[Row], price: Callable[[str, str], Price]) -> dict[str, Any]:
    """Give the usage of each model and of all; ``price`` holds at the end of the time."""
    models = []
    for (provider, model), group in _grouped(rows, lambda row: (row.provider, row.model)):
        first, second = price(provider, model)
        prices = {"cost_per_input_token": first, "cost_per_output_token": second}
        models.append({"provider": provider, "model_name": model, **_used(group), **prices})
    return {"models": models, "total": _used(rows)}


_FORMS = {"hour": _HOUR, "day": "%Y-%m-%d", "month": "%Y-%m"}


def units(rows: Iterable[Row], unit: str) -> list[dict[str, Any]]:
    """Give the usage of each model in each unit of time."""
    found = _grouped(rows, lambda row: (_label(row, _FORMS[unit]), row.provider, row.model))
    return [
        {"hour": hour, "provider": provider, "model_name": model, **_used(group)}
        for (hour, provider, model), group in found
    ]


def threads(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Give the threads, those created last first; of those created at once the later one."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row.thread:
            found.setdefault(row.thread, []).append(row)
    made = [
        {
            "id": thread,
            "created_at": _moment(min(row.started_us for row in group)),
            "updated_at": _moment(max(row.ended_us for row in group)),
            "model_name": group[-1].model,
            "project_id": group[-1].project,
            "score": None,
            "title": _last(row.title for row in group),
            "user_id": _last(row.user for row in group),
        }
        for thread, group in found.items()
    ]
    return sorted(made, key=lambda each: str(each["created_at"]))[::-1]


def _last(values: Iterable[str]) -> str:
    return next((value for value in reversed([*values]) if value), "")


def _moment(us: int) -> str:
    at = datetime.fromtimestamp(us // 1_000_000, UTC).replace(microsecond=us % 1_000_000)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def costs(rows: Iterable[Row]) -> dict[str, dict[str, Any]]:
    """Give what each thread came to."""
    return {thread: _used(group) for thread, group in _grouped(rows, lambda row: row.thread)}
