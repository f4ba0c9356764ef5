"""From a question to what a ledger says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockdock.accounts import Span
from mockdock.ledger.ledger import Ledger
from mockdock.question import (
    Analyse,
    CostOfThread,
    CreateModel,
    ListModels,
    ListPrices,
    ListThreads,
    Question,
    ReadThread,
    SetPrices,
    SumUsage,
    SumUsageBy,
    Window,
)
from mockdock.statements import (
    AccountReply,
    Analysis,
    Conversation,
    OwnPrices,
    PricesSet,
    Summary,
    UsageSeries,
    UsageTotal,
)

__all__ = ["answer", "span_of"]

_DAY_US = 86_400_000_000
_USUAL_DAYS = 30
_LARGEST_US = 253_402_300_799_999_999
"""The end of the year 9999."""


def answer(ledger: Ledger, project: str, question: Question, now_us: int) -> AccountReply | None:
    """Answer a question about a project, None where there is no such thread; may take a while."""
    return _ANSWERS[type(question)](ledger, project, question, now_us)


def _threads(ledger: Ledger, project: str, asked: ListThreads, _: int) -> AccountReply:
    return ledger.threads(project, limit=asked.limit, offset=asked.offset)


def _messages(ledger: Ledger, project: str, asked: ReadThread, _: int) -> AccountReply | None:
    messages = ledger.messages(project, asked.thread)
    return None if messages is None else Conversation(messages)


def _cost(ledger: Ledger, project: str, asked: CostOfThread, _: int) -> AccountReply | None:
    return ledger.cost(project, asked.thread)


def _figures(ledger: Ledger, project: str, asked: Analyse, now_us: int) -> AccountReply:
    span = span_of(asked.window, now_us)
    if not asked.group_by:
        return Analysis(span, ledger.analytics(project, span))
    return Summary(span, ledger.summary(project, span, asked.group_by, asked.tag_keys))


def _usage(ledger: Ledger, project: str, asked: SumUsage, now_us: int) -> AccountReply:
    span = span_of(asked.window, now_us)
    return UsageTotal(span, ledger.usage(project, span))


def _usage_by(ledger: Ledger, project: str, asked: SumUsageBy, now_us: int) -> AccountReply:
    span = span_of(asked.window, now_us)
    return UsageSeries(span, asked.unit, ledger.usage_by(project, span, asked.unit))


def _own(ledger: Ledger, project: str, _: ListPrices | ListModels, now_us: int) -> AccountReply:
    return OwnPrices(ledger.models(project), ledger.prices(project, now_us))


def _create(ledger: Ledger, _: str, asked: CreateModel, now_us: int) -> AccountReply:
    return ledger.create_model(asked.new, now_us)


def _set(ledger: Ledger, project: str, asked: SetPrices, now_us: int) -> AccountReply:
    ledger.set_prices(project, asked.prices, now_us)
    return PricesSet(asked.prices)


_ANSWERS: dict[type[Question], Callable[[Ledger, str, Any, int], AccountReply | None]] = {
    ListThreads: _threads,
    ReadThread: _messages,
    CostOfThread: _cost,
    Analyse: _figures,
    SumUsage: _usage,
    SumUsageBy: _usage_by,
    ListPrices: _own,
    ListModels: _own,
    CreateModel: _create,
    SetPrices: _set,
}


def span_of(window: Window, now_us: int) -> Span:
    """Give a range both ends of which are known."""
    if window.last_us is not None:
        return Span(max(0, now_us - window.last_us), now_us)
    end = now_us if window.end_us is None else min(window.end_us, _LARGEST_US)
    if window.start_us is not None:
        return Span(window.start_us, max(window.start_us, end))
    midnight = end - end % _DAY_US
    return Span(max(0, midnight - _USUAL_DAYS * _DAY_US), end)
