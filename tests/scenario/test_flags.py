"""Scripted moderations in the language: flags, and where they may stand."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from mockdock.scenario import ReplySpec, Scenario
from mockdock.scenario.lint import lint

JUDGES = {"api": "moderations"}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ([], ()),
        (["violence", "hate"], ("violence", "hate")),
        ({"violence": 1}, {"violence": 1.0}),
        ({}, {}),
        ("auto", "auto"),
    ],
)
def test_flags_are_categories_or_scores(given: Any, read: Any) -> None:
    assert ReplySpec.model_validate({"flagged": given}).flagged == read
    assert ReplySpec.model_validate({"flagged_each": [given, []]}).flagged_each == (read, ())


def test_nothing_is_no_flags() -> None:
    spec = ReplySpec.model_validate({"flagged": None, "flagged_each": None, "text": ""})
    assert (spec.flagged, spec.flagged_each) == (None, None)


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ({"flagged": "none"}, "unknown value 'none'"),
        ({"flagged": 5}, "expected a list of categories, got 5"),
        ({"flagged": True}, "expected a list of categories, got true"),
        ({"flagged": ["violent"]}, "unknown value 'violent', one of: harassment"),
        ({"flagged": [["hate"]]}, "unknown value a list"),
        ({"flagged": {"violent": 1}}, "did you mean 'violence'"),
        ({"flagged": {"hate": "high"}}, "expected a score, got 'high'"),
        ({"flagged": {"hate": True}}, "expected a score, got true"),
        ({"flagged": {"hate": 1.5}}, "1.5 is not a score from 0 to 1"),
        ({"flagged": {"hate": float("nan")}}, "nan is not a score from 0 to 1"),
        ({"flagged_each": []}, "expected a list with flags for each input"),
        ({"flagged_each": "auto"}, "expected a list with flags for each input, got 'auto'"),
        ({"flagged_each": [[]] * 2049}, "at most 2048"),
        ({"flagged_each": [[], ["odd"]]}, "unknown value 'odd'"),
        ({"flagged": [], "flagged_each": [[]]}, "exclude each other"),
        ({"flagged": [], "text": "x"}, "exclude each other"),
        ({"choices": [{"flagged": []}]}, "'flagged' is for the whole reply"),
    ],
)
def test_what_are_no_flags_is_refused(reply: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ReplySpec.model_validate(reply)


def scenario(when: dict[str, Any], reply: Any) -> Scenario:
    """Make a scenario of one rule."""
    return Scenario.model_validate({"mockdock": 1, "rules": [{"when": when, "reply": reply}]})


@pytest.mark.parametrize(
    ("when", "reply", "message"),
    [
        ({}, {"flagged": []}, "'flagged' is for the moderations API"),
        ({"api": "completions"}, {"flagged": []}, "'flagged' is for the moderations API"),
        ({"api": "embeddings"}, {"flagged": "auto"}, "'flagged' is not for the embeddings API"),
        (JUDGES, {"text": "x"}, "'text' is not for the moderations API"),
        (JUDGES, {"embedding": "auto"}, "'embedding' is not for the moderations API"),
        (JUDGES, {"flagged": [], "usage": {"prompt_tokens": 1}}, "'usage' is not for the mod"),
    ],
)
def test_keys_stand_with_their_api(when: Any, reply: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        scenario(when, reply)


def test_headers_pace_and_faults_may_stand_beside() -> None:
    beside = {"headers": {"x-a": "b"}, "pacing": {"ttft": "1s"}, "faults": ["truncate"]}
    assert scenario(JUDGES, {"flagged": [], **beside}).rules


def test_otherwise_holds_no_flags() -> None:
    with pytest.raises(ValidationError, match="'flagged' is for the moderations API"):
        Scenario.model_validate({"mockdock": 1, "otherwise": {"flagged": []}})


@pytest.mark.parametrize(
    ("when", "lacking"), [({"system": "x"}, "system message"), ({"stream": True}, "stream")]
)
def test_conditions_that_no_moderations_request_meets_are_in_vain(
    when: dict[str, Any], lacking: str
) -> None:
    found = lint(scenario({**JUDGES, **when}, {"flagged": []}))
    assert [each.message for each in found] == [
        f"never matches: a request for moderations has no {lacking}"
    ]
    assert not lint(scenario({**JUDGES, "user": "x"}, {"flagged": []}))


def test_a_legacy_completion_has_prompts_and_streams_and_no_conversation() -> None:
    asked = {"api": "completions", "user": "x", "stream": True}
    assert not lint(scenario(asked, "Hello"))
    (found,) = lint(scenario({**asked, "turn": 2}, "Hello"))
    assert found.message == "never matches: a request for completions has no turn"
