"""An audit at the prices of a scenario, by the policy that is meant."""

from __future__ import annotations

import pytest

from mockdock.local.auditing import audited, priced
from mockdock.scenario import load
from tests.observe.audit.helpers import record

BARE = load({"mockdock": 1}, files=False).scenario
USAGE = {"prompt_tokens": 1_000_000, "completion_tokens": 100_000, "cached_tokens": 400_000}


def test_money_is_counted_by_the_catalogue() -> None:
    price = priced(BARE)
    # gpt-4o: 2.50 a million of the prompt, 1.25 from the cache, 10.00 of the answer
    assert price("gpt-4o", USAGE) == pytest.approx(0.6 * 2.5 + 0.4 * 1.25 + 0.1 * 10)
    assert price("no-such-model", USAGE) is None


def test_money_is_counted_by_the_models_of_the_scenario() -> None:
    models = [{"id": "gpt-4o"}]
    price = priced(load({"mockdock": 1, "models": models}, files=False).scenario)
    assert price("gpt-4o", USAGE) == priced(BARE)("gpt-4o", USAGE)
    assert price("gpt-4o-mini", USAGE) is None


def test_usage_of_a_file_may_lack_fields_and_have_others() -> None:
    usage = {"prompt_tokens": 1_000_000, "seconds": 3}
    assert priced(BARE)("gpt-4o", usage) == pytest.approx(2.5)


def test_the_policy_is_the_one_given_else_the_scenarios_else_the_default_one() -> None:
    made = [record(1, 0)]
    own = load({"mockdock": 1, "audit": "langchain"}, files=False).scenario
    assert audited(made, BARE).policy.name == "default"
    assert audited(made, own).policy.name == "langchain"
    assert audited(made, own, "openai-node").policy.name == "openai-node"
