"""What a feature costs, beside the same without it, in requests per second.

``unused``: trouble on purpose that is declared and never comes. That a scenario which
declares nothing is not even asked is tests/conformance/test_unused.py. ``accounts``: LangDB's
chat beside OpenAI's on one server; and whether keeping accounts makes a reply wait, at a
pace that leaves the server time.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from tests.bench.asked import Asked, chat
from tests.bench.bench import REPLY, Bench
from tests.bench.client import Streams
from tests.bench.rates import compared
from tests.bench.rows import Row
from tests.bench.servers import Running, Served

__all__ = ["accounts", "unused"]

_NEVER = 10**12
_SCENARIO: Mapping[str, object] = {"rules": [{"when": {"turn": 1}, "reply": REPLY}]}
_IN_VAIN: Mapping[str, Mapping[str, object]] = {
    "limits": {"limits": [{"per": ["key", "model"], "rpm": _NEVER, "tpm": _NEVER}]},
    "faults": {
        "faults": [
            {"type": "connection_reset", "probability": 0},
            {"type": "truncate", "when": {"user": {"equals": "never said"}}},
        ]
    },
    "chaos": {"chaos": {"rate": 0}},
    "timeline": {"timeline": [{"at": "0s", "for": "1ms", "error": "overloaded"}]},
    "capacity, queues": {"pacing": {"capacity": _NEVER, "concurrent": _NEVER}},
}
_LANGDB = {"x-project-id": "bench"}
_PER_SECOND = 200


def unused(bench: Bench) -> Iterator[Row]:
    """Declare every feature in vain, then all of them, beside a scenario with none."""
    every = {name: said for told in _IN_VAIN.values() for name, said in told.items()}
    # The ratio of the first one, to another server of the same kind, is all noise.
    declared = {"nothing": {}, **_IN_VAIN, "all of them": every}
    with ExitStack() as stack:
        contenders = {
            name: (stack.enter_context(bench.server(Served("mockdock", said))), chat())
            for name, said in {
                "undeclared": _SCENARIO,
                **{name: {**_SCENARIO, **said} for name, said in declared.items()},
            }.items()
        }
        seen = bench.rounds("unused", contenders)
    for name in declared:
        yield compared("unused", f"in vain: {name}", seen[name], seen["undeclared"])


def accounts(bench: Bench) -> Iterator[Row]:
    """Compare LangDB with OpenAI, accounts in memory and in a file, then how long replies take."""
    with tempfile.TemporaryDirectory() as folder:
        for where, data in (("memory", None), ("a file", str(Path(folder, "rates.db")))):
            with bench.server(Served("mockdock", _SCENARIO, data=data)) as mock:
                for name, stream in (("chat", False), ("stream", True)):
                    langdb = chat(headers=_LANGDB, stream=stream)
                    pair = {"langdb": (mock, langdb), "openai": (mock, chat(stream=stream))}
                    seen = bench.rounds("accounts", pair)
                    what = f"{name}, {where}; OpenAI {{:,.0f}}"
                    yield compared("accounts", what, seen["langdb"], seen["openai"])
        yield from _waits(bench, str(Path(folder, "waits.db")))


def _waits(bench: Bench, data: str) -> Iterator[Row]:
    kinds: Mapping[str, tuple[Asked, str | None]] = {
        "OpenAI's": (chat(), None),
        "in memory": (chat(headers=_LANGDB), None),
        "in a file": (chat(headers=_LANGDB), data),
    }
    found: dict[str, list[float]] = {name: [] for name in kinds}
    with ExitStack() as stack:
        running = {
            name: stack.enter_context(bench.server(Served("mockdock", _SCENARIO, data=file)))
            for name, (_, file) in kinds.items()
        }
        for number in range(bench.amounts.rounds + 1):
            for name in [*kinds][:: -1 if number % 2 else 1]:
                wanted = _at_a_pace(bench, running[name], kinds[name][0])
                took = bench.stream(wanted).stretches
                if number:  # the first round loads ranks and warms caches
                    found[name].append(took[len(took) * 95 // 100] * 1000)
    for name, rounds in found.items():
        yield Row("accounts", f"95 % of replies: {name}", "ms", statistics.median(rounds))


def _at_a_pace(bench: Bench, running: Running, asked: Asked) -> Streams:
    seconds = bench.amounts.seconds
    many = max(int(_PER_SECOND * seconds), 1)
    return Streams(running.port, asked, next(bench.first), many, seconds, ttft=0, ideal=1)
