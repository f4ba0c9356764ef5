"""Parts of the language that are imported with the first scenario that has them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from mockdock.errors import ScenarioError
from mockdock.scenario import Scenario, load
from mockdock.scenario.audit import AuditSpec
from mockdock.scenario.langdb import LangDBSpec
from mockdock.scenario.seldom import Seldom

GIVEN = {"audit": "openai-python", "langdb": {"project": "p", "virtual_models": {}}}


def scenario(**parts: Any) -> Scenario:
    return Scenario.model_validate({"mockdock": 1, **parts})


@pytest.mark.parametrize(("key", "model"), [("audit", AuditSpec), ("langdb", LangDBSpec)])
def test_such_a_part_is_read_as_its_model_reads_it(key: str, model: Any) -> None:
    (seldom,) = Scenario.model_fields[key].metadata
    assert isinstance(seldom, Seldom)
    assert seldom.model is model
    said = getattr(scenario(**GIVEN), key)
    assert said == model.model_validate(GIVEN[key])
    assert getattr(scenario(**{key: said}), key) is said, "one that is made already stays"


@pytest.mark.parametrize("key", GIVEN)
def test_none_is_as_good_as_absent(key: str) -> None:
    assert getattr(scenario(**{key: None}), key) is None
    assert getattr(scenario(), key) is None


def test_it_is_written_as_its_model_is() -> None:
    """Without what was not said, where that is asked for."""
    made = scenario(**GIVEN)
    for options in ({"exclude_unset": True}, {"mode": "json"}, {"by_alias": True}):
        written = made.model_dump(**options)
        assert made.langdb is not None
        assert written["langdb"] == made.langdb.model_dump(**options)
        assert scenario(**written) == made
    assert made.model_dump(exclude_unset=True)["langdb"] == GIVEN["langdb"]


def test_what_is_wrong_in_it_is_told_with_its_place_in_the_whole() -> None:
    with pytest.raises(ValidationError) as caught:
        scenario(langdb={"project": 1, "projcts": []}, audit=[])
    places = {each["loc"] for each in caught.value.errors()}
    assert places >= {("langdb", "project"), ("langdb", "projcts")}
    assert {place[0] for place in places} == {"langdb", "audit"}


def test_a_mistyped_key_in_it_gets_the_nearest_word() -> None:
    with pytest.raises(ScenarioError, match=r"^langdb\.projcts: unknown key .*'projects'"):
        load({"mockdock": 1, "langdb": {"projcts": []}})


def test_its_keys_are_those_of_a_file() -> None:
    """Not the names that Python has for them, as anywhere else in a scenario."""
    guard = {"not_": {"contains": "x"}}
    with pytest.raises(ScenarioError, match=r"^langdb\.guards\.g\.not_: unknown key 'not_'"):
        load({"mockdock": 1, "langdb": {"project": "p", "guards": {"g": guard}}})
