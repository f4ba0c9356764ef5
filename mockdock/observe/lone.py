"""A rule that comes without a scenario, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mockdock.errors import ScenarioError

__all__ = ["lone_rule"]


@contextmanager
def lone_rule(rule: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give a scenario that holds only this rule; paths of a ScenarioError begin in the rule."""
    try:
        yield {"mockdock": 1, "rules": [rule]}
    except ScenarioError as error:
        raise ScenarioError(
            [each._replace(path=_inner(each.path)) for each in error.problems]
        ) from None


def _inner(path: str) -> str:
    return path.removeprefix("rules[0]").removeprefix(".")
