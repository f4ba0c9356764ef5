"""The models a scenario knows, and where their facts come from."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.content import catalogue
from mockdock.engine.models import catalogue_of
from tests.engine.helpers import scenario


def test_without_a_list_the_built_in_catalogue_is_used() -> None:
    assert catalogue_of(scenario()) is catalogue.load()


def test_a_list_is_all_there_is_in_its_order() -> None:
    models = catalogue_of(scenario(models=["gpt-4o-mini", "mine", "gpt-4o"]))
    assert [each.id for each in models.all()] == ["gpt-4o-mini", "mine", "gpt-4o"]
    assert models.get("o3") is None


def test_a_known_model_keeps_the_facts_that_are_not_given() -> None:
    models = catalogue_of(scenario(models=["gpt-4o", {"id": "gpt-4o-mini", "context_window": 9}]))
    assert models.get("gpt-4o") == catalogue.load().get("gpt-4o")
    mini, known = models.resolve("gpt-4o-mini"), catalogue.load().resolve("gpt-4o-mini")
    assert mini.context_window == 9
    assert (mini.snapshot, mini.encoding) == (known.snapshot, known.encoding)


def test_an_empty_list_knows_no_model() -> None:
    assert catalogue_of(scenario(models=[])).all() == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("snapshot", "mine-2026-01-01"),
        ("owned_by", "me"),
        ("encoding", "cl100k_base"),
        ("context_window", 1234),
        ("max_output_tokens", 56),
        ("reasoning", True),
        ("reasoning", False),
        ("dimensions", 768),
    ],
)
def test_every_fact_of_a_model_can_be_given(field: str, value: Any) -> None:
    model = catalogue_of(scenario(models=[{"id": "o3", field: value}])).resolve("o3")
    assert getattr(model, field) == value
    assert model.id == "o3"


def test_what_is_given_is_no_longer_assumed() -> None:
    given = {"id": "mine", "max_output_tokens": 7, "reasoning": False}
    model = catalogue_of(scenario(models=[given])).resolve("mine")
    assert model.assumed == ("context_window", "created", "encoding", "kind")


def test_what_is_not_given_stays_assumed() -> None:
    model = catalogue_of(scenario(models=["mine"])).resolve("mine")
    assert model.assumed == catalogue.load().resolve("mine").assumed
    assert "max_output_tokens" in model.assumed
