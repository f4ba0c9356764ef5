"""The conditions of a rule."""

from __future__ import annotations

import pytest

from mockdock.scenario import (
    CountCondition,
    TextCondition,
    When,
)
from tests.scenario.helpers import refusal


def test_text_means_contains() -> None:
    assert TextCondition.model_validate("hi") == TextCondition(contains=("hi",))
    assert TextCondition.model_validate({"contains": "hi"}).contains == ("hi",)
    assert TextCondition.model_validate({"contains": ["a", "b"]}).contains == ("a", "b")
    nested = TextCondition.model_validate({"not": {"matches": "a+"}})
    assert nested.not_ is not None
    assert nested.not_.pattern is not None
    assert nested.not_.pattern.pattern == "a+"
    assert nested.pattern is None


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("a(b", "not a regular expression: missing ), unterminated subpattern at position 1"),
        ("a{99999999999999}", "the regular expression is too large"),
        ("(" * 5000 + ")" * 5000, "the regular expression is too large"),
    ],
)
def test_wrong_pattern_is_refused(pattern: str, message: str) -> None:
    assert refusal(TextCondition, {"matches": pattern}) == message


def test_doubtful_pattern_is_accepted_without_a_warning() -> None:
    assert TextCondition(matches="[[a]").pattern is not None


def test_number_is_a_count() -> None:
    assert CountCondition.model_validate(2) == CountCondition(at_least=2, at_most=2)
    assert refusal(CountCondition, -1) == "a count cannot be -1"
    assert refusal(CountCondition, {}) == "an empty condition (a number, or at_least and at_most)"


def test_model_takes_a_glob_or_several() -> None:
    assert When(model="gpt-*").model == ("gpt-*",)
    assert When(model=["a", "b"]).model == ("a", "b")


def test_header_names_are_lower_case() -> None:
    when = When(headers={"X-A": True, "x-b": "c"})
    assert when.headers == {"x-a": True, "x-b": TextCondition(contains=("c",))}
    assert refusal(When, {"headers": {"X-A": True, "x-a": False}}) == "the header 'x-a' twice"
    assert refusal(When, {"headers": {"x a": True}}) == "'x a' is not the name of a header"


def test_tools_are_a_switch_or_a_glob() -> None:
    assert When(after_tool=True, offers_tool="get_*").offers_tool == "get_*"
    assert refusal(When, {"after_tool": ""}).startswith("the name of a tool is empty")
    assert refusal(When, {"after_tool": 1}).startswith("expected true, false or the name")


def test_patterns_come_from_user_system_and_headers() -> None:
    when = When(
        headers={"a": {"matches": "3"}, "b": True, "c": "x"},
        system={"matches": "2"},
        user={"matches": "1"},
    )
    assert [pattern.pattern for pattern in when.patterns] == ["1", "2", "3"]
