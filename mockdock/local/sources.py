"""Scenarios that come from outside: mappings, and texts with lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockdock.errors import UsageError
from mockdock.scenario import Scenario
from mockdock.scenario.load import Text, load

__all__ = ["read_scenario"]

_NAMED = "scenario.yaml"


def read_scenario(scenario: Mapping[str, Any], *, files: bool) -> Scenario:
    """Read a scenario as :meth:`Verbs.load` takes it. Raises ScenarioError, UsageError."""
    if "yaml" not in scenario:
        return load(scenario, files=files).scenario
    text, name = scenario["yaml"], scenario.get("name", _NAMED)
    if not isinstance(text, str) or not isinstance(name, str) or scenario.keys() - {"yaml", "name"}:
        raise UsageError("a scenario as text is {yaml: TEXT}, perhaps with the name of its file")
    return load(Text(text, name), files=files).scenario
