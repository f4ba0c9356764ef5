"""Requests per second, as a ratio to a bare Starlette application.

Both servers run on the same uvicorn settings, with the same reply bytes; a raw
client in this process sends a distinct message in every request. Rounds
alternate, so that a machine that slows down does so for both.
"""

from __future__ import annotations

import statistics
import sys

from tests.bench.servers import Case, rates, serve_mockdock, serve_starlette, server

__all__ = ["ROUNDS", "throughput"]

ROUNDS = 7
CASES = (
    Case("plain chat", stream=False, requests=1500),
    Case("plain chat, 50 KB prompt", stream=False, requests=300, prompt="lorem ipsum " * 4200),
    Case("stream of 100 tokens", stream=True, requests=400),
)


def throughput() -> None:
    """Measure every case and print the median ratio."""
    sys.stdout.write(f"{'case':<28}{'mockdock/s':>12}{'bare/s':>12}{'ratio':>8}\n")
    with server(serve_mockdock) as mock, server(serve_starlette) as bare:
        for case in CASES:
            pairs = rates((mock, bare), case, ROUNDS)
            ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
            ratio = statistics.median(a / b for a, b in pairs)
            sys.stdout.write(f"{case.name:<28}{ours:>12.0f}{theirs:>12.0f}{ratio:>8.2f}\n")
