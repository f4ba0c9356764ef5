"""The table of cases: a new one is one entry, here or among the rates."""

from __future__ import annotations

from collections.abc import Mapping

from tests.bench.bench import Case
from tests.bench.beside import accounts, unused
from tests.bench.memory import idle, memory
from tests.bench.paced import paced
from tests.bench.plugin import plugin
from tests.bench.rates import RATES
from tests.bench.starting import fixture, imported, startup
from tests.bench.tokens import tokens
from tests.bench.workers import workers

__all__ = ["CASES"]

CASES: Mapping[str, Case] = {
    each.name: each
    for each in (
        *(Case(rate.name, rate.what, rate) for rate in RATES),
        Case("paced", "2,000 streams at 50 tokens/s: duration by the ideal one, TTFT", paced),
        Case("startup", "exec of mockdock serve to its first answer", startup),
        Case("import", "import mockdock", imported),
        Case("fixture", "the first fixture of a run of pytest", fixture),
        Case("memory", "what is added by --requests after the first 50,000", memory),
        Case("idle", "CPU and wake-ups when nobody asks", idle),
        Case("tokens", "long texts beside tiktoken, conversations that go on", tokens),
        Case("unused", "limits, faults and chaos that never apply", unused),
        Case("accounts", "LangDB's chat beside OpenAI's, and how long replies take", accounts),
        Case(
            "workers", "processes that share an address and a store, and what a core does", workers
        ),
        Case("plugin", "the pytest plugin, installed and used", plugin),
    )
}
