"""What is told of an account, by the names of LangDB's specification.

Its examples write moments of messages as "2025-01-29 10:25:00.736000"; those of threads
are declared as "date-time" and come so: "2025-01-29T10:25:00.736000Z". ASSUMED is that no
user is an empty text, since its schema wants one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from msgspec.structs import asdict

from mockdock.accounts import (
    ContentPart,
    Model,
    ModelUsage,
    Span,
    StoredMessage,
    Thread,
    ThreadCost,
    ThreadPage,
)
from mockdock.dialects.openai.message import told_call
from mockdock.gateways import LangDB
from mockdock.question import Price, Unit
from mockdock.reply import ModelList, Reply
from mockdock.request import Request
from mockdock.statements import (
    Analysis,
    Conversation,
    PriceCard,
    PriceList,
    PricesSet,
    Summary,
    UsageSeries,
    UsageTotal,
)

__all__ = ["told_account"]

_SECOND = 1_000_000
_FORMS: Mapping[Unit, str] = {"hour": "%Y-%m-%d %H:00:00", "day": "%Y-%m-%d", "month": "%Y-%m"}


def told_account(request: Request | None, reply: Reply, settings: LangDB) -> Any:
    """Give the body of a reply about an account, None where it is about none."""
    match reply:
        case PricesSet():
            return _prices_set(reply, settings)
        case Conversation():
            return [_message(each, settings) for each in reply.messages]
        case ThreadPage():
            account = None if request is None else request.account
            return _threads(reply, "" if account is None else account.project)
        case _:
            tell = _TELL.get(type(reply))
            return None if tell is None else tell(reply)


def _threads(page: ThreadPage, project: str) -> dict[str, Any]:
    return {
        "data": [_thread(each, project) for each in page.threads],
        "pagination": {"limit": page.limit, "offset": page.offset, "total": page.total},
    }


def _thread(thread: Thread, project: str) -> dict[str, Any]:
    return {
        "id": thread.id,
        "created_at": _date_time(thread.created_us),
        "updated_at": _date_time(thread.updated_us),
        "model_name": thread.model_name,
        "project_id": project,
        "score": thread.score,
        "title": thread.title or "",
        "user_id": thread.user_id or "",
    }


def _message(message: StoredMessage, settings: LangDB) -> dict[str, Any]:
    calls: Any = [told_call(each) for each in message.tool_calls] or None
    if calls is not None and settings.tool_calls == "text":
        calls = orjson.dumps(calls).decode()
    return {
        "id": message.id,
        "model_name": message.model_name,
        "thread_id": message.thread,
        "user_id": message.user_id or "",
        "content_type": message.content_type,
        "content": message.content,
        "content_array": [_part(each) for each in message.content_array],
        "type": message.type,
        "tool_call_id": message.tool_call_id,
        "tool_calls": calls,
        "created_at": f"{_moment(message.created_us):%Y-%m-%d %H:%M:%S.%f}",
    }


def _part(part: ContentPart) -> list[str | None]:
    return [part.type, part.value, part.detail]


def _analysis(told: Analysis) -> dict[str, Any]:
    series = [
        {"hour": _label(each.start_us, "hour"), **asdict(each.figures), "tag_tuple": []}
        for each in told.hours
    ]
    return {"timeseries": series, **_range(told.span)}


def _summary(told: Summary) -> dict[str, Any]:
    groups = [{"tag_tuple": list(each.tag_tuple), **asdict(each.figures)} for each in told.groups]
    return {"summary": groups, **_range(told.span)}


def _range(span: Span) -> dict[str, int]:
    return {
        "start_time": span.start_us // _SECOND,
        "end_time": span.end_us // _SECOND,
        "start_time_us": span.start_us,
        "end_time_us": span.end_us,
    }


def _usage(told: UsageTotal) -> dict[str, Any]:
    return {
        "models": [_of_model(each) for each in told.usage.models],
        "total": asdict(told.usage.total),
        "period_start": told.span.start_us // _SECOND,
        "period_end": told.span.end_us // _SECOND,
        "period_start_us": told.span.start_us,
        "period_end_us": told.span.end_us,
    }


def _of_model(used: ModelUsage) -> dict[str, Any]:
    price = used.price or Price(0.0, 0.0)
    return {
        "provider": used.provider,
        "model_name": used.model_name,
        **asdict(used.usage),
        "cost_per_input_token": price.per_input_token,
        "cost_per_output_token": price.per_output_token,
    }


def _usage_series(told: UsageSeries) -> dict[str, Any]:
    models = [
        {
            "hour": _label(each.start_us, told.unit),
            "provider": each.provider,
            "model_name": each.model_name,
            **asdict(each.usage),
        }
        for each in told.usages
    ]
    return {
        "models": models,
        "period_start": told.span.start_us,
        "period_end": told.span.end_us,
    }


def _pricing(told: PriceList) -> list[dict[str, Any]]:
    return [_card(each) for each in told.cards]


def _card(card: PriceCard) -> dict[str, Any]:
    since = card.price.valid_from_us
    parameters = {} if card.parameters is None else {"parameters": dict(card.parameters)}
    return {
        "model": card.model,
        "provider": card.provider,
        "model_provider": card.owner,
        "inference_provider": {
            "provider": card.provider,
            "model_name": card.model,
            "endpoint": None,
        },
        "price": {
            "per_input_token": card.price.per_input_token,
            "per_output_token": card.price.per_output_token,
            "valid_from": None if since is None else _date_time(since),
        },
        "input_formats": list(card.inputs),
        "output_formats": list(card.outputs),
        "capabilities": list(card.capabilities),
        "type": card.kind,
        "limits": {"max_context_size": card.context_window},
        "description": card.description,
        **parameters,
    }


def _model(model: Model) -> dict[str, Any]:
    return {
        "id": model.id,
        "model_name": model.model_name,
        "description": model.description,
        "provider_info_id": model.provider_info_id,
        "model_type": model.model_type,
        "input_token_price": model.input_token_price,
        "output_token_price": model.output_token_price,
        "context_size": model.context_size,
        "capabilities": list(model.capabilities),
        "input_types": list(model.input_types),
        "output_types": list(model.output_types),
        "tags": list(model.tags),
        "type_prices": model.type_prices,
        "mp_price": model.mp_price,
        "model_name_in_provider": model.model_name_in_provider,
        "owner_name": model.owner_name,
        "priority": model.priority,
        "parameters": dict(model.parameters),
    }


def _models(told: ModelList) -> dict[str, Any]:
    cards = [
        {"id": each.id, "object": "model", "created": each.created, "owned_by": each.owned_by}
        for each in told.models
    ]
    return {"object": "list", "data": cards}


def _prices_set(told: PricesSet, settings: LangDB) -> dict[str, Any]:
    if settings.custom_prices == "report":
        return {
            "success": True,
            "message": "Custom prices updated successfully",
            "updated_models": list(told.prices),
        }
    return {
        name: {
            "per_input_token": price.per_input_token,
            "per_output_token": price.per_output_token,
        }
        for name, price in told.prices.items()
    }


_TELL: Mapping[type, Callable[[Any], Any]] = {
    ThreadCost: asdict,
    Analysis: _analysis,
    Summary: _summary,
    UsageTotal: _usage,
    UsageSeries: _usage_series,
    PriceList: _pricing,
    Model: _model,
    ModelList: _models,
}


def _moment(us: int) -> datetime:
    seconds, rest = divmod(us, _SECOND)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def _date_time(us: int) -> str:
    return f"{_moment(us):%Y-%m-%dT%H:%M:%S.%f}Z"


def _label(us: int, unit: Unit) -> str:
    return _moment(us).strftime(_FORMS[unit])
