"""Replies and errors."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from mockdock.scenario import (
    ErrorSpec,
    ReplySpec,
    Rule,
)
from tests.scenario.helpers import refusal


def test_text_is_a_reply() -> None:
    assert ReplySpec.model_validate("hi") == ReplySpec(text="hi")
    assert ReplySpec(text="").text == ""


def test_null_is_a_json_reply() -> None:
    null = ReplySpec.model_validate({"json": None})
    assert "json_" in null.model_fields_set
    assert null.given() == {"json"}
    assert "json_" not in ReplySpec(text="x").model_fields_set


def test_error_marks_an_error() -> None:
    rule = Rule.model_validate({"replies": [{"error": 429}, "ok", {"text": "x"}]})
    assert [type(answer) for answer in rule.answers] == [ErrorSpec, ReplySpec, ReplySpec]
    single = Rule(reply=ErrorSpec(error="quota", retry_after="2s"))
    assert single.answers == (ErrorSpec(error="quota", retry_after="2s"),)
    assert single.location == ""
    assert single.located("a.yaml:3").location == "a.yaml:3"


def test_retry_after_is_in_seconds_or_not_given() -> None:
    assert ErrorSpec(error=500, retry_after="1m").retry_after == 60
    assert ErrorSpec(error=500, retry_after=None).retry_after is None
    assert ErrorSpec(error=500).retry_after is None


@pytest.mark.parametrize("value", ["none", "soon", 5])
def test_retry_after_is_a_duration(value: Any) -> None:
    """There is no word for no header: leave it out."""
    hint = "a duration needs a unit" if value == 5 else f"{value!r} is not a duration"
    assert refusal(ErrorSpec, {"error": 500, "retry_after": value}).startswith(hint)


def test_reply_headers_are_lower_case() -> None:
    assert ErrorSpec(error=500, headers={"X-A": "b"}).headers == {"x-a": "b"}


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"a": "x\r\ny"}, "a header cannot hold control characters"),
        ({"a": " x"}, "a header cannot begin or end with a space"),
        ({"a": "\u20ac"}, "a header is latin-1: no other letters"),
        ({"a b": "x"}, "'a b' is not the name of a header"),
        ({"a": "x", "A": "y"}, "the header 'A' twice"),
        ({"a": "${usr}"}, "unknown name '${usr}' (did you mean '${user}'?)"),
        (
            {"Transfer-Encoding": "x"},
            (
                "the header 'Transfer-Encoding' is the server's own "
                "(it follows from the body; a broken wire is a fault)"
            ),
        ),
    ],
)
def test_impossible_headers_are_refused(headers: dict[str, str], message: str) -> None:
    assert refusal(ErrorSpec, {"error": 500, "headers": headers}) == message


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ({}, 'an empty reply (text: "" is a reply without words)'),
        ({"finish": "length"}, 'an empty reply (text: "" is a reply without words)'),
        ({"text": "a", "json": None}, "'text' and 'json' exclude each other"),
        ({"file": "a", "generate": {}}, "'file' and 'generate' exclude each other"),
        ({"refusal": "a", "tool_calls": [{"name": "x"}]}, "a refusal calls no tools"),
        ({"choices": ["a"], "text": "b"}, "'text' belongs into one of the choices"),
        ({"choices": ["a"], "finish": "stop"}, "'finish' belongs into one of the choices"),
        (
            {"choices": [{"choices": ["a"]}]},
            "'choices' is for the whole reply, not for one choice",
        ),
        (
            {"choices": [{"text": "a", "headers": {"a": "b"}}]},
            "'headers' is for the whole reply, not for one choice",
        ),
        ({"reasoning": -1}, "a number of tokens cannot be negative"),
        ({"reasoning": 10**13}, "10000000000000 is not at most 1e+12"),
        ({"reasoning": 1.5}, "expected a number of tokens or a text, got 1.5"),
        ({"json": float("nan")}, "JSON knows neither infinity nor nan"),
        ({"json": {"a": [2**64]}}, "the number does not fit into 64 bits"),
        ({"json": {"a": {1, 2}}}, "not a JSON value: {1, 2}"),
        ({"json": {1: 2}}, "a JSON key is text, got 1"),
    ],
)
def test_reply_that_makes_no_sense_is_refused(reply: Any, message: str) -> None:
    assert refusal(ReplySpec, reply) == message


@pytest.mark.parametrize(
    "reply",
    [
        {"text": "a", "tool_calls": [{"name": "x", "arguments": "{not json"}]},
        {"reasoning": 12},
        {"reasoning": "thinking", "refusal": "no"},
        {"choices": ["a", {"generate": {"tokens": 3}}], "usage": {"total_tokens": 0}},
        {"tool_calls": [{"name": "x"}], "finish": "stop"},
    ],
)
def test_reply_that_makes_sense_is_accepted(reply: Any) -> None:
    assert ReplySpec.model_validate(reply).given() == set(reply)


def test_deep_and_circular_json_is_refused() -> None:
    """A JSON value made in Python must not end in a RecursionError."""
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(ValidationError, match="nested too deep"):
        ReplySpec(json_=circle)


def test_templates_are_found_with_their_places() -> None:
    reply = ReplySpec.model_validate(
        {
            "choices": [
                {"text": "a", "tool_calls": [{"name": "x", "arguments": {"k": ["b"]}}]},
                {"json": {"k": "c"}},
                {"refusal": "d"},
            ],
            "headers": {"e": "f"},
        }
    )
    assert list(reply.templates()) == [
        (("headers", "e"), "f"),
        (("choices", 0, "text"), "a"),
        (("choices", 0, "tool_calls", 0, "arguments", "k", 0), "b"),
        (("choices", 1, "json", "k"), "c"),
        (("choices", 2, "refusal"), "d"),
    ]
