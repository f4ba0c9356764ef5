"""The audit of clients, by the policy that is meant and at the prices of a scenario."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mockdock.engine.limits import cost
from mockdock.engine.models import catalogue_of
from mockdock.observe.audit import Audit, audit
from mockdock.policy import POLICIES, Policy
from mockdock.reply import Usage
from mockdock.scenario import Scenario, load

__all__ = ["audited"]


def audited(
    records: Iterable[Mapping[str, Any]],
    scenario: Scenario,
    policy: str | Mapping[str, Any] | None = None,
    *,
    otherwise: str = "default",
) -> Audit:
    """Judge clients by the records of a journal.

    By a ready policy of this name, or one in the words of the language; None is
    the scenario's own, else the ready one that ``otherwise`` names. Raises
    ScenarioError for a policy there is not.
    """
    catalogue = catalogue_of(scenario)

    def price(model: str, usage: Mapping[str, Any]) -> float | None:
        known = catalogue.get(model)
        return None if known is None or known.prices is None else cost(known, Usage(**usage))

    return audit(records, _policy(scenario, policy, otherwise), price)


def _policy(scenario: Scenario, given: str | Mapping[str, Any] | None, otherwise: str) -> Policy:
    spec = scenario.audit
    if given is not None:
        spec = load({"mockdock": 1, "audit": given}, files=False).scenario.audit
    return POLICIES[otherwise] if spec is None else spec.to_policy()
