"""Replies that contradict what their own rule asks for are found by lint."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.scenario import lint, load

WEATHER = {"name": "get_weather", "arguments": {}}
TIME = {"name": "get_time", "arguments": {}}
OFFER = {"type": "function", "function": {"name": "get_weather"}}


def told(when: dict[str, Any], reply: Any) -> list[str]:
    rules = [{"when": when, "reply": reply}]
    return [found.message for found in lint(load({"mockdock": 1, "rules": rules}).scenario)]


JSON = {"response_format": {"type": "json_object"}}
SCHEMA = {"response_format": {"type": "json_schema"}}


@pytest.mark.parametrize(
    ("when", "reply", "message"),
    [
        (
            {"body": {"parallel_tool_calls": False}},
            {"tool_calls": [WEATHER, TIME]},
            "2 tools are called, but parallel_tool_calls is false",
        ),
        (
            {"body": {"tool_choice": "none"}},
            {"tool_calls": [WEATHER]},
            "a tool is called, but tool_choice is 'none'",
        ),
        (
            {"body": {"tool_choice": "required"}},
            "Hello",
            "no tool is called, but tool_choice demands it",
        ),
        (
            {"body": {"tool_choice": OFFER}},
            {"tool_calls": [TIME]},
            "the tool 'get_time' is called, but tool_choice demands 'get_weather'",
        ),
        (
            {"body": {"tools": [OFFER]}},
            {"tool_calls": [TIME]},
            "the tool 'get_time' is called, but not offered",
        ),
        (
            {"offers_tool": False},
            {"tool_calls": [TIME]},
            "the tool 'get_time' is called, but not offered",
        ),
        (
            {"body": JSON},
            "Hello",
            "the text is not JSON, but response_format is json_object",
        ),
        (
            {"body": SCHEMA},
            {"choices": ["{}", "Hello"]},
            "the text is not JSON, but response_format is json_schema",
        ),
        (
            {"body": JSON},
            {"json": [1]},
            "the JSON is not an object, but response_format is json_object",
        ),
    ],
)
def test_a_reply_no_request_of_its_rule_allows_is_found(
    when: dict[str, Any], reply: Any, message: str
) -> None:
    assert told(when, reply) == [message]


@pytest.mark.parametrize(
    ("when", "reply"),
    [
        ({}, {"tool_calls": [WEATHER, TIME]}),
        ({"offers_tool": "get_weather"}, {"tool_calls": [TIME]}),
        ({"body": {"tools": [{"type": "function"}]}}, {"tool_calls": [TIME]}),
        ({"body": {"tools": "what"}}, {"tool_calls": [TIME]}),
        ({"body": {"tool_choice": {"type": "allowed_tools"}}}, {"tool_calls": [TIME]}),
        ({"body": {"tool_choice": "required"}}, {"reasoning": 10}),
        ({"body": {"tool_choice": OFFER}}, {"tool_calls": [WEATHER]}),
        ({"body": {"response_format": "json_object"}}, "Hello"),
        ({"body": JSON}, {"refusal": "No"}),
        ({"body": JSON}, "${body.answer}"),
        ({"body": JSON}, '{"a": 1}'),
        ({"body": JSON}, {"json": {"a": 1}}),
        ({"body": SCHEMA}, {"json": [1]}),
        ({"body": JSON}, {"error": "rate_limit"}),
    ],
)
def test_a_reply_some_request_allows_is_not_doubted(when: dict[str, Any], reply: Any) -> None:
    assert told(when, reply) == []
