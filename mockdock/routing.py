"""The routing nouns: which models may answer a request, and what chooses among them."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from msgspec import Struct

__all__ = ["Filter", "Metric", "Metrics", "Operator", "Pool", "Routed", "holds"]

Metric = Literal["price", "requests", "latency", "ttft", "throughput", "error_rate"]
Operator = Literal["eq", "ne", "in", "lt", "gt", "lte", "gte", "contains"]


class Filter(NamedTuple):
    """What a metric of a model has to be."""

    metric: Metric
    operator: Operator
    wanted: Any


class Pool(Struct, frozen=True):
    """Models of which one is to answer: names, such as "openai/gpt-4o", or "openai/*".

    Those that do not pass a filter are left out; ``sort_by`` orders what remains, the
    smallest first, or the ``largest``; None: as they are listed.
    """

    models: tuple[str, ...]
    filters: tuple[Filter, ...] = ()
    sort_by: Metric | None = None
    largest: bool = False

    @property
    def metrics(self) -> frozenset[Metric]:
        """What has to be known of the models."""
        sorted_by = () if self.sort_by is None else (self.sort_by,)
        return frozenset((*sorted_by, *(each.metric for each in self.filters)))

    @property
    def asks(self) -> bool:
        """Whether the books have to be asked, which may take a while."""
        return bool(self.metrics) or any("*" in name for name in self.models)


class Routed(Struct, frozen=True):
    """How a router sent a request on its way.

    ``route`` names the route that was taken. ``pool`` is what the model is still to be chosen
    from, None once it is; ``left`` are the models that come next should the chosen one
    fail, ``failed`` those that did, by provider and name.
    """

    route: str
    pool: Pool | None = None
    left: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()


class Metrics(NamedTuple):
    """What the traffic of a project tells of a model; None where nothing does.

    ``latency`` and ``ttft`` are means in milliseconds, ``throughput`` is the mean of output
    tokens per second, ``error_rate`` a part of 1. What failed has no latency.
    """

    requests: float = 0.0
    latency: float | None = 0.0
    ttft: float | None = 0.0
    throughput: float | None = 0.0
    error_rate: float | None = 0.0


def holds(operator: Operator, wanted: Any, value: Any) -> bool:
    """Compare as JSON: numbers with numbers, texts with texts; true is no number.

    >>> holds("lt", 0.01, 0.5)
    False
    """
    match operator:
        case "eq":
            return _equal(value, wanted)
        case "ne":
            return not _equal(value, wanted)
        case "in":
            return isinstance(wanted, list | tuple) and any(_equal(value, one) for one in wanted)
        case "contains":
            return isinstance(value, list | tuple) and any(_equal(one, wanted) for one in value)
    if not _comparable(value, wanted):
        return False
    return bool(
        (value < wanted and operator in ("lt", "lte"))
        or (value > wanted and operator in ("gt", "gte"))
        or (value == wanted and operator in ("lte", "gte"))
    )


def _equal(one: Any, other: Any) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _comparable(one: Any, other: Any) -> bool:
    numbers = all(
        isinstance(each, int | float) and not isinstance(each, bool) for each in (one, other)
    )
    return numbers or (isinstance(one, str) and isinstance(other, str))
