"""Scenarios and rules made ready for a server that sees none of this machine's files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mockdock.observe.lone import lone_rule
from mockdock.scenario.load import load

__all__ = ["portable_rule", "portable_scenario"]

_FILES = ("file", "include")


def portable_scenario(scenario: Mapping[str, Any]) -> dict[str, Any]:
    """Give a scenario as plain JSON values that name no files; theirs are read here.

    One as a text stays so, and what it names is refused by the server.
    Raises ScenarioError, where something had to be read, for whatever is wrong.
    """
    if "yaml" in scenario or _is_portable(scenario):
        return dict(scenario)
    read = load(scenario).scenario
    return read.model_dump(mode="json", by_alias=True, exclude_unset=True)


def portable_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """Give a rule as :func:`portable_scenario` gives a scenario."""
    if _is_portable(rule):
        return dict(rule)
    with lone_rule(rule) as scenario:
        ready: dict[str, Any] = portable_scenario(scenario)["rules"][0]
        return ready


def _is_portable(value: object) -> bool:
    if isinstance(value, Mapping):
        names_files = any(name in value for name in _FILES)
        return not names_files and all(
            isinstance(key, str) and _is_portable(inner) for key, inner in value.items()
        )
    if isinstance(value, list | tuple):
        return all(_is_portable(inner) for inner in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, str | int)
