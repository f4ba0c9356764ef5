"""Rules and the scenario."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from mockdock.errors import ScenarioError
from mockdock.scenario import (
    AuthKeys,
    CountCondition,
    ErrorSpec,
    GenerateSpec,
    ModelSpec,
    ReplySpec,
    Rule,
    Scenario,
    TextCondition,
    ToolCallSpec,
    When,
    load,
)
from tests.scenario.helpers import refusal


def test_models_api_only_fails() -> None:
    """The list of models is not scripted, only its errors are."""
    assert Rule(when={"api": "models"}, reply={"error": 500}).when.api == "models"
    assert refusal(Rule, {"when": {"api": "models"}, "reply": "x"}) == (
        "the models API can only be answered by an error "
        "(the list of models is not scripted; set it under 'models')"
    )


def test_stored_api_only_fails() -> None:
    """What is stored is not scripted, only errors are."""
    assert Rule(when={"api": "stored"}, reply={"error": 404}).when.api == "stored"
    assert refusal(Rule, {"when": {"api": "stored"}, "replies": [{"error": 500}, "x"]}) == (
        "the stored API can only be answered by an error "
        "(what is stored is not scripted; it is what was asked with store: true)"
    )


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({}, "a rule needs 'reply' or 'replies'"),
        ({"reply": "a", "replies": ["b"]}, "'reply' and 'replies' exclude each other"),
        (
            {"reply": "${match}"},
            "'${match}' without a 'matches' condition (add one to user, system or headers)",
        ),
        (
            {"when": {"user": {"matches": "(?P<x>a)(b)"}}, "reply": "${match.y}"},
            "no 'matches' condition has the group 'y' (groups: x, 0, 1, 2)",
        ),
        (
            {
                "when": {"user": {"not": {"matches": "a"}}},
                "reply": {"error": 500, "message": "${match}"},
            },
            "'${match}' without a 'matches' condition (add one to user, system or headers)",
        ),
    ],
)
def test_rule_that_makes_no_sense_is_refused(rule: Any, message: str) -> None:
    assert refusal(Rule, rule) == message


def test_groups_of_all_patterns_are_known() -> None:
    when = When(user={"matches": "(?P<x>a)"}, headers={"h": {"matches": "(b)(c)"}})
    assert Rule(when=when, reply="${match} ${match.x} ${user} ${match.2}").when is when


def test_scenario_is_built_in_python() -> None:
    scenario = Scenario(
        mockdock=1,
        models=["gpt-4o", ModelSpec(id="mine", context_window=10)],
        auth=AuthKeys(keys=("a",)),
        include="more.yaml",
        rules=(
            Rule(
                when=When(user="weather"),
                reply=ReplySpec(tool_calls=(ToolCallSpec(name="get_weather"),)),
            ),
        ),
        otherwise=ReplySpec(generate=GenerateSpec(kind="lorem")),
    )
    assert scenario.models is not None
    assert scenario.models[0] == ModelSpec(id="gpt-4o")
    assert scenario.include == ("more.yaml",)
    assert scenario.seed == 0
    assert scenario.rules[0].after_last == "repeat"


@pytest.mark.parametrize("otherwise", ["auto", {"text": "x"}, {"error": 404}, None])
def test_otherwise_is_a_word_a_reply_or_an_error(otherwise: Any) -> None:
    scenario = Scenario(mockdock=1, otherwise=otherwise)
    if isinstance(otherwise, dict):
        assert isinstance(scenario.otherwise, ErrorSpec if "error" in otherwise else ReplySpec)
    else:
        assert scenario.otherwise == otherwise


def test_otherwise_has_no_match() -> None:
    assert refusal(Scenario, {"mockdock": 1, "otherwise": {"text": "${match}"}}) == (
        "'${match}' without a 'matches' condition (only rules have one)"
    )


@pytest.mark.parametrize("version", [2, "1", True, 1.0, None])
def test_other_versions_are_named(version: Any) -> None:
    with pytest.raises(ValidationError, match=r"of the language is not known.*write mockdock: 1"):
        Scenario(mockdock=version)


def test_parts_are_immutable() -> None:
    rule = Rule(reply="x")
    with pytest.raises(ValidationError, match="frozen"):
        rule.name = "y"  # type: ignore[misc]


@pytest.mark.parametrize("mode", ["json", "python"])
def test_dump_is_a_scenario_again(mode: Any) -> None:
    """What was given, dumped, means the same: durations are written with a unit."""
    scenario = Scenario.model_validate(
        {
            "mockdock": 1,
            "pacing": {"ttft": {"median": "1.5s", "sigma": 0.3}, "chunk": 4},
            "auth": {"keys": ["k"]},
            "rules": [
                {
                    "when": {"user": {"not": "x"}, "turn": 2, "headers": {"a": False}},
                    "replies": [{"json": None}, {"error": 429, "retry_after": "3ms"}],
                    "set_state": {"a": True, "b": 1, "c": 1.5, "d": None, "e": "x"},
                },
                {"reply": {"error": "quota", "retry_after": "1.5h"}},
            ],
        }
    )
    dumped = scenario.model_dump(mode=mode, by_alias=True, exclude_unset=True)
    assert Scenario.model_validate(dumped) == scenario


@pytest.mark.parametrize(
    ("kind", "value"),
    [(TextCondition, 3), (CountCondition, True), (ModelSpec, [1]), (ReplySpec, None)],
)
def test_neither_shorthand_nor_mapping(kind: Any, value: object) -> None:
    assert refusal(kind, value).startswith("expected ")


@pytest.mark.parametrize(
    ("deployments", "problem"),
    [
        ({"chat": "gpt-4.1"}, "azure.deployments.chat: 'gpt-4.1' is not among the 'models'"),
        ({"a/b": "gpt-4o"}, "azure.deployments['a/b']: no path can name a deployment with a slash"),
        ({"chat": "openai/gpt-4o", "tuned": "ft:gpt-4o:me::1"}, ""),
    ],
)
def test_a_deployment_can_be_reached_and_has_a_model(
    deployments: dict[str, str], problem: str
) -> None:
    asked = {"mockdock": 1, "models": ["gpt-4o"], "azure": {"deployments": deployments}}
    if not problem:
        load(asked)
        return
    with pytest.raises(ScenarioError) as caught:
        load(asked)
    assert problem in str(caught.value)
