"""Resident memory of a server under load: what is kept of the requests is bounded."""

from __future__ import annotations

import sys
from dataclasses import replace

from tests.bench.servers import Case, flood, serve_mockdock, server

__all__ = ["memory"]

SHARES = (10, 50, 100)
CASES = (
    Case("small prompts", stream=False, requests=0),
    Case("10 KB prompts", stream=False, requests=0, prompt="lorem ipsum " * 850),
    Case("streams of 100 tokens", stream=True, requests=0),
)


def memory(requests: int) -> None:
    """Send so many requests of every case to a new server, and print what it holds."""
    columns = "".join(f"{f'{share} %':>12}" for share in SHARES)
    sys.stdout.write(f"{f'MB after of {requests:,}':<28}{'start':>12}{columns}\n")
    for case in CASES:
        with server(serve_mockdock) as running:
            flood(running.port, replace(case, requests=1), 0)  # loads ranks
            held, sent = [running.megabytes()], 1
            for share in SHARES:
                until = requests * share // 100
                flood(running.port, replace(case, requests=until - sent), sent)
                sent = until
                held.append(running.megabytes())
        columns = "".join(f"{each:>12.0f}" for each in held)
        sys.stdout.write(f"{case.name:<28}{columns}\n")
        sys.stdout.flush()
