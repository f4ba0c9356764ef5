"""Usage of models, with numbers computed by hand."""

from __future__ import annotations

from mockdock.ledger import (
    Ledger,
    ModelUsage,
    Price,
    Span,
    TotalUsage,
    UnitUsage,
    Usage,
)
from tests.ledger.helpers import DAY, EVER, HOUR, NOON, exchange

FEBRUARY = NOON + 3 * DAY
MARCH = FEBRUARY + 28 * DAY


def test_usage_in_all_goes_by_provider_and_model() -> None:
    with Ledger() as ledger:
        ledger.add(exchange(model="b", input_tokens=1, output_tokens=2, cost=0.5))
        ledger.add(exchange(model="a", input_tokens=10, output_tokens=20, cost=0.25))
        ledger.add(exchange(model="b", input_tokens=100, output_tokens=200, cost=0.125))
        ledger.add(exchange(provider="azure", model="b", api="embeddings", input_tokens=7))
        ledger.add(exchange(project="q", input_tokens=1000))
        ledger.add(exchange(started_us=NOON + 1, input_tokens=1000))
        ledger.set_prices("p", {"openai/a": Price(1, 2)}, NOON)
        ledger.set_prices("p", {"openai/a": Price(3, 12)}, NOON + 1)
        assert ledger.usage("p", Span(0, NOON)) == TotalUsage(
            (
                ModelUsage("azure", "b", Usage(7, 0, 0.0), None),
                ModelUsage("openai", "a", Usage(10, 20, 0.25), Price(1, 2, NOON)),
                ModelUsage("openai", "b", Usage(101, 202, 0.625), None),
            ),
            Usage(118, 222, 0.875),
        )
        assert ledger.usage("p", EVER).models[1].price == Price(3, 12, NOON + 1)


def test_usage_of_nothing_is_zero() -> None:
    with Ledger() as ledger:
        assert ledger.usage("p", EVER) == TotalUsage((), Usage(0, 0, 0.0))
        assert ledger.usage_by("p", EVER, "day") == ()


def test_usage_by_hour_day_and_month() -> None:
    with Ledger() as ledger:
        for started in (NOON, NOON + HOUR - 1, NOON + HOUR, FEBRUARY, MARCH - 12 * HOUR - 1):
            ledger.add(exchange(started_us=started, input_tokens=1, output_tokens=2, cost=0.5))
        ledger.add(exchange(provider="azure", started_us=NOON))
        one, two, three = (Usage(n, 2 * n, n / 2) for n in (1, 2, 3))
        none = Usage(0, 0, 0.0)

        def rows(*found: tuple[int, str, Usage]) -> tuple[UnitUsage, ...]:
            return tuple(UnitUsage(begun, by, "gpt-4o", usage) for begun, by, usage in found)

        assert ledger.usage_by("p", EVER, "hour") == rows(
            (NOON, "azure", none),
            (NOON, "openai", two),
            (NOON + HOUR, "openai", one),
            (FEBRUARY, "openai", one),
            (MARCH - 13 * HOUR, "openai", one),
        )
        assert ledger.usage_by("p", EVER, "day") == rows(
            (NOON - 12 * HOUR, "azure", none),
            (NOON - 12 * HOUR, "openai", three),
            (FEBRUARY - 12 * HOUR, "openai", one),
            (MARCH - 36 * HOUR, "openai", one),
        )
        january = NOON - 28 * DAY - 12 * HOUR
        assert ledger.usage_by("p", EVER, "month") == rows(
            (january, "azure", none),
            (january, "openai", three),
            (FEBRUARY - 12 * HOUR, "openai", two),
        )
        within = ledger.usage_by("p", Span(NOON + 1, NOON + HOUR - 1), "month")
        assert within == rows((january, "openai", one))
