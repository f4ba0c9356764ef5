"""The body of a request, taken for the call it would arrive in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson

from mockdock.dialects import DIALECTS, Call, Dialect, Route
from mockdock.engine import Engine
from mockdock.errors import UsageError

__all__ = ["call_of", "operation_of"]

_TOLD_BY = {"messages": "chat", "prompt": "completions", "input": "embeddings"}
"""The operation of a body, by the first of these it has."""


def operation_of(body: Mapping[str, Any], kind: str | None) -> str:
    """Tell what a body asks for by what it holds; ``kind`` is that of the model it names.

    An ``input`` is judged where its model does that or none is named, else embedded. What has
    none of these is a chat that lacks its messages.
    """
    operation = next((_TOLD_BY[name] for name in _TOLD_BY if name in body), "chat")
    judged = kind == "moderation" or body.get("model") is None
    return "moderations" if operation == "embeddings" and judged else operation


def call_of(
    engine: Engine, headers: Mapping[str, str], body: bytes, dialect: Dialect = DIALECTS[0]
) -> Call:
    """Make the call of a request that its JSON body tells; header names are lower-case.

    Of several paths it comes by the one that names nothing: at Azure the model is the
    deployment. Raises UsageError where the dialect has no such operation.
    """
    traits = partial(engine.traits, dialect=dialect.name)
    operation = _operation(body, traits)
    route = _route(dialect, operation)
    return Call(
        operation=operation,
        method=route.method,
        path=route.path,
        headers=headers,
        params={},
        body=body,
        base_url="",
        caller=dialect.caller(headers),
        lenient=engine.scenario.validation == "lenient",
        dialect=dialect.name,
        gateways=engine.gateways,
        traits=traits,
    )


def _operation(body: bytes, traits: Any) -> str:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "chat"
    if not isinstance(told, dict):
        return "chat"
    model = told.get("model")
    known = traits(model) if isinstance(model, str) else None
    return operation_of(told, None if known is None else known.kind)


def _route(dialect: Dialect, operation: str) -> Route:
    posted = [each for each in dialect.routes if each.method == "POST" and "{" not in each.path]
    for route in posted:
        if route.operation == operation:
            return route
    there = ", ".join(dict.fromkeys(each.operation for each in posted))
    raise UsageError(f"{dialect.name} has no {operation}, which this request is; it has {there}")
