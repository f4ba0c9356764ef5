"""What a scenario says of virtual models and guards, and what it may not."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from mockdock.errors import ScenarioError
from mockdock.gateways import VirtualModel
from mockdock.scenario import GuardSpec, Scenario, load
from mockdock.scenario.export import json_schema
from mockdock.scenario.langdb import LangDBSpec
from tests.scenario.helpers import refusal

FULL: dict[str, Any] = {
    "virtual_models": {
        "bot": {
            "model": "openai/gpt-4o",
            "messages": [{"content": "Be kind."}, {"role": "user", "content": "Hi"}],
            "parameters": {
                "temperature": 0.5,
                "stop": "x",
                "tools": [],
                "extra": {"guards": ["a"]},
            },
        },
        "plain": {"model": "gpt-4o"},
    },
    "guards": {
        "a": "pass",
        "b": {"stage": "output", "verdict": "fail"},
        "c": {"contains": ["x", "y"], "not": "z"},
    },
}


def test_a_virtual_model_becomes_what_goes_on_the_wire() -> None:
    settings = LangDBSpec.model_validate(FULL).settings()
    messages = ({"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"})
    parameters = {"temperature": 0.5, "stop": ["x"], "tools": [], "extra": {"guards": ["a"]}}
    assert settings.virtual_models == {
        "bot": VirtualModel("openai/gpt-4o", messages, parameters),
        "plain": VirtualModel("gpt-4o"),
    }


def test_all_of_it_fits_the_schema() -> None:
    jsonschema.validate({"mockdock": 1, "langdb": FULL}, json_schema())
    wrong = {"mockdock": 1, "langdb": {"guards": {"a": "maybe"}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, json_schema())


@pytest.mark.parametrize(
    ("langdb", "message"),
    [
        (
            {"virtual_models": {"a/b": {"model": "gpt-4o"}}},
            (
                "a virtual model has a bare name; clients ask for langdb/a/b (leave out what is "
                "before the slash)"
            ),
        ),
        (
            {"project": "demo", "projects": ["a", "b"]},
            "'demo' is not among the 'projects' (projects: a, b)",
        ),
        (
            {"virtual_models": {"a": {"model": "langdb/b"}}},
            "'langdb/b' is a virtual model itself (name the model that answers)",
        ),
        (
            {"virtual_models": {"a": {"model": "router/dynamic"}}},
            "'router/dynamic' needs a router (parameters: {router: ...})",
        ),
    ],
)
def test_a_virtual_model_that_cannot_answer_is_refused(langdb: Any, message: str) -> None:
    assert refusal(LangDBSpec, langdb) == message


@pytest.mark.parametrize(
    ("langdb", "message"),
    [
        ({"projects": []}, "without any project all is refused (leave it out)"),
        (
            {"project": "c", "projects": ["a", "b"]},
            "'c' is not among the 'projects' (projects: a, b)",
        ),
    ],
)
def test_the_usual_project_is_one_that_is_there(langdb: Any, message: str) -> None:
    assert refusal(LangDBSpec, langdb) == message


def test_a_virtual_model_answers_with_a_listed_model() -> None:
    virtual = {"virtual_models": {"a": {"model": "openai/gpt-4.1"}}}
    spec = {"mockdock": 1, "models": ["gpt-4o", "openai/o3"], "langdb": virtual}
    message = "'openai/gpt-4.1' is not among the 'models' (models: gpt-4o, openai/o3)"
    assert refusal(Scenario, spec) == message
    for model in ("openai/gpt-4o", "gpt-4o", "openai/o3", "ft:gpt-4o:me::1"):
        virtual = {"virtual_models": {"a": {"model": model}}}
        assert load({**spec, "langdb": virtual}).scenario.models is not None


@pytest.mark.parametrize(
    ("guard", "message"),
    [
        (
            "maybe",
            "unknown value 'maybe', one of: pass, fail, or a condition such as {contains: ...}",
        ),
        (
            [1],
            (
                "expected a word or a mapping, got a list (pass, fail, or a condition on the text "
                "that is not let pass, such as {contains: ...})"
            ),
        ),
        (
            {"stage": "output"},
            (
                "a guard without a verdict (pass, fail, or a condition on the text that is not let "
                "pass, such as {contains: ...})"
            ),
        ),
        (
            {"verdict": "fail", "contains": "x"},
            "'verdict' and a condition exclude each other",
        ),
    ],
)
def test_a_guard_has_a_verdict_or_a_condition(guard: Any, message: str) -> None:
    assert refusal(GuardSpec, guard) == message


def test_an_error_names_file_and_place() -> None:
    with pytest.raises(ScenarioError, match="tmperature"):
        load({"mockdock": 1, "langdb": {"virtual_models": {"a": {"model": "b", "tmperature": 1}}}})
