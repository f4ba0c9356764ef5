"""What routers go by."""

from __future__ import annotations

from mockdock.ledger import Books, Ledger
from mockdock.routing import Metrics
from tests.ledger.helpers import exchange


def test_metrics_are_means_of_all_chat_requests_of_a_project() -> None:
    with Ledger() as ledger:
        ledger.add(exchange(duration_ms=100.0, ttft_ms=10.0, output_tokens=20))
        ledger.add(exchange(duration_ms=300.0, output_tokens=30))
        ledger.add(exchange(duration_ms=9000.0, error=True))
        ledger.add(exchange(duration_ms=9000.0, api="embeddings"))
        ledger.add(exchange(duration_ms=9000.0, project="q"))
        ledger.add(exchange(model="other", error=True))
        assert ledger.metrics("p") == {
            ("openai", "gpt-4o"): Metrics(3, 200.0, 10.0, 150.0, 1 / 3),
            ("openai", "other"): Metrics(1, None, None, None, 1.0),
        }


def test_a_project_without_traffic_has_none() -> None:
    with Ledger() as ledger:
        assert ledger.metrics("p") == {}


def test_books_keep_the_metrics_of_sessions_apart() -> None:
    books = Books()
    assert books.metrics("one", "p") == {}
    books.add("one", exchange(duration_ms=100.0))
    assert books.metrics("one", "p")["openai", "gpt-4o"].latency == 100.0
    assert books.metrics("two", "p") == {}
    books.close()
