"""What trouble on purpose costs where it never comes: declared in vain, or not at all.

Each row is a server whose scenario declares something that never applies,
measured in turn with one that declares nothing and with a bare Starlette
application. That a scenario which declares nothing is not even asked is
tests/conformance/test_unused.py.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping
from functools import partial

from tests.bench.servers import Case, rates, serve_mockdock, serve_starlette, server

__all__ = ["unused"]

ROUNDS = 7
PLAIN = Case("plain chat", stream=False, requests=1500)
NEVER = 10**12
IN_VAIN: Mapping[str, Mapping[str, object]] = {
    "limits": {"limits": [{"per": ["key", "model"], "rpm": NEVER, "tpm": NEVER}]},
    "faults": {
        "faults": [
            {"type": "connection_reset", "probability": 0},
            {"type": "truncate", "when": {"user": {"equals": "never said"}}},
        ]
    },
    "chaos": {"chaos": {"rate": 0}},
    "timeline": {"timeline": [{"at": "0s", "for": "1ms", "error": "overloaded"}]},
    "capacity, queues": {"pacing": {"capacity": NEVER, "concurrent": NEVER}},
}


def unused() -> None:
    """Measure every feature declared in vain, then all of them, and print the median ratios."""
    head = f"{'declared in vain':<28}{'mockdock/s':>12}{'undeclared/s':>14}{'bare/s':>12}"
    sys.stdout.write(f"{head}{'of undeclared':>15}{'of bare':>9}\n")
    every = {name: said for told in IN_VAIN.values() for name, said in told.items()}
    with server(serve_mockdock) as plain, server(serve_starlette) as bare:
        # The ratio of the first row, to another server of the same kind, is all noise.
        for name, said in {"nothing": {}, **IN_VAIN, "all of them": every}.items():
            with server(partial(serve_mockdock, said=said)) as declared:
                rows = rates((declared, plain, bare), PLAIN, ROUNDS)
            ours, theirs, least = map(statistics.median, zip(*rows, strict=True))
            cost = statistics.median(mine / undeclared for mine, undeclared, _ in rows)
            whole = statistics.median(mine / bottom for mine, _, bottom in rows)
            rate = f"{ours:>12.0f}{theirs:>14.0f}{least:>12.0f}"
            sys.stdout.write(f"{name:<28}{rate}{cost:>15.2f}{whole:>9.2f}\n")
            sys.stdout.flush()
