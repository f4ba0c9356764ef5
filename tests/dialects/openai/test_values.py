"""Refusals of values that are not among those supported, too large, too small or too long."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dialects.openai.calls import CALL, asks, called, custom, refused, small, told, tool

ENUMS: list[tuple[str, dict[str, Any], str]] = [
    (
        "messages[0].role",
        {"messages": [{"role": "x"}]},
        "'system', 'assistant', 'user', 'function', 'tool', and 'developer'",
    ),
    (
        "messages[2].content[0].type",
        asks([{"type": "x"}]),
        "'text', 'image_url', 'input_audio', and 'file'",
    ),
    (
        "messages[2].content[0].image_url.detail",
        asks([{"type": "image_url", "image_url": {"url": "u", "detail": "x"}}]),
        "'auto', 'low', and 'high'",
    ),
    (
        "messages[2].content[0].input_audio.format",
        asks([{"type": "input_audio", "input_audio": {"data": "", "format": "x"}}]),
        "'wav' and 'mp3'",
    ),
    (
        "messages[0].content[0].type",
        {"messages": [{"role": "assistant", "content": [{"type": "x"}]}]},
        "'text' and 'refusal'",
    ),
    (
        "messages[0].content[0].type",
        {"messages": [{"role": "system", "content": [{"type": "x"}]}]},
        "'text'",
    ),
    ("messages[1].tool_calls[0].type", called(type="x"), "'function' and 'custom'"),
    ("tools[0].type", {"tools": [{"type": "x"}]}, "'function' and 'custom'"),
    ("tool_choice", {"tool_choice": "x"}, "'none', 'auto', and 'required'"),
    (
        "tool_choice.type",
        {"tool_choice": {"type": "x"}},
        "'allowed_tools', 'function', and 'custom'",
    ),
    (
        "tool_choice.allowed_tools.mode",
        {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "x", "tools": []}}},
        "'auto' and 'required'",
    ),
    ("function_call", {"function_call": "x"}, "'none' and 'auto'"),
    ("tools[0].custom.format.type", custom({"type": "x"}), "'text' and 'grammar'"),
    (
        "tools[0].custom.format.grammar.syntax",
        custom({"type": "grammar", "grammar": {"definition": "a", "syntax": "x"}}),
        "'lark' and 'regex'",
    ),
    (
        "response_format.type",
        {"response_format": {"type": "x"}},
        "'json_object', 'json_schema', and 'text'",
    ),
    (
        "service_tier",
        {"service_tier": "x"},
        "'auto', 'default', 'flex', 'scale', 'priority', and 'fast'",
    ),
    (
        "reasoning_effort",
        {"reasoning_effort": "x"},
        "'none', 'minimal', 'low', 'medium', 'high', 'xhigh', and 'max'",
    ),
    ("verbosity", {"verbosity": "x"}, "'low', 'medium', and 'high'"),
    ("modalities[1]", {"modalities": ["text", "x"]}, "'text' and 'audio'"),
    (
        "web_search_options.search_context_size",
        {"web_search_options": {"search_context_size": "x"}},
        "'low', 'medium', and 'high'",
    ),
    (
        "web_search_options.user_location.type",
        {"web_search_options": {"user_location": {"type": "x", "approximate": {}}}},
        "'approximate'",
    ),
    (
        "audio.format",
        {"audio": {"voice": "v", "format": "x"}},
        "'wav', 'aac', 'mp3', 'flac', 'opus', and 'pcm16'",
    ),
    ("prediction.type", {"prediction": {"type": "x", "content": "y"}}, "'content'"),
]


@pytest.mark.parametrize(("param", "fields", "supported"), ENUMS)
def test_a_value_is_not_one_of_those_supported(
    param: str, fields: dict[str, Any], supported: str
) -> None:
    message = f"Invalid value: 'x'. Supported values are: {supported}."
    assert refused(small(**fields)) == told(message, param, "invalid_value")


def test_a_cache_retention_is_refused_in_words_of_its_own() -> None:
    wanted = told("Invalid prompt_cache_retention argument", "prompt_cache_retention")
    assert refused(small(prompt_cache_retention="x")) == wanted


RANGES: list[tuple[str, Any, str, str, str, str]] = [
    ("temperature", 2.1, "decimal", "above", "<= 2", "2.1"),
    ("temperature", -0.1, "decimal", "below", ">= 0", "-0.1"),
    ("temperature", 3, "decimal", "above", "<= 2", "3"),
    ("temperature", 1e300, "decimal", "above", "<= 2", "1e+300"),
    ("top_p", 1.01, "decimal", "above", "<= 1", "1.01"),
    ("top_p", -1, "decimal", "below", ">= 0", "-1"),
    ("frequency_penalty", 2.5, "decimal", "above", "<= 2", "2.5"),
    ("frequency_penalty", -2.5, "decimal", "below", ">= -2", "-2.5"),
    ("presence_penalty", 2.5, "decimal", "above", "<= 2", "2.5"),
    ("presence_penalty", -3, "decimal", "below", ">= -2", "-3"),
    ("max_tokens", 0, "integer", "below", ">= 1", "0"),
    ("max_tokens", -5, "integer", "below", ">= 1", "-5"),
    ("max_completion_tokens", 0, "integer", "below", ">= 1", "0"),
    ("n", 0, "integer", "below", ">= 1", "0"),
    ("n", 129, "integer", "above", "<= 128", "129"),
    ("top_logprobs", -1, "integer", "below", ">= 0", "-1"),
    ("top_logprobs", 21, "integer", "above", "<= 20", "21"),
    ("seed", 2**63, "integer", "above", "<= 9223372036854775807", "9223372036854775808"),
    ("logit_bias.7", 101, "integer", "above", "<= 100", "101"),
    ("logit_bias.7", -101, "integer", "below", ">= -100", "-101"),
]


@pytest.mark.parametrize(("param", "value", "kind", "side", "bound", "got"), RANGES)
def test_a_number_is_out_of_range(
    param: str, value: Any, kind: str, side: str, bound: str, got: str
) -> None:
    name, _, key = param.partition(".")
    end = {"above": "maximum", "below": "minimum"}[side]
    message = (
        f"Invalid '{param}': {kind} {side} {end} value. Expected a value {bound}, but got {got} "
        "instead."
    )
    code = f"{kind}_{side}_{end[:3]}_value"
    sent = small(**{name: {key: value} if key else value})
    assert refused(sent) == told(message, param, code)


EMPTY: list[tuple[str, dict[str, Any]]] = [
    ("messages", {"messages": []}),
    ("messages[0].tool_calls", {"messages": [{"role": "assistant", "tool_calls": []}]}),
    ("tools", {"tools": []}),
    ("functions", {"functions": []}),
    ("stop", {"stop": []}),
]


@pytest.mark.parametrize(("param", "fields"), EMPTY, ids=[param for param, _ in EMPTY])
def test_an_array_is_empty(param: str, fields: dict[str, Any]) -> None:
    message = (
        f"Invalid '{param}': empty array. Expected an array with minimum length 1, but got an "
        "empty array instead."
    )
    assert refused(small(**fields)) == told(message, param, "empty_array")


LONG: list[tuple[str, dict[str, Any], int]] = [
    ("stop", {"stop": list("abcde")}, 4),
    ("tools", {"tools": tool(name="f") * 129}, 128),
    ("functions", {"functions": [{"name": "f"}] * 129}, 128),
    (
        "messages[0].tool_calls",
        {"messages": [{"role": "assistant", "tool_calls": [CALL] * 129}]},
        128,
    ),
]


@pytest.mark.parametrize(("param", "fields", "most"), LONG, ids=[row[0] for row in LONG])
def test_an_array_is_too_long(param: str, fields: dict[str, Any], most: int) -> None:
    message = (
        f"Invalid '{param}': array too long. Expected an array with maximum length {most}, but got "
        f"an array with length {most + 1} instead."
    )
    assert refused(small(**fields)) == told(message, param, "array_above_max_length")


LONG_STRINGS: list[tuple[str, dict[str, Any], int]] = [
    ("safety_identifier", {"safety_identifier": "x" * 65}, 64),
    ("metadata.a", {"metadata": {"a": "x" * 513}}, 512),
    ("tools[0].function.name", {"tools": tool(name="f" * 65)}, 64),
    ("functions[0].name", {"functions": [{"name": "f" * 65}]}, 64),
    (
        "response_format.json_schema.name",
        {"response_format": {"type": "json_schema", "json_schema": {"name": "f" * 65}}},
        64,
    ),
]


@pytest.mark.parametrize(
    ("param", "fields", "most"), LONG_STRINGS, ids=[row[0] for row in LONG_STRINGS]
)
def test_a_string_is_too_long(param: str, fields: dict[str, Any], most: int) -> None:
    message = (
        f"Invalid '{param}': string too long. Expected a string with maximum length {most}, but "
        f"got a string with length {most + 1} instead."
    )
    assert refused(small(**fields)) == told(message, param, "string_above_max_length")


def test_the_name_of_a_pair_is_too_long() -> None:
    message = (
        "Invalid property name in 'metadata': 'abb...bbc' is too long. Expected a string with "
        "maximum length 64, but got a string with length 70 instead."
    )
    key = f"a{'b' * 68}c"
    assert refused(small(metadata={key: "x"})) == told(
        message, f"metadata.{key}", "property_name_above_max_length"
    )


def test_metadata_has_too_many_pairs() -> None:
    message = (
        "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, "
        "but got an object with 17 properties instead."
    )
    pairs = {str(index): "" for index in range(17)}
    assert refused(small(metadata=pairs)) == told(
        message, "metadata", "object_above_max_properties"
    )


@pytest.mark.parametrize("name", ["get weather", "größe", "a.b", "a\n", "💥"])
def test_a_name_has_other_letters_than_it_may(name: str) -> None:
    for param, fields in (
        ("tools[0].function.name", {"tools": tool(name=name)}),
        ("functions[0].name", {"functions": [{"name": name}]}),
    ):
        message = (
            f"Invalid '{param}': string does not match pattern. Expected a string that matches "
            "the pattern '^[a-zA-Z0-9_-]+$'."
        )
        assert refused(small(**fields)) == told(message, param, "invalid_value")


@pytest.mark.parametrize("key", ["x", "-1", "1.5", " 7", "7\n", "٣", "", "[key]", "0x1"])
def test_a_bias_is_for_a_token_that_is_no_number(key: str) -> None:
    param = f"logit_bias.{key}"
    message = (
        f"Invalid '{param}': string does not match pattern. Expected a string that matches the "
        "pattern '^[0-9]+$'."
    )
    assert refused(small(logit_bias={"7": 1, key: 1})) == told(message, param, "invalid_value")


def test_a_name_is_empty() -> None:
    for param, fields in (
        ("tools[0].function.name", {"tools": tool(name="")}),
        (
            "messages[1].tool_calls[0].function.name",
            called(id="c", type="function", function={"name": "", "arguments": "{}"}),
        ),
    ):
        message = (
            f"Invalid '{param}': empty string. Expected a string with minimum length 1, but got "
            "an empty string instead."
        )
        assert refused(small(**fields)) == told(message, param, "empty_string")
