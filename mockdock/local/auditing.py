"""The audit of clients, by the policy that is meant and at the prices of a scenario."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mockdock.content.pricing import cost
from mockdock.engine.models import catalogue_of
from mockdock.observe.audit import Audit, Price, audit
from mockdock.policy import Policy
from mockdock.reply import Usage
from mockdock.scenario import Scenario, load

__all__ = ["PARTS", "audited", "priced"]

PARTS = ("models", "audit")
"""Parts of a scenario that an audit goes by: prices, and the policy."""


def audited(
    records: Iterable[Mapping[str, Any]],
    scenario: Scenario,
    policy: str | Mapping[str, Any] | None = None,
) -> Audit:
    """Judge clients by the records of a journal.

    By a ready policy of this name, or one in the words of the language; None is
    the scenario's own, else the default one. Raises ScenarioError for a policy there
    is not.
    """
    return audit(records, _policy(scenario, policy), priced(scenario))


def priced(scenario: Scenario) -> Price:
    """Give what tells the cost of tokens in US dollars by the models of a scenario.

    None where the price of a model is not known.
    """
    catalogue = catalogue_of(scenario)

    def price(model: str, usage: Mapping[str, int]) -> float | None:
        known = catalogue.get(model)
        if known is None or known.prices is None:
            return None
        return cost(known, Usage(**{name: usage.get(name, 0) for name in Usage.__struct_fields__}))

    return price


def _policy(scenario: Scenario, given: str | Mapping[str, Any] | None) -> Policy:
    spec = scenario.audit
    if given is not None:
        spec = load({"mockdock": 1, "audit": given}, files=False).scenario.audit
    return Policy() if spec is None else spec.to_policy()
