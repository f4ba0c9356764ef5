"""Calls that ask about an account."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mockdock.dialects.base import Call
from mockdock.dialects.langdb.account import project_of
from mockdock.dialects.langdb.bodies import (
    ModelBody,
    PriceBody,
    SummaryBody,
    ThreadsBody,
    UsageByBody,
    WindowBody,
)
from mockdock.dialects.langdb.failures import bad_request, enterprise
from mockdock.dialects.openai.body import json_object
from mockdock.dialects.openai.invalid import translate
from mockdock.question import (
    Account,
    Analyse,
    CostOfThread,
    CreateModel,
    ListModels,
    ListPrices,
    ListThreads,
    NewModel,
    Price,
    Question,
    ReadThread,
    SetPrices,
    SumUsage,
    SumUsageBy,
)
from mockdock.reply import Failure
from mockdock.request import Request

__all__ = ["ask"]

_BAD = 400
_MOST_PRICES = 10_000
_MOST_BYTES = 100_000
_DEEPEST = 50
_LONGEST_NAME = 1000
_SHOWN = 100


def ask(call: Call) -> Request | Failure:
    """Parse a question of any kind."""
    refused = _ENTERPRISE.get(call.operation)
    body: dict[str, Any] = {}
    if call.method == "POST":
        sent = json_object(call)
        if isinstance(sent, Failure):
            unreadable = bad_request("Failed to parse JSON") if sent.status == _BAD else sent
            return unreadable if refused is None else refused(unreadable)
        body = sent
    question = _question(call, body)
    if isinstance(question, Failure):
        return question if refused is None else refused(question)
    project = _project(call)
    if isinstance(project, Failure):
        return project if refused is None else refused(project)
    return Request(
        call.dialect,
        "models" if call.operation == "models" else "account",
        account=Account(project, question=question),
        caller=call.caller,
        headers=call.headers,
        body=body,
        raw=call.body,
    )


def _project(call: Call) -> str | Failure:
    """Give the project a question is about; some need none, and are about all."""
    named = project_of(call)
    if isinstance(named, Failure) and named.kind == "bad_request" and call.operation in _PUBLIC:
        return ""
    return named


_PUBLIC = frozenset({"models", "pricing", "admin.models"})


def _question(call: Call, body: dict[str, Any]) -> Question | Failure:
    try:
        return _QUESTIONS[call.operation](call, body)
    except ValidationError as error:
        return translate(body, error, raw=call.body)


def _threads(_: Call, body: Mapping[str, Any]) -> Question:
    wanted = ThreadsBody.model_validate(body)
    return ListThreads(wanted.limit, wanted.offset)


def _summary(_: Call, body: Mapping[str, Any]) -> Question | Failure:
    wanted = SummaryBody.model_validate(body)
    if "tag" in wanted.groupBy and not wanted.tag_keys:
        message = "Missing required parameter: 'tag_keys', which groupBy 'tag' needs."
        return bad_request(message, "tag_keys")
    return _ordered(wanted) or Analyse(
        wanted.window, tuple(dict.fromkeys(wanted.groupBy)), tuple(dict.fromkeys(wanted.tag_keys))
    )


def _of_time(
    make: Callable[[UsageByBody], Question], _: Call, body: Mapping[str, Any]
) -> Question | Failure:
    wanted = UsageByBody.model_validate(body)
    return _ordered(wanted) or make(wanted)


def _ordered(wanted: WindowBody) -> Failure | None:
    """Refuse a range that ends before it starts."""
    window = wanted.window
    start, end = window.start_us, window.end_us
    if start is None or end is None or start <= end:
        return None
    return bad_request("Invalid time range: it ends before it starts.", "end_time_us")


def _admin(call: Call, body: Mapping[str, Any]) -> Question | Failure:
    key, wanted = call.headers.get("x-admin-key", ""), call.gateways.langdb.admin_key
    given, known = (each.encode("utf-8", "surrogatepass") for each in (key, wanted))
    if not key or (wanted and not hmac.compare_digest(given, known)):
        return enterprise(401, "Invalid X-Admin-Key" if key else "Missing header: X-Admin-Key")
    made = ModelBody.model_validate(body)
    if _is_deep(made.parameters):
        message = f"Invalid 'parameters': nested more than {_DEEPEST} levels deep."
        return bad_request(message, "parameters")
    if len(call.body) > _MOST_BYTES:
        return bad_request(f"A model takes at most {_MOST_BYTES} bytes, this is {len(call.body)}.")
    fields = made.model_dump()
    tuples = ("capabilities", "input_types", "output_types", "tags")
    prices = ("input_token_price", "output_token_price")
    return CreateModel(
        NewModel(
            **fields
            | {name: tuple(fields[name]) for name in tuples}
            | {name: _decimal(body.get(name)) for name in prices}
        )
    )


def _is_deep(value: Any) -> bool:
    """Tell whether objects and arrays are nested deeper than can be kept."""
    level = [value]
    for _ in range(_DEEPEST):
        inner = (each.values() if isinstance(each, dict) else each for each in level)
        level = [each for parts in inner for each in parts if isinstance(each, dict | list)]
    return bool(level)


def _decimal(price: float | None) -> Decimal | None:
    return None if price is None else Decimal(str(price))


_PRICES = TypeAdapter(dict[str, PriceBody])


def _prices(_: Call, body: dict[str, Any]) -> Question | Failure:
    if not 0 < len(body) <= _MOST_PRICES:
        return bad_request(f"Expected prices of 1 to {_MOST_PRICES} models, by their names.")
    for name in body:
        if not name.strip() or len(name) > _LONGEST_NAME:
            shown = repr(name[:_SHOWN])
            return bad_request(
                f"Invalid model name: {shown}. Expected 1 to {_LONGEST_NAME} characters."
            )
    prices = _PRICES.validate_python(body)
    return SetPrices(
        {name: Price(each.per_input_token, each.per_output_token) for name, each in prices.items()}
    )


def _as_enterprise(failure: Failure) -> Failure:
    """Word a failure as the enterprise specification does."""
    status = 404 if failure.kind == "permission" else failure.status or _BAD
    return replace(enterprise(status, failure.message or "Bad Request"), headers=failure.headers)


_ENTERPRISE: Mapping[str, Callable[[Failure], Failure]] = {
    "admin.models": _as_enterprise,
    "custom_prices": _as_enterprise,
}
_QUESTIONS: Mapping[str, Callable[[Call, dict[str, Any]], Question | Failure]] = {
    "models": lambda *_: ListModels(),
    "pricing": lambda *_: ListPrices(),
    "threads": _threads,
    "messages": lambda call, _: ReadThread(call.params["thread_id"]),
    "cost": lambda call, _: CostOfThread(call.params["thread_id"]),
    "analytics": partial(_of_time, lambda wanted: Analyse(wanted.window)),
    "summary": _summary,
    "usage": partial(_of_time, lambda wanted: SumUsage(wanted.window)),
    "usage.models": partial(_of_time, lambda wanted: SumUsageBy(wanted.window, wanted.min_unit)),
    "admin.models": _admin,
    "custom_prices": _prices,
}
