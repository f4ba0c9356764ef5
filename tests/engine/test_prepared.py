"""What is made ready of a scenario, and that engines share it."""

from __future__ import annotations

import pytest

from mockdock.app import App
from mockdock.engine import Engine
from mockdock.engine.prepared import Prepared
from mockdock.local.verbs import LocalVerbs
from mockdock.observe.verbs import Opening
from tests.engine.helpers import scenario

FIRST, SECOND = scenario("Hi"), scenario("Hi", auth={"keys": ["one"]})


def test_it_is_made_once_however_often_an_engine_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = Engine(FIRST)
    monkeypatch.setattr(Prepared, "__init__", None)
    assert begun.changed(seed=3).changed(added=(), otherwise="fail").prepared is begun.prepared


def test_another_scenario_or_edition_of_it_has_its_own() -> None:
    begun = Engine(FIRST)
    other, anew = begun.changed(scenario=SECOND), begun.changed(scenario=FIRST)
    assert (begun.prepared.keys, other.prepared.keys) == (None, frozenset([b"one"]))
    assert (begun.prepared.edition, anew.prepared.edition) == (0, 1)


def test_a_session_shares_that_of_the_server_as_long_as_it_has_its_scenario() -> None:
    app = App(Engine(FIRST))
    verbs = LocalVerbs(app, lambda: "")
    verbs.open("mine", Opening())
    verbs.open("other", Opening(scenario={"mockdock": 1, "rules": [{"reply": "Hi"}]}))
    mine, other = (app.sessions.of(name).engine.prepared for name in ("mine", "other"))
    assert mine is app.engine.prepared
    assert other is not mine


def test_the_meters_of_a_dialect_are_all_that_hold_for_it() -> None:
    limits = [{"per": "key", "rpm": 5}]
    spec = scenario("Hi", limits=limits, langdock={"limits": [{"per": "key", "tpm": 7}]})
    tariffs = Prepared(spec).tariffs
    told = {name: [each.measure for each in found.meters] for name, found in tariffs.items()}
    assert (told["openai"], told["langdock"]) == (["rpm"], ["rpm", "tpm"])
