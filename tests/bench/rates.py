"""Requests per second, beside bare applications on the same uvicorn that send the same bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.asked import Asked, chat, embeddings, prose, schema, tools
from tests.bench.bench import REPLY, Bench, Measured, ratio
from tests.bench.rows import Row, Target, at_least
from tests.bench.servers import Running, Served

__all__ = ["PLAIN", "RATES", "Rate", "compared"]

_HIGH = 10**9
_RULES = 100
_SESSIONS = 1000
_KEYS = 100

_LIMITS = {"limits": [{"per": ["key", "model"], "rpm": _HIGH, "tpm": _HIGH}]}
PLAIN: Mapping[str, Any] = {**_LIMITS, "rules": [{"when": {"user": "hello"}, "reply": REPLY}]}
"""One rule with a text condition, and limits nobody reaches: validation, tokens and journal on."""

_MANY_RULES = [
    *({"when": {"user": f"never said {number}"}, "reply": "no"} for number in range(_RULES - 1)),
    {"when": {"user": "hello"}, "reply": REPLY},
]
_FORECAST = {"city": "Lisbon", "celsius": 21.5, "wind": "breeze", "hours": [9, 12, 15, 18]}
_ASKED = {"city": "Lisbon", "from": "tomorrow", "days": 2}
_CALLS = [{"name": "get_weather", "arguments": _ASKED}]
_MANY_LIMITS = [
    {"per": ["key", "model"], "rpm": _HIGH, "tpm": _HIGH},
    {"per": ["model"], "rpm": _HIGH},
    {"per": ["key"], "concurrent": _HIGH},
]


@dataclass(frozen=True)
class Rate:
    """A case of requests per second, or of events.

    ``scenario`` is what is said beside its version, ``asked`` what is sent. With ``journal``
    the journal goes to a file too. With ``beside_plain`` plain chat is measured in the same
    rounds; ``of_plain`` is the target of the ratio to it. ``refused`` expects errors;
    with ``events`` these are counted.
    """

    name: str
    what: str
    scenario: Mapping[str, Any] = field(default_factory=lambda: PLAIN)
    asked: Asked = field(default_factory=chat)
    target: Target | None = None
    beside_plain: bool = False
    of_plain: Target | None = None
    journal: bool = False
    refused: bool = False
    events: bool = False

    def __call__(self, bench: Bench) -> Iterator[Row]:
        """Measure it."""
        with tempfile.TemporaryDirectory() as folder:
            journal = str(Path(folder, "journal.jsonl")) if self.journal else None
            with bench.beside(self.scenario, self.asked, journal=journal) as (servers, reply):
                contenders = {each: (running, self.asked) for each, running in servers.items()}
                seen = self._seen(bench, contenders)
                peak = bench.peak(servers["mockdock"])
        ours, starlette, asgi = (seen[each] for each in servers)
        each = len(reply.events) if self.events else 1
        yield Row(
            self.name,
            self.what,
            "event/s" if self.events else "req/s",
            ours.rate * each,
            starlette.rate * each,
            asgi.rate * each,
            ratio(ours, starlette),
            ours.cheaper(starlette),
            self.target,
            peak,
            ours.faster(starlette),
        )
        if self.beside_plain:
            yield compared(
                self.name, "beside plain chat, {:,.0f}", ours, seen["plain chat"], self.of_plain
            )

    def _seen(
        self, bench: Bench, contenders: dict[str, tuple[Running, Asked]]
    ) -> dict[str, Measured]:
        if not self.beside_plain:
            return bench.rounds(self.name, contenders, refused=self.refused)
        with bench.server(Served("mockdock", PLAIN)) as plain:
            return bench.rounds(self.name, {**contenders, "plain chat": (plain, chat())})


def compared(
    name: str, what: str, ours: Measured, theirs: Measured, target: Target | None = None
) -> Row:
    """Compare with something else than a bare application; ``what`` has a place for its rate."""
    return Row(
        name,
        what.format(theirs.rate),
        "req/s",
        ours.rate,
        ratio=ratio(ours, theirs),
        by_cpu=ours.cheaper(theirs),
        target=target,
        ratios=ours.faster(theirs),
    )


RATES = (
    Rate("plain", "one rule, limits, journal", target=at_least(0.6)),
    Rate(
        "rules",
        "100 rules, the last one fits",
        {**_LIMITS, "rules": _MANY_RULES},
        beside_plain=True,
        of_plain=at_least(0.9),
    ),
    Rate(
        "tools",
        "5 tools, a schema: a call",
        {**_LIMITS, "rules": [{"when": {"user": "hello"}, "reply": {"tool_calls": _CALLS}}]},
        chat(tools=tools(), response_format=schema()),
    ),
    Rate(
        "schema",
        "5 tools, a schema: JSON",
        {**_LIMITS, "rules": [{"when": {"user": "hello"}, "reply": {"json": _FORECAST}}]},
        chat(tools=tools(), response_format=schema()),
    ),
    Rate(
        "stream",
        "100 tokens, nothing waits",
        asked=chat(stream=True),
        target=at_least(2.5),
        events=True,
    ),
    Rate("long", "prompt of 50 KB", asked=chat("{number}: hello " + prose(50_000))),
    Rate(
        "limits",
        "3 limits, 100 keys",
        {**PLAIN, "limits": _MANY_LIMITS},
        chat(varied=("authorization", "Bearer sk-bench-", _KEYS)),
    ),
    Rate(
        "refused",
        "429s of a limit",
        {**PLAIN, "limits": [{"rpm": 1}]},
        refused=True,
    ),
    Rate("embeddings", "one vector, in base64", {**_LIMITS}, embeddings()),
    Rate("journal", "journal to a file too", journal=True, beside_plain=True),
    Rate(
        "sessions",
        "1,000 sessions in turn",
        asked=chat(varied=("x-mockdock-session", "bench-", _SESSIONS)),
    ),
    Rate("made", "made-up JSON by the schema", _LIMITS, chat(response_format=schema())),
)
