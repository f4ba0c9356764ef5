"""What depends on a scenario alone, made ready once for all engines that have it."""

from __future__ import annotations

from typing import get_args

from mockdock.engine.guards import Guards
from mockdock.engine.limits import Tariff, compile_limits
from mockdock.engine.models import Models
from mockdock.engine.trouble import Trouble
from mockdock.request import DialectName
from mockdock.scenario import AuthKeys, Scenario

__all__ = ["Prepared"]


class Prepared:
    """A scenario's models, gateways, keys, limits and trouble.

    Another ``edition`` of a scenario counts anew how often a fault has struck.
    ``keys`` are the only ones accepted, None where there is no such list. ``tariffs`` are
    what requests of each dialect are charged that has any limits.
    """

    def __init__(self, scenario: Scenario, edition: int = 0) -> None:
        self.scenario = scenario
        self.edition = edition
        self.models = Models(scenario)
        self.gateways = scenario.gateways
        self.guards = Guards(None if scenario.langdb is None else scenario.langdb.guards)
        self.keys = (
            frozenset(key.encode() for key in scenario.auth.keys)
            if isinstance(scenario.auth, AuthKeys)
            else None
        )
        usual, own = compile_limits(scenario.limits), scenario.own_limits
        dialects: tuple[DialectName, ...] = get_args(DialectName)
        every = {name: (*usual, *compile_limits(own.get(name, ()), name)) for name in dialects}
        workspaces = {key: name for name, keys in scenario.workspaces.items() for key in keys}
        self.tariffs = {
            name: Tariff(meters, workspaces) for name, meters in every.items() if meters
        }
        self.trouble = Trouble(scenario, edition=edition)

    def serves(self, scenario: Scenario, edition: int) -> bool:
        """Tell whether it is that of a scenario, and of this edition."""
        return self.scenario is scenario and self.edition == edition
