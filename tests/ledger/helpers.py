"""Ledgers and entries to test with."""

from __future__ import annotations

from typing import Any

from mockdock.ledger import Entry, Ledger, Said, Span

HOUR = 3_600_000_000
DAY = 24 * HOUR
NOON = 1_738_152_000_000_000
"""2025-01-29 12:00:00 UTC."""
EVER = Span(0, 2 * NOON)


def exchange(**fields: Any) -> Entry:
    usual: dict[str, Any] = {
        "project": "p",
        "provider": "openai",
        "model": "gpt-4o",
        "started_us": NOON,
    }
    return Entry(**usual | fields)


def human(text: str) -> Said:
    return Said("human", text)


def ai(text: str) -> Said:
    return Said("ai", text)


def talk(ledger: Ledger, *said: Said, reply: str = "", thread: str = "t", **fields: Any) -> None:
    """Add an exchange with these messages, and a reply where one is given."""
    replies = (ai(reply),) if reply else ()
    ledger.add(exchange(thread=thread, messages=said, replies=replies, **fields))


def texts(ledger: Ledger, thread: str = "t") -> list[str]:
    found = ledger.messages("p", thread)
    assert found is not None
    return [message.content for message in found]


def count(ledger: Ledger) -> int:
    return sum(hour.figures.total_requests for hour in ledger.analytics("p", EVER))
