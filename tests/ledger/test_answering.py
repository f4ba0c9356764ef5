"""From a question to what a ledger says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mockdock.accounts import Span, ThreadCost, ThreadPage
from mockdock.ledger import Ledger, NewModel, Price
from mockdock.ledger.answering import answer, span_of
from mockdock.question import (
    Analyse,
    CostOfThread,
    CreateModel,
    ListModels,
    ListPrices,
    ListThreads,
    ReadThread,
    SetPrices,
    SumUsage,
    SumUsageBy,
    Window,
)
from mockdock.statements import (
    Analysis,
    Conversation,
    OwnPrices,
    PricesSet,
    Summary,
    UsageSeries,
    UsageTotal,
)
from tests.ledger.helpers import DAY, HOUR, NOON, human, talk

LAST = 253_402_300_799_999_999
"""The last moment of the year 9999."""


@pytest.mark.parametrize(
    ("window", "span"),
    [
        (Window(last_us=HOUR), Span(NOON - HOUR, NOON)),
        (Window(last_us=2 * NOON), Span(0, NOON)),
        (Window(last_us=HOUR, start_us=1, end_us=2), Span(NOON - HOUR, NOON)),
        (Window(), Span(NOON - DAY // 2 - 30 * DAY, NOON)),
        (Window(start_us=5), Span(5, NOON)),
        (Window(end_us=40 * DAY + 7), Span(10 * DAY, 40 * DAY + 7)),
        (Window(end_us=DAY), Span(0, DAY)),
        (Window(start_us=1, end_us=2 * LAST), Span(1, LAST)),
    ],
)
def test_a_range_has_two_ends(window: Window, span: Span) -> None:
    """What is open ends now, and begins at the midnight thirty days before its end."""
    assert span_of(window, NOON) == span


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """Keep one exchange."""
    ledger = Ledger()
    talk(ledger, human("Hi"), reply="Hello", cost=0.5, input_tokens=1, output_tokens=2)
    yield ledger
    ledger.close()


def test_every_question_is_answered_by_the_ledger(ledger: Ledger) -> None:
    span = Span(NOON - HOUR, NOON)
    window = Window(last_us=HOUR)
    figures = ledger.summary("p", span, ("model",), ())
    assert answer(ledger, "p", ListThreads(1, 0), NOON) == ledger.threads("p", limit=1, offset=0)
    assert answer(ledger, "p", ReadThread("t"), NOON) == Conversation(
        ledger.messages("p", "t") or ()
    )
    assert answer(ledger, "p", CostOfThread("t"), NOON) == ThreadCost(0.5, 2, 1)
    assert answer(ledger, "p", Analyse(window), NOON) == Analysis(span, ledger.analytics("p", span))
    assert answer(ledger, "p", Analyse(window, ("model",)), NOON) == Summary(span, figures)
    assert answer(ledger, "p", SumUsage(window), NOON) == UsageTotal(span, ledger.usage("p", span))
    by_day = ledger.usage_by("p", span, "day")
    series = UsageSeries(span, "day", by_day)
    assert answer(ledger, "p", SumUsageBy(window, "day"), NOON) == series
    assert figures
    assert by_day


def test_a_thread_there_is_not_has_no_answer(ledger: Ledger) -> None:
    for thread, project in (("none", "p"), ("t", "q")):
        assert answer(ledger, project, ReadThread(thread), NOON) is None
        assert answer(ledger, project, CostOfThread(thread), NOON) is None
    page = answer(ledger, "q", ListThreads(1, 0), NOON)
    assert page == ThreadPage((), 1, 0, 0)


def test_what_is_made_and_set_is_told_from_then_on(ledger: Ledger) -> None:
    new = NewModel("m", "", "e2e9129b-6661-4eeb-80a2-0c86964974c9", "p", "completions", "acme", 0)
    made = answer(ledger, "p", CreateModel(new), NOON)
    prices = {"a/b": Price(1, 2)}
    assert answer(ledger, "p", SetPrices(prices), NOON) == PricesSet(prices)
    own = OwnPrices(ledger.models("p"), {"a/b": Price(1, 2, NOON)})
    assert made in own.models
    for question in (ListPrices(), ListModels()):
        assert answer(ledger, "p", question, NOON) == own
        before = answer(ledger, "p", question, NOON - 1)
        assert isinstance(before, OwnPrices)
        assert before.prices == {}
