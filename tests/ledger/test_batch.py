"""Exchanges that are written together are as if each had been written by itself."""

from __future__ import annotations

import pytest

from mockdock.ledger import Ledger, Seeds
from tests.ledger.helpers import EVER, ai, exchange, human

SIZES = [1, 9, 10, 11, 49, 50, 51, 59, 60, 61, 100, 111]
"""Beside the edges of statements of 50, 10 and 1 rows, and of pieces of 50 exchanges."""


@pytest.mark.parametrize("size", SIZES)
def test_as_many_are_kept_as_were_given(size: int) -> None:
    entries = [
        exchange(
            thread=f"t{number % 7}",
            messages=(human(f"q{number}"),),
            replies=(ai(f"a{number}"),),
            tags=(("k", str(number)),),
            input_tokens=1,
        )
        for number in range(size)
    ]
    with Ledger() as ledger:
        ledger.seed("all", Seeds(entries=entries))
        assert ledger.usage("p", EVER).total.total_input_tokens == size
        assert ledger.threads("p", limit=100).total == min(size, 7)
        said = [ledger.messages("p", f"t{thread}") or () for thread in range(7)]
        assert sum(map(len, said)) == 2 * size
        assert len(ledger.summary("p", EVER, ["tag"], ["k"])) == size


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("where", ["first", "middle", "last"])
def test_one_that_cannot_be_kept_takes_no_other_with_it(size: int, where: str) -> None:
    wrong = {"first": 0, "middle": size // 2, "last": size - 1}[where]
    told: list[str] = []
    entries = [
        exchange(cost=-1.0 if number == wrong else 1.0, thread=f"t{number}")
        for number in range(size)
    ]
    with Ledger(say=told.append) as ledger:
        ledger.seed("all", Seeds(entries=entries))
        assert ledger.usage("p", EVER).total.total_cost == size - 1
        assert ledger.threads("p", limit=1).total == size - 1
        assert ledger.thread("p", f"t{wrong}") is None
    assert len(told) == 1
