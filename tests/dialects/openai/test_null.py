"""Null: taken where the specification calls a field nullable, refused everywhere else."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.dialects.openai.wire import ChatRequest
from tests.dialects.openai.calls import (
    HELLO,
    asks,
    called,
    custom,
    located,
    parsed,
    refused,
    small,
    told,
    tool,
)

A_STRING = "a string"
AN_OBJECT = "an object"
OBJECTS = "an array of objects"
STRING_OR_OBJECT = "one of a string or object"

NULLABLE = (
    "metadata top_logprobs temperature top_p safety_identifier prompt_cache_key "
    "prompt_cache_retention service_tier modalities verbosity reasoning_effort "
    "max_completion_tokens frequency_penalty presence_penalty audio store moderation stream stop "
    "logit_bias logprobs max_tokens n prediction seed stream_options"
)
"""The fields the appendix of the specification marks with null."""

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("messages", {"messages": None}, OBJECTS),
    ("user", {"user": None}, A_STRING),
    ("tools", {"tools": None}, OBJECTS),
    ("tool_choice", {"tool_choice": None}, "one of one of 'none', 'auto', or 'required' or object"),
    ("parallel_tool_calls", {"parallel_tool_calls": None}, "a boolean"),
    ("functions", {"functions": None}, "an array of function definitions"),
    ("function_call", {"function_call": None}, STRING_OR_OBJECT),
    ("response_format", {"response_format": None}, AN_OBJECT),
    ("web_search_options", {"web_search_options": None}, AN_OBJECT),
    ("prompt_cache_options", {"prompt_cache_options": None}, AN_OBJECT),
    *(
        (
            f"messages[0].{name}",
            {"messages": [{"role": role, "content": "x", **more, name: None}]},
            A_STRING,
        )
        for role, name, more in (
            ("developer", "name", {}),
            ("system", "name", {}),
            ("user", "name", {}),
            ("assistant", "name", {}),
            ("tool", "name", {"tool_call_id": "c"}),
            ("tool", "tool_call_id", {}),
            ("function", "name", {}),
        )
    ),
    *(
        (
            f"messages[2].content[0].file.{name}",
            asks([{"type": "file", "file": {name: None}}]),
            A_STRING,
        )
        for name in ("file_id", "file_data", "filename")
    ),
    (
        "messages[2].content[0].image_url.detail",
        asks([{"type": "image_url", "image_url": {"url": "u", "detail": None}}]),
        "one of 'auto', 'low', or 'high'",
    ),
    (
        "messages[1].tool_calls[0].function.arguments",
        called(id="c", type="function", function={"name": "f", "arguments": None}),
        A_STRING,
    ),
    ("tools[0].function.description", {"tools": tool(name="f", description=None)}, A_STRING),
    ("tools[0].function.parameters", {"tools": tool(name="f", parameters=None)}, AN_OBJECT),
    ("functions[0].description", {"functions": [{"name": "f", "description": None}]}, A_STRING),
    ("functions[0].parameters", {"functions": [{"name": "f", "parameters": None}]}, AN_OBJECT),
    (
        "tools[0].custom.description",
        {"tools": [{"type": "custom", "custom": {"name": "c", "description": None}}]},
        A_STRING,
    ),
    ("tools[0].custom.format", custom(None), AN_OBJECT),
    *(
        (
            f"response_format.json_schema.{name}",
            {"response_format": {"type": "json_schema", "json_schema": {"name": "s", name: None}}},
            expected,
        )
        for name, expected in (("description", A_STRING), ("schema", AN_OBJECT))
    ),
    *(
        (f"stream_options.{name}", {"stream_options": {name: None}}, "a boolean")
        for name in ("include_usage", "include_obfuscation")
    ),
    (
        "web_search_options.search_context_size",
        {"web_search_options": {"search_context_size": None}},
        "one of 'low', 'medium', or 'high'",
    ),
    (
        "web_search_options.user_location.approximate.city",
        {"web_search_options": {"user_location": located(city=None)}},
        A_STRING,
    ),
    ("moderation.model", {"moderation": {"model": None}}, A_STRING),
    ("logit_bias.7", {"logit_bias": {"7": None}}, "an integer"),
    ("metadata.a", {"metadata": {"a": None}}, A_STRING),
]


@pytest.mark.parametrize(("param", "fields", "expected"), REFUSED, ids=[row[0] for row in REFUSED])
def test_null_is_refused(param: str, fields: dict[str, Any], expected: str) -> None:
    message = f"Invalid type for '{param}': expected {expected}, but got null instead."
    assert refused(small(**fields)) == told(message, param, "invalid_type")


@pytest.mark.parametrize("name", NULLABLE.split())
def test_null_is_the_default_of_a_nullable_field(name: str) -> None:
    given, left_out = parsed(**{name: None}), parsed()
    assert given.body == {**left_out.body, name: None}
    assert (given.stream, given.n, given.seed, given.stop, given.max_tokens) == (
        left_out.stream,
        left_out.n,
        left_out.seed,
        left_out.stop,
        left_out.max_tokens,
    )
    assert given.service_tier == left_out.service_tier


def test_every_field_is_either_nullable_or_refuses_null() -> None:
    """The model, which comes before all else, is told to be missing."""
    refusing = {param for param, *_ in REFUSED if param.isidentifier()}
    assert refusing.isdisjoint(NULLABLE.split())
    assert refusing | set(NULLABLE.split()) | {"model"} == set(ChatRequest.model_fields)


@pytest.mark.parametrize(
    "name", ["content", "refusal", "audio", "function_call", "annotations", "tool_calls"]
)
def test_an_assistants_message_has_nullable_fields(name: str) -> None:
    """SDKs send them back as they came."""
    said = {"role": "assistant", "content": "x", "refusal": "y", name: None}
    *_, message = parsed(messages=[HELLO, said]).messages
    wanted = {"content": "y", "refusal": "x"}.get(name, "xy")
    assert (message.role, message.text.replace("\n", "")) == ("assistant", wanted)


def test_a_functions_result_may_be_null() -> None:
    message = {"role": "function", "name": "f", "content": None}
    assert parsed(messages=[HELLO, message]).messages[1].parts == ()


def test_strict_may_be_null() -> None:
    assert parsed(tools=tool(name="f", strict=None)).tools[0].strict is False
    spec = {"name": "s", "strict": None}
    form = parsed(response_format={"type": "json_schema", "json_schema": spec}).response_format
    assert form.strict is False
