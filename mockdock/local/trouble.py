"""The trouble of a scenario, set while serving; and how its limits stand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mockdock.engine import Gauge, gauges
from mockdock.errors import UsageError
from mockdock.observe import redact
from mockdock.observe.verbs import TROUBLE, LimitCard
from mockdock.scenario import Scenario, load
from mockdock.sessions import Session

__all__ = ["limit_cards", "read_trouble", "trouble_of"]

_IN_TIME = ("bucket", "fixed", "sliding")


def trouble_of(scenario: Scenario) -> dict[str, Any]:
    """Give the trouble of a scenario, in the words of the language; what is not set is empty."""
    empty = Scenario(mockdock=1).model_dump(mode="json", include=set(TROUBLE))
    held = scenario.model_dump(mode="json", by_alias=True, exclude_unset=True, include=set(TROUBLE))
    return {name: held.get(name, empty[name]) for name in TROUBLE}


def read_trouble(trouble: Mapping[str, Any]) -> dict[str, Any]:
    """Read parts of a scenario; None is an absent one. Raises ScenarioError, UsageError."""
    if unknown := [name for name in trouble if name not in TROUBLE]:
        known = ", ".join(TROUBLE)
        raise UsageError(f"{unknown[0]!r} is no trouble that can be set; there are: {known}")
    given = {name: value for name, value in trouble.items() if value is not None}
    read = load({"mockdock": 1, **given}, files=False).scenario
    return {name: getattr(read, name) for name in trouble}


def limit_cards(held: Session, session: str, *, secrets: bool) -> list[LimitCard]:
    """Tell how the limits of a session stand now; keys are hidden unless ``secrets`` are wanted."""
    engine, scenario = held.engine, held.engine.scenario
    found = gauges(
        scenario.limits,
        engine.store,
        session,
        held.age,
        alone=bool(held.key),
        own=scenario.own_limits,
    )
    return [_card(each, secrets=secrets) for each in found]


def _card(gauge: Gauge, *, secrets: bool) -> LimitCard:
    meter, of = gauge.meter, dict(gauge.of)
    if of.get("key") and not secrets:
        of["key"] = redact.headers({"authorization": of["key"]})["authorization"]
    return LimitCard(
        measure=meter.measure,
        counts=meter.counts,
        algorithm=meter.algorithm,
        limit=meter.limit,
        window=meter.window if meter.algorithm in _IN_TIME else None,
        per=meter.per,
        of=of,
        used=gauge.used,
        remaining=gauge.remaining,
        reset=_finite(gauge.reset),
        wait=_finite(gauge.wait),
    )


def _finite(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) else None
