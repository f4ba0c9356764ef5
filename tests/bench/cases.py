"""The table of cases: a new one is one entry."""

from __future__ import annotations

from collections.abc import Mapping

from tests.bench.bench import Case
from tests.bench.paced import paced
from tests.bench.rates import RATES

__all__ = ["CASES"]

CASES: Mapping[str, Case] = {
    each.name: each
    for each in (
        *(Case(rate.name, rate.what, rate) for rate in RATES),
        Case("paced", "streams at 50 tokens/s: duration by the ideal one, error of TTFT", paced),
    )
}
