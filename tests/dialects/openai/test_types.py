"""Refusals of values that have the wrong JSON type, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dialects.openai.calls import (
    HELLO,
    asks,
    called,
    custom,
    located,
    refused,
    small,
    told,
    tool,
)

A_STRING = "a string"
A_DECIMAL = "a decimal"
AN_INTEGER = "an integer"
A_BOOLEAN = "a boolean"
AN_OBJECT = "an object"
OBJECTS = "an array of objects"
STRINGS = "an array of strings"
CONTENT = "one of a string or array of objects"
CHOICE = "one of one of 'none', 'auto', or 'required' or object"
TIERS = "one of 'auto', 'default', 'flex', 'scale', 'priority', or 'fast'"
EFFORTS = "one of 'none', 'minimal', 'low', 'medium', 'high', 'xhigh', or 'max'"

TYPES: list[tuple[str, dict[str, Any], str, str]] = [
    ("model", {"model": 5}, A_STRING, "an integer"),
    ("model", {"model": 0.0}, A_STRING, "a decimal number"),
    ("model", {"model": False}, A_STRING, "a boolean"),
    ("model", {"model": []}, A_STRING, "an array"),
    ("messages", {"messages": None}, OBJECTS, "null"),
    ("messages", {"messages": "Hi"}, OBJECTS, "a string"),
    ("messages", {"messages": HELLO}, OBJECTS, "an object"),
    ("messages[1]", {"messages": [HELLO, "Hi"]}, AN_OBJECT, "a string"),
    ("messages[0].role", {"messages": [{"role": 5}]}, A_STRING, "an integer"),
    ("messages[0].role", {"messages": [{"role": None}]}, A_STRING, "null"),
    ("messages[0].role", {"messages": [{"role": {}}]}, A_STRING, "an object"),
    ("messages[0].name", {"messages": [{**HELLO, "name": 5}]}, A_STRING, "an integer"),
    (
        "messages[0].content",
        {"messages": [{"role": "developer", "content": None}]},
        CONTENT,
        "null",
    ),
    ("messages[2].content", asks({}), CONTENT, "an object"),
    ("messages[2].content", asks(5), CONTENT, "an integer"),
    ("messages[2].content[0]", asks(["x"]), AN_OBJECT, "a string"),
    ("messages[2].content[0].text", asks([{"type": "text", "text": 5}]), A_STRING, "an integer"),
    (
        "messages[2].content[0].image_url",
        asks([{"type": "image_url", "image_url": "https://x"}]),
        AN_OBJECT,
        "a string",
    ),
    (
        "messages[1].tool_calls[0].id",
        called(type="custom", id=5, custom={}),
        A_STRING,
        "an integer",
    ),
    (
        "messages[1].tool_calls[0].function.arguments",
        called(type="function", id="c", function={"name": "f", "arguments": {}}),
        A_STRING,
        "an object",
    ),
    (
        "messages[0].tool_calls",
        {"messages": [{"role": "assistant", "tool_calls": {}}]},
        OBJECTS,
        "an object",
    ),
    ("temperature", {"temperature": "1"}, A_DECIMAL, "a string"),
    ("temperature", {"temperature": True}, A_DECIMAL, "a boolean"),
    ("top_p", {"top_p": []}, A_DECIMAL, "an array"),
    ("frequency_penalty", {"frequency_penalty": "0"}, A_DECIMAL, "a string"),
    ("presence_penalty", {"presence_penalty": {}}, A_DECIMAL, "an object"),
    ("max_tokens", {"max_tokens": 1.5}, AN_INTEGER, "a decimal number"),
    ("max_tokens", {"max_tokens": 1.0}, AN_INTEGER, "a decimal number"),
    ("max_completion_tokens", {"max_completion_tokens": "9"}, AN_INTEGER, "a string"),
    ("n", {"n": True}, AN_INTEGER, "a boolean"),
    ("seed", {"seed": "x"}, AN_INTEGER, "a string"),
    ("top_logprobs", {"top_logprobs": []}, AN_INTEGER, "an array"),
    ("stream", {"stream": "true"}, A_BOOLEAN, "a string"),
    ("store", {"store": 1}, A_BOOLEAN, "an integer"),
    ("logprobs", {"logprobs": 1}, A_BOOLEAN, "an integer"),
    ("parallel_tool_calls", {"parallel_tool_calls": None}, A_BOOLEAN, "null"),
    ("parallel_tool_calls", {"parallel_tool_calls": "no"}, A_BOOLEAN, "a string"),
    ("stream_options", {"stream_options": True}, AN_OBJECT, "a boolean"),
    (
        "stream_options.include_usage",
        {"stream_options": {"include_usage": 1}},
        A_BOOLEAN,
        "an integer",
    ),
    ("stop", {"stop": 5}, "one of a string or array of strings", "an integer"),
    ("stop[1]", {"stop": ["a", None]}, A_STRING, "null"),
    ("modalities", {"modalities": "text"}, STRINGS, "a string"),
    ("modalities[0]", {"modalities": [5]}, "one of 'text' or 'audio'", "an integer"),
    ("metadata", {"metadata": []}, "a metadata object", "an array"),
    ("metadata.a", {"metadata": {"a": 5}}, A_STRING, "an integer"),
    ("logit_bias", {"logit_bias": []}, AN_OBJECT, "an array"),
    ("logit_bias.50256", {"logit_bias": {"50256": "x"}}, AN_INTEGER, "a string"),
    ("logit_bias.50256", {"logit_bias": {"50256": 0.5}}, AN_INTEGER, "a decimal number"),
    ("logit_bias.50256", {"logit_bias": {"50256": 1.0}}, AN_INTEGER, "a decimal number"),
    ("logit_bias.50256", {"logit_bias": {"50256": True}}, AN_INTEGER, "a boolean"),
    ("user", {"user": 5}, A_STRING, "an integer"),
    ("safety_identifier", {"safety_identifier": {}}, A_STRING, "an object"),
    ("prompt_cache_key", {"prompt_cache_key": 1}, A_STRING, "an integer"),
    ("prompt_cache_options", {"prompt_cache_options": "x"}, AN_OBJECT, "a string"),
    ("prompt_cache_options", {"prompt_cache_options": ["ttl"]}, AN_OBJECT, "an array"),
    ("service_tier", {"service_tier": 5}, TIERS, "an integer"),
    ("reasoning_effort", {"reasoning_effort": 5}, EFFORTS, "an integer"),
    ("verbosity", {"verbosity": False}, "one of 'low', 'medium', or 'high'", "a boolean"),
    ("tools", {"tools": {}}, OBJECTS, "an object"),
    ("tools[0]", {"tools": ["f"]}, AN_OBJECT, "a string"),
    ("tools[0].type", {"tools": [{"type": 5}]}, A_STRING, "an integer"),
    (
        "tools[0].function.parameters",
        {"tools": tool(name="f", parameters=[])},
        AN_OBJECT,
        "an array",
    ),
    ("tools[0].function.strict", {"tools": tool(name="f", strict="no")}, A_BOOLEAN, "a string"),
    ("tools[0].custom.format", custom("text"), AN_OBJECT, "a string"),
    ("tools[0].custom.format.type", custom({"type": 5}), A_STRING, "an integer"),
    (
        "tools[0].custom.format.grammar",
        custom({"type": "grammar", "grammar": "start: A"}),
        AN_OBJECT,
        "a string",
    ),
    (
        "tools[0].custom.format.grammar.definition",
        custom({"type": "grammar", "grammar": {"definition": {}, "syntax": "lark"}}),
        A_STRING,
        "an object",
    ),
    ("tool_choice", {"tool_choice": 5}, CHOICE, "an integer"),
    ("tool_choice", {"tool_choice": []}, CHOICE, "an array"),
    (
        "tool_choice.function.name",
        {"tool_choice": {"type": "function", "function": {"name": None}}},
        A_STRING,
        "null",
    ),
    (
        "tool_choice.allowed_tools.tools[0]",
        {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [5]}}},
        AN_OBJECT,
        "an integer",
    ),
    ("functions", {"functions": "f"}, "an array of function definitions", "a string"),
    ("function_call", {"function_call": 5}, "one of a string or object", "an integer"),
    ("response_format", {"response_format": "json_object"}, AN_OBJECT, "a string"),
    (
        "response_format.json_schema.schema",
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": "x"}}},
        AN_OBJECT,
        "a string",
    ),
    (
        "prediction.content",
        {"prediction": {"type": "content", "content": 5}},
        CONTENT,
        "an integer",
    ),
    ("web_search_options", {"web_search_options": True}, AN_OBJECT, "a boolean"),
    (
        "web_search_options.user_location",
        {"web_search_options": {"user_location": "Paris"}},
        AN_OBJECT,
        "a string",
    ),
    (
        "web_search_options.user_location.approximate.city",
        {"web_search_options": {"user_location": located(city=75)}},
        A_STRING,
        "an integer",
    ),
    ("audio", {"audio": "alloy"}, AN_OBJECT, "a string"),
    ("moderation", {"moderation": "x"}, AN_OBJECT, "a string"),
    ("moderation.model", {"moderation": {"model": 5}}, A_STRING, "an integer"),
]


@pytest.mark.parametrize(
    ("param", "fields", "wanted", "got"), TYPES, ids=[f"{row[0]}-{row[3]}" for row in TYPES]
)
def test_a_value_has_the_wrong_type(
    param: str, fields: dict[str, Any], wanted: str, got: str
) -> None:
    message = f"Invalid type for '{param}': expected {wanted}, but got {got} instead."
    assert refused(small(**fields)) == told(message, param, "invalid_type")


def test_every_field_of_the_specification_has_a_type_row() -> None:
    """Of those a wrong type is possible for; the names are the specification's."""
    rows = {param.replace("[", ".").partition(".")[0] for param, *_ in TYPES}
    specified = (
        "metadata top_logprobs temperature top_p user safety_identifier prompt_cache_key "
        "prompt_cache_options messages model service_tier modalities verbosity reasoning_effort "
        "max_completion_tokens frequency_penalty presence_penalty web_search_options "
        "response_format audio store moderation stream stop logit_bias logprobs max_tokens n "
        "prediction seed stream_options tools tool_choice parallel_tool_calls function_call "
        "functions"
    )
    assert rows == set(specified.split())
