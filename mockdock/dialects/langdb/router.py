"""A conditional router: which route a request takes.

Conditions are asked of the request by dotted paths: of its body (``extra.user.tier``,
``extra.variables.region``, ``temperature``), of its headers (``headers.x-tier``), and of its
``metadata``. As the source of LangDB's open gateway (8f3a206) does: a value that is not
there holds no condition, not even ``$neq``; ``extra.user.tier`` is the first of the user's
tags where it is not given itself, ``extra.user.tiers`` are all of them; ``metadata.user.…``
is the user. Numbers compare with numbers, texts with texts. What the source has of
interceptors (``pre_request.…``) the specification does not; such a condition never holds.

The source only logs that no route holds, and breaks off; the status 500 is ASSUMED.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mockdock.dialects.langdb.extras import RouterBody, TargetsBody
from mockdock.dialects.langdb.failures import bad_request
from mockdock.reply import Failure
from mockdock.routing import Filter, Metric, Operator, Pool, Routed, holds

__all__ = ["route"]

_OPERATORS: Mapping[str, Operator] = {
    "$eq": "eq",
    "$neq": "ne",
    "$ne": "ne",
    "$in": "in",
    "$lt": "lt",
    "$gt": "gt",
    "$lte": "lte",
    "$gte": "gte",
    "$contains": "contains",
    "eq": "eq",
    "ne": "ne",
    "in": "in",
    "lt": "lt",
    "gt": "gt",
    "lte": "lte",
    "gte": "gte",
    "contains": "contains",
}
"""By the names of the specification, and of the source."""
_METRICS: Mapping[str, Metric] = {
    "price": "price",
    "requests": "requests",
    "latency": "latency",
    "ttft": "ttft",
    "throughput": "throughput",
    "tps": "throughput",
    "error_rate": "error_rate",
}
_NUMERIC = frozenset({"lt", "gt", "lte", "gte"})
_NOT_THERE = object()
_MOST = 100
_SHOWN = 100


class _WrongError(Exception):
    """What is said cannot be understood."""

    def __init__(self, message: str, param: str) -> None:
        super().__init__(message)
        self.failure = bad_request(message, param)


def route(
    router: RouterBody, body: Mapping[str, Any], headers: Mapping[str, str]
) -> tuple[str, Routed] | Failure:
    """Give the model that a router sends a request to, and how; empty where it has a choice.

    All routes have to be well formed, also those that are not taken.
    """
    taken: tuple[str, Routed] | None = None
    try:
        for index, each in enumerate(router.routes):
            at = f"router.routes[{index}]"
            fits = _hold(each.conditions, body, headers, f"{at}.conditions")
            target = _target(each.name, each.targets, f"{at}.targets")
            if fits and taken is None:
                taken = target
    except _WrongError as wrong:
        return wrong.failure
    except RecursionError:
        return bad_request("Invalid router: a value in it is nested too deeply.", "router")
    if taken is None:
        message = "Metric router error: No conditional route matched"
        return Failure("server_error", message=message)
    return taken


def _target(name: str, targets: str | TargetsBody, at: str) -> tuple[str, Routed]:
    if isinstance(targets, str):
        return targets, Routed(name)
    for index, model in enumerate(targets.any):
        if model.startswith(("langdb/", "router/")):
            message = f"Invalid value: '{model[:_SHOWN]}'. A choice is among models."
            raise _WrongError(message, f"{at}.$any[{index}]")
    sort_by = None if targets.sort_by is None else _METRICS[targets.sort_by]
    fastest = sort_by == "throughput" and targets.sort_order is None
    filters = _filters(targets.filter or {}, f"{at}.filter")
    largest = targets.sort_order == "max" or fastest
    return "", Routed(name, Pool(tuple(targets.any), filters, sort_by, largest))


def _filters(given: Mapping[str, Any], at: str) -> tuple[Filter, ...]:
    found: list[Filter] = []
    for name, wanted in given.items():
        if name not in _METRICS:
            message = f"Unknown metric for routing: {name[:_SHOWN]}. There are {_listed(_METRICS)}."
            raise _WrongError(message, f"{at}.{name[:_SHOWN]}")
        comparisons = _comparisons(wanted, f"{at}.{name}")
        for operator, value in comparisons:
            if operator in _NUMERIC and (isinstance(value, bool) or not _is_number(value)):
                message = f"Invalid type for '{at}.{name}': expected a number to compare with."
                raise _WrongError(message, f"{at}.{name}")
            found.append(Filter(_METRICS[name], operator, value))
    return tuple(found)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _hold(
    conditions: Mapping[str, Any] | None,
    body: Mapping[str, Any],
    headers: Mapping[str, str],
    at: str,
) -> bool:
    """Tell whether conditions hold: all of ``all``, one of ``any``, or those that stand alone."""
    if conditions is None:
        return True
    every = _expressions(conditions.get("all", []), f"{at}.all")
    some = _expressions(conditions.get("any", []), f"{at}.any")
    alone = {name: value for name, value in conditions.items() if name not in ("all", "any")}
    own = _expression(alone, at)
    return all(_holds(each, body, headers) for each in (own, *every)) and (
        "any" not in conditions or any(_holds(each, body, headers) for each in some)
    )


_Expression = tuple[tuple[str, Operator, Any], ...]
"""Comparisons, each of what is found at a path."""


def _expressions(given: Any, at: str) -> list[_Expression]:
    if not isinstance(given, list) or len(given) > _MOST:
        raise _WrongError(f"Invalid type for '{at}': expected an array of conditions.", at)
    return [_expression(each, f"{at}[{index}]") for index, each in enumerate(given)]


def _expression(given: Any, at: str) -> _Expression:
    if not isinstance(given, dict):
        raise _WrongError(f"Invalid type for '{at}': expected an object.", at)
    return tuple(
        (path, operator, wanted)
        for path, value in given.items()
        for operator, wanted in _comparisons(value, f"{at}.{path[:_SHOWN]}")
    )


def _comparisons(given: Any, at: str) -> list[tuple[Operator, Any]]:
    """Read what something is compared with: a value, or operators and values."""
    if isinstance(given, str | int | float):
        return [("eq", given)]
    if not isinstance(given, dict) or not given:
        message = (
            f"Invalid type for '{at}': expected a value, or an operator such as {{\"$eq\": …}}."
        )
        raise _WrongError(message, at)
    for name, wanted in given.items():
        if name not in _OPERATORS:
            known = _listed(name for name in _OPERATORS if name.startswith("$"))
            message = f"Unknown operator: '{name[:_SHOWN]}'. Supported operators are: {known}."
            raise _WrongError(message, at)
        if _OPERATORS[name] == "in" and not isinstance(wanted, list):
            raise _WrongError(f"Invalid type for '{at}.{name}': expected an array.", f"{at}.{name}")
    return [(_OPERATORS[name], wanted) for name, wanted in given.items()]


def _holds(expression: _Expression, body: Mapping[str, Any], headers: Mapping[str, str]) -> bool:
    for path, operator, wanted in expression:
        value = _found(path, body, headers)
        if value is _NOT_THERE or not holds(operator, wanted, value):
            return False
    return True


def _found(path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
    root, _, rest = path.partition(".")
    if root == "headers":
        return headers.get(rest.lower(), _NOT_THERE)
    value = _inside(body, path)
    if value is not _NOT_THERE:
        return value
    if path.startswith("metadata.user."):
        return _found(f"extra.{rest}", body, headers)
    if path in ("extra.user.tier", "extra.user.tiers"):
        tags = _inside(body, "extra.user.tags")
        if isinstance(tags, list) and tags:
            return tags if path.endswith("s") else tags[0]
    return _NOT_THERE


def _inside(value: Any, path: str) -> Any:
    for name in path.split("."):
        if not isinstance(value, dict) or value.get(name) is None:
            return _NOT_THERE
        value = value[name]
    return value


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
