"""What a server did, as Prometheus reads it."""

from __future__ import annotations

from mockdock.observe.verbs import Counts

__all__ = ["MEDIA_TYPE", "metrics"]

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metrics(counts: Counts, sessions: int) -> str:
    """Write counts of all sessions together, and how many sessions are open.

    Nothing is written by session, rule or model: there may be any number of them.
    """
    rows = (
        ("requests_total", "counter", "Requests answered.", counts.requests),
        ("missed_total", "counter", "Requests no rule answered.", counts.missed),
        ("failed_total", "counter", "Requests answered by an error, misses too.", counts.failed),
        ("broken_total", "counter", "Requests with something broken on purpose.", counts.broken),
        ("prompt_tokens_total", "counter", "Prompt tokens in usage.", counts.prompt_tokens),
        (
            "completion_tokens_total",
            "counter",
            "Completion tokens in usage.",
            counts.completion_tokens,
        ),
        ("open_sessions", "gauge", "Sessions that are open.", sessions),
    )
    return "".join(
        f"# HELP mockdock_{name} {told}\n# TYPE mockdock_{name} {kind}\nmockdock_{name} {value}\n"
        for name, kind, told, value in rows
    )
