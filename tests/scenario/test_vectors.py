"""Scripted embeddings in the language: vectors, and where they may stand."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.scenario import ReplySpec, Scenario, lint
from mockdock.scenario.models import ModelSpec, Rule
from tests.scenario.helpers import refusal

EMBEDS = {"api": "embeddings"}


def test_a_vector_is_a_list_of_numbers() -> None:
    assert ReplySpec.model_validate({"embedding": [1, 0.5]}).embedding == (1.0, 0.5)
    assert ReplySpec.model_validate({"embedding": "auto"}).embedding == "auto"
    assert ReplySpec.model_validate({"embedding": None, "text": ""}).embedding is None


def test_vectors_are_lists_of_one_length() -> None:
    spec = ReplySpec.model_validate({"embeddings": [[1, 0], [0, 1]]})
    assert spec.embeddings == ((1.0, 0.0), (0.0, 1.0))
    assert ReplySpec.model_validate({"embeddings": None, "text": ""}).embeddings is None


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ({"embedding": "none"}, "unknown value 'none'"),
        ({"embedding": 5}, "expected a list of numbers, got 5"),
        ({"embedding": []}, "a vector has 1 to 8192 numbers, not 0"),
        ({"embedding": [0] * 8193}, "a vector has 1 to 8192 numbers, not 8193"),
        ({"embedding": ["a"]}, "expected a number, got 'a'"),
        ({"embedding": [True]}, "expected a number, got true"),
        ({"embedding": [1e39]}, "does not fit into a float of 32 bits"),
        ({"embedding": [float("nan")]}, "does not fit into a float of 32 bits"),
        ({"embeddings": []}, "expected a list of vectors"),
        ({"embeddings": 5}, "expected a list of vectors, got 5"),
        ({"embeddings": [[1]] * 2049}, "expected a list of vectors"),
        ({"embeddings": [[1], 2]}, "expected a list of numbers, got 2"),
        ({"embeddings": [[1], [1, 2]]}, "a vector of 2 numbers among those of 1"),
        ({"embedding": [1], "text": "x"}, "'text' and 'embedding' exclude each other"),
        ({"embedding": [1], "embeddings": [[1]]}, "exclude each other"),
        ({"choices": [{"embedding": [1]}]}, "'embedding' is for the whole reply"),
    ],
)
def test_what_is_no_vector_is_refused(reply: dict[str, Any], message: str) -> None:
    assert message in refusal(ReplySpec, reply)


@pytest.mark.parametrize(
    ("when", "reply", "message"),
    [
        ({}, {"embedding": [1]}, "'embedding' is for the embeddings API"),
        ({"api": "chat"}, {"embeddings": [[1]]}, "'embeddings' is for the embeddings API"),
        (EMBEDS, {"text": "x"}, "'text' is not for the embeddings API"),
        (EMBEDS, {"embedding": [1], "finish": "stop"}, "'finish' is not for the embeddings API"),
    ],
)
def test_vectors_stand_where_vectors_are_asked_for(when: Any, reply: Any, message: str) -> None:
    assert message in refusal(Rule, {"when": when, "reply": reply})


def test_the_place_of_what_is_wrong_is_told() -> None:
    with pytest.raises(ValueError, match="embedding") as caught:
        Rule.model_validate({"replies": ["Hello!", {"embedding": [1]}]})
    (complaint,) = caught.value.errors()[0]["ctx"]["complaints"]  # type: ignore[attr-defined]
    assert complaint.at == ("replies", 1, "embedding")


@pytest.mark.parametrize(
    "reply",
    [
        {"embedding": "auto", "headers": {"x-mine": "1"}, "pacing": {"ttft": "1s"}},
        {"embedding": [1], "usage": {"prompt_tokens": 3}, "faults": ["truncate"]},
        {"error": "rate_limit"},
    ],
)
def test_what_goes_with_vectors_is_taken(reply: Any) -> None:
    assert Rule.model_validate({"when": EMBEDS, "reply": reply}).answers


def test_otherwise_is_not_for_vectors() -> None:
    wrong = {"mockdock": 1, "otherwise": {"embedding": [1]}}
    assert "'embedding' is for the embeddings API" in refusal(Scenario, wrong)


def test_a_model_may_have_a_length_of_its_embeddings() -> None:
    assert ModelSpec.model_validate({"id": "mine", "dimensions": 24}).dimensions == 24
    assert "8192" in refusal(ModelSpec, {"id": "mine", "dimensions": 8193})


def found(when: dict[str, Any]) -> list[str]:
    """Give what is in vain of a rule for embeddings with more conditions."""
    rule = {"when": {**EMBEDS, **when}, "reply": {"embedding": "auto"}}
    return [one.message for one in lint(Scenario.model_validate({"mockdock": 1, "rules": [rule]}))]


@pytest.mark.parametrize(
    ("when", "lacking"),
    [
        ({"system": "x"}, "system message"),
        ({"turn": 2}, "turn"),
        ({"offers_tool": True}, "tools"),
        ({"stream": True}, "stream"),
    ],
)
def test_conditions_that_no_embeddings_request_meets_are_in_vain(
    when: dict[str, Any], lacking: str
) -> None:
    assert found(when) == [f"never matches: a request for embeddings has no {lacking}"]


def test_what_is_embedded_can_be_asked_for() -> None:
    assert found({"user": "cats", "model": "text-*"}) == []
