"""What keeping accounts costs: LangDB's chat beside OpenAI's, in requests per second.

Both are asked of one server, in turns, so that a machine that slows down does so for both,
and with prompts of their own, since the tokens of a text are counted once. One server keeps
accounts in memory, another one in a file.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.bench.latency import latency
from tests.bench.servers import Case, rate, serve_mockdock, server
from tests.bench.throughput import ROUNDS

__all__ = ["accounts"]

HEAD = b"x-project-id: bench\r\n"
CASES = (
    ("plain chat", Case("openai", stream=False, requests=1000)),
    ("stream of 100 tokens", Case("openai", stream=True, requests=300)),
)


def accounts() -> None:
    """Measure each case in memory and with a file, and print the median ratio."""
    sys.stdout.write(f"{'case':<32}{'langdb/s':>12}{'openai/s':>12}{'ratio':>8}\n")
    with tempfile.TemporaryDirectory() as folder:
        for where, data in (("in memory", None), ("in a file", Path(folder, "accounts.db"))):
            with server(partial(serve_mockdock, data=data)) as mock:
                for name, case in CASES:
                    _measure(mock.port, f"{name}, {where}", case)
    latency()


def _measure(port: int, name: str, openai: Case) -> None:
    langdb = replace(openai, prompt="hullo", head=HEAD)
    pairs = []
    for number in range(ROUNDS + 1):
        first = number * openai.requests
        pairs.append(tuple(rate(port, case, first) for case in (langdb, openai)))
    pairs = pairs[1:]  # the first round loads ranks and warms caches
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    sys.stdout.write(f"{name:<32}{ours:>12.0f}{theirs:>12.0f}{ratio:>8.2f}\n")
