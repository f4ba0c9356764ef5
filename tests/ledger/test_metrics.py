"""What routers go by."""

from __future__ import annotations

from mockdock.ledger import Books, Ledger, Seeds
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


def test_metrics_go_on_with_what_comes() -> None:
    """Seeds and what is forgotten count as well, and projects do not mix."""
    with Ledger() as ledger:
        for count in range(1, 4):
            ledger.add(exchange(duration_ms=100.0 * count))
            ledger.add(exchange(duration_ms=5.0, project="q"))
            measured = ledger.metrics("p")["openai", "gpt-4o"]
            assert (measured.requests, measured.latency) == (count, 50.0 * (count + 1))
        assert ledger.metrics("q")["openai", "gpt-4o"].requests == 3
        ledger.seed("s", Seeds(entries=(exchange(duration_ms=600.0),)))
        assert ledger.metrics("p")["openai", "gpt-4o"].latency == 300.0
        ledger.forget("p")
        assert ledger.metrics("p") == {}
        ledger.add(exchange(duration_ms=1.0))
        assert ledger.metrics("p")["openai", "gpt-4o"].latency == 1.0


def test_a_thousand_projects_are_remembered() -> None:
    with Ledger() as ledger:
        for index in range(1002):
            ledger.add(exchange(project=f"p{index}"))
            assert len(ledger.metrics(f"p{index}")) == 1
        assert ledger.metrics("p0")["openai", "gpt-4o"].requests == 1


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
