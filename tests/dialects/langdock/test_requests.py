"""What Langdock's documents take and refuse, row by row from their schema."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.asgi import app_of
from tests.dialects.langdock.talk import chat, hello, message

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CUSTOM = {"id": "c", "type": "custom", "custom": {"name": "f", "input": ""}}
FUNCTION = {"type": "function", "function": {"name": "f"}}
ASKED = {"role": "user", "content": "As JSON"}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
APP = app_of({"reply": "{}"})
OPEN = app_of({"reply": "{}"}, langdock={"requests": "openai"})


def user(content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}]}


def after(*messages: Any) -> dict[str, Any]:
    return {"messages": [ASKED, *messages]}


TAKEN: dict[str, dict[str, Any]] = {
    "nothing else": {},
    "lower bounds": {
        "frequency_penalty": -2,
        "presence_penalty": -2,
        "temperature": 0,
        "top_p": 0,
        "logprobs": True,
        "top_logprobs": 0,
    },
    "upper bounds": {
        "frequency_penalty": 2,
        "presence_penalty": 2,
        "temperature": 2,
        "top_p": 1,
        "logprobs": True,
        "top_logprobs": 20,
        "seed": 2**63 - 1,
        "max_tokens": 100,
    },
    "null": dict.fromkeys(
        (
            *("frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs"),
            *("max_tokens", "seed", "stop", "stream", "temperature", "top_p", "reasoning_effort"),
        )
    ),
    "bias": {"logit_bias": {"50256": -100, "1": 100}},
    "one stop": {"stop": "x"},
    "four stops": {"stop": ["a", "b", "c", "d"]},
    "JSON mode": {"response_format": {"type": "json_object"}, "messages": [ASKED]},
    "text": {"response_format": {"type": "text"}},
    "user": {"user": "user-1234"},
    "tools": {"tools": [FUNCTION], "tool_choice": "required"},
    "128 tools": {
        "tools": [{"type": "function", "function": {"name": f"f{at}"}} for at in range(128)]
    },
    "a named tool": {
        "tools": [FUNCTION],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
    },
    "functions": {"functions": [{"name": "f"}], "function_call": {"name": "f"}},
    "no function": {"functions": [{"name": "f"}], "function_call": "none"},
    "parts": user([{"type": "text", "text": "What is it?"}, IMAGE]),
    "system": {"messages": [{"role": "system", "content": "Be brief.", "name": "a"}, ASKED]},
    "called": after(CALLED, {"role": "tool", "tool_call_id": "c", "content": "42"}),
    "called a function": after(
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": None},
    ),
    # Not in the schema: "all parameters ... are supported according to the OpenAI specifications".
    "newer limit": {"max_completion_tokens": 10},
    "metadata": {"store": True, "metadata": {"a": "b"}},
}


@pytest.mark.parametrize("fields", TAKEN.values(), ids=TAKEN)
def test_what_the_documents_allow_is_taken(fields: dict[str, Any]) -> None:
    answer = chat(APP, hello("gpt-4o", **fields))
    assert answer.status == 200, answer.body
    assert chat(OPEN, hello("gpt-4o", **fields)).status == 200


@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high", "xhigh"])
def test_every_effort_of_the_documents_is_one(effort: str) -> None:
    """Where a model does not support one of them, the refusal is another."""
    answer = chat(APP, hello("gpt-5-mini", reasoning_effort=effort))
    assert answer.status == 200 or "with this model" in message(answer)


def _bound(name: str, value: float, words: str, sign: str, bound: float) -> tuple[Any, str, str]:
    kind = "integer" if name == "top_logprobs" else "decimal"
    told = f"Invalid '{name}': {kind} {words} value. Expected a value {sign} {bound}, but got "
    return {name: value}, f"{told}{value} instead.", name


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "cold": _bound("temperature", -0.1, "below minimum", ">=", 0),
    "hot": _bound("temperature", 2.1, "above maximum", "<=", 2),
    "top_p": _bound("top_p", 1.1, "above maximum", "<=", 1),
    "no top_p": _bound("top_p", -0.5, "below minimum", ">=", 0),
    "presence": _bound("presence_penalty", 2.5, "above maximum", "<=", 2),
    "frequency": _bound("frequency_penalty", -2.5, "below minimum", ">=", -2),
    "alternatives": _bound("top_logprobs", 21, "above maximum", "<=", 20),
    "fewer": _bound("top_logprobs", -1, "below minimum", ">=", 0),
    "no messages": (
        {"messages": []},
        (
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an "
            "empty array instead."
        ),
        "messages",
    ),
    "no functions": (
        {"functions": []},
        (
            "Invalid 'functions': empty array. Expected an array with minimum length 1, but got an "
            "empty array instead."
        ),
        "functions",
    ),
    "129 functions": (
        {"functions": [{"name": f"f{at}"} for at in range(129)]},
        (
            "Invalid 'functions': array too long. Expected an array with maximum length 128, but "
            "got an array with length 129 instead."
        ),
        "functions",
    ),
    "five stops": (
        {"stop": ["a", "b", "c", "d", "e"]},
        (
            "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an "
            "array with length 5 instead."
        ),
        "stop",
    ),
    "a tool without a name": (
        {"tools": [{"type": "function", "function": {}}]},
        "Missing required parameter: 'tools[0].function.name'.",
        "tools[0].function.name",
    ),
    "a choice without a name": (
        {"tools": [FUNCTION], "tool_choice": {"type": "function", "function": {}}},
        "Missing required parameter: 'tool_choice.function.name'.",
        "tool_choice.function.name",
    ),
    "effort": (
        {"reasoning_effort": "max"},
        (
            "Invalid value: 'max'. Supported values are: 'none', 'minimal', 'low', 'medium', "
            "'high', and 'xhigh'."
        ),
        "reasoning_effort",
    ),
}


@pytest.mark.parametrize(("fields", "words", "where"), REFUSED.values(), ids=REFUSED)
def test_what_both_refuse_is_refused(fields: dict[str, Any], words: str, where: str) -> None:
    for app in (APP, OPEN):
        answer = chat(app, hello("gpt-4o", **fields))
        assert (answer.status, message(answer)) == (400, words)
        assert answer.headers["x-mockdock-param"] == where
        assert "x-mockdock-hint" not in answer.headers


TYPES = "Supported values are: 'json_object' and 'text'."
ROLES = "Supported values are: 'system', 'assistant', 'user', 'function', and 'tool'."
FUNCTIONS = "Supported values are: 'function'."
NARROWER: dict[str, tuple[dict[str, Any], str, str]] = {
    "a schema": (
        {"response_format": SCHEMA},
        f"Invalid value: 'json_schema'. {TYPES}",
        "response_format.type",
    ),
    "a developer": (
        {"messages": [{"role": "developer", "content": "Be brief."}, ASKED]},
        f"Invalid value: 'developer'. {ROLES}",
        "messages[0].role",
    ),
    "no parts": (
        user([]),
        (
            "Invalid 'messages[0].content': empty array. Expected an array with minimum length 1, "
            "but got an empty array instead."
        ),
        "messages[0].content",
    ),
    "a file": (
        user([{"type": "file", "file": {"filename": "a.pdf", "file_data": "AAAA"}}]),
        "Invalid value: 'file'. Supported values are: 'text' and 'image_url'.",
        "messages[0].content[0].type",
    ),
    "parts of the system": (
        {"messages": [{"role": "system", "content": [{"type": "text", "text": "a"}]}, ASKED]},
        "Invalid type for 'messages[0].content': expected a string, but got an array instead.",
        "messages[0].content",
    ),
    "parts of the assistant": (
        after({"role": "assistant", "content": [{"type": "text", "text": "a"}]}),
        "Invalid type for 'messages[1].content': expected a string, but got an array instead.",
        "messages[1].content",
    ),
    "parts of a tool": (
        after(
            CALLED,
            {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "a"}]},
        ),
        "Invalid type for 'messages[2].content': expected a string, but got an array instead.",
        "messages[2].content",
    ),
    "a custom tool": (
        {"tools": [{"type": "custom", "custom": {"name": "f"}}]},
        f"Invalid value: 'custom'. {FUNCTIONS}",
        "tools[0].type",
    ),
    "a choice of tools": (
        {
            "tools": [FUNCTION],
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [FUNCTION | {"name": "f"}]},
            },
        },
        f"Invalid value: 'allowed_tools'. {FUNCTIONS}",
        "tool_choice.type",
    ),
    "a custom call": (
        after(
            {"role": "assistant", "content": None, "tool_calls": [CUSTOM]},
            {"role": "tool", "tool_call_id": "c", "content": "42"},
        ),
        f"Invalid value: 'custom'. {FUNCTIONS}",
        "messages[1].tool_calls[0].type",
    ),
}


@pytest.mark.parametrize(("fields", "words", "where"), NARROWER.values(), ids=NARROWER)
def test_what_the_schema_leaves_out_is_refused_with_a_hint_to_the_setting(
    fields: dict[str, Any], words: str, where: str
) -> None:
    answer = chat(APP, hello("gpt-4o", **fields))
    assert (answer.status, message(answer)) == (400, words)
    assert answer.headers["x-mockdock-param"] == where
    assert "langdock: {requests: openai}" in answer.headers["x-mockdock-hint"]
    taken = chat(OPEN, hello("gpt-4o", **fields))
    assert taken.status == 200, taken.body


def test_lenient_validation_takes_what_openais_does() -> None:
    lenient = app_of({"reply": "{}"}, validation="lenient")
    for fields in ({"response_format": SCHEMA}, {"reasoning_effort": "max"}, {"odd": 1}):
        assert chat(lenient, hello("gpt-4o", **fields)).status == 200


def test_a_parameter_is_named_in_the_header_where_the_body_cannot() -> None:
    """In OpenAI's form it is in the body."""
    app = app_of(langdock={"errors": "openai"})
    answer = chat(app, hello(temperature=3))
    assert answer.json()["error"]["param"] == "temperature"
    assert "x-mockdock-param" not in answer.headers
