"""Forgetting the projects whose ids begin with a prefix, and nothing else."""

from __future__ import annotations

import pytest

from mockdock.ledger import Ledger, NewModel, Price, Seeds
from tests.ledger.helpers import EVER, NOON, exchange, human

NEW = ("mine", "", "e2e9129b-6661-4eeb-80a2-0c86964974c9")
PROJECTS = ("a/", "a/x", "a/\U0010ffff", "a", "a0", "b/x", "A/x")
GONE = {"a/", "a/x", "a/\U0010ffff"}


@pytest.mark.parametrize("flushed", [True, False], ids=["written", "queued"])
def test_all_of_a_prefix_goes_and_the_rest_stays(*, flushed: bool) -> None:
    ledger = Ledger()
    for project in PROJECTS:
        said = (human("Hi"),)
        ledger.add(exchange(project=project, thread="t", tags=(("k", "v"),), messages=said))
        ledger.set_prices(project, {"gpt-4o": Price(1, 2)}, NOON)
        ledger.create_model(NewModel(*NEW, project, "completions", "acme", 0), NOON)
    if flushed:
        assert ledger.analytics("a/x", EVER)
    ledger.forget("a/")
    for project in PROJECTS:
        here = project not in GONE
        tagged = ledger.summary(project, EVER, ("tag",), ("k",))
        found = (
            bool(ledger.analytics(project, EVER)),
            bool(tagged),
            ledger.messages(project, "t") is not None,
            ledger.price(project, "openai", "gpt-4o", NOON) is not None,
            ledger.model(project, "mine") is not None,
        )
        assert found == (here,) * 5, project
    ledger.close()


def test_what_was_forgotten_is_seeded_anew() -> None:
    ledger = Ledger()
    past = Seeds(entries=(exchange(project="a/x", thread="t"),))
    for name in ("a/seed", "b/seed"):
        ledger.seed(name, past)
    assert ledger.threads("a/x", limit=1, offset=0).total == 1
    ledger.forget("a/")
    ledger.seed("b/seed", past)
    assert ledger.threads("a/x", limit=1, offset=0).total == 0
    ledger.seed("a/seed", past)
    assert ledger.threads("a/x", limit=1, offset=0).total == 1
    ledger.close()
