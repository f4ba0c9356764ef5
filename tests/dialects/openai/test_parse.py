"""Requests: every field of the specification, every form of a message, tools and choices."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from mockdock.dialects.base import Call
from mockdock.dialects.openai.glance import glance
from mockdock.dialects.openai.parse import parse, parse_chat
from mockdock.request import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    Request,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
)
from tests.dialects.openai.calls import (
    CALL,
    HELLO,
    answer,
    call,
    custom,
    leniently,
    located,
    parsed,
    refused,
    small,
    tool,
)

FUNCTION = {"type": "function", "function": {"name": "find"}}

FIELDS: dict[str, list[Any]] = {
    "metadata": [{}, {"k" * 64: "v" * 512}, {str(i): "" for i in range(16)}, None],
    "top_logprobs": [0, 20, None],
    "temperature": [0, 2, 0.7, 1, None],
    "top_p": [0, 1, 0.5, None],
    "user": ["someone", ""],
    "safety_identifier": ["s" * 64, None],
    "prompt_cache_key": ["key", None],
    "prompt_cache_retention": ["in_memory", "24h", None],
    "prompt_cache_options": [{}, {"ttl": "1h"}, {"ttl": "1h", "mode": "auto"}],
    "service_tier": ["auto", "default", "flex", "scale", "priority", "fast", None],
    "modalities": [["text"], ["text", "audio"], None],
    "verbosity": ["low", "medium", "high", None],
    "reasoning_effort": ["none", "minimal", "low", "medium", "high", "xhigh", "max", None],
    "max_completion_tokens": [1, 100_000, None],
    "frequency_penalty": [-2, 0, 2, 0.1, None],
    "presence_penalty": [-2, 0, 2, 0.1, None],
    "web_search_options": [
        {},
        {"search_context_size": "low", "user_location": located()},
        {"user_location": located(country="FR", region="Île", city="Paris", timezone="CET")},
        {"user_location": None},
    ],
    "response_format": [
        {"type": "text"},
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "a", "schema": {}, "strict": None}},
    ],
    "audio": [{"voice": "alloy", "format": "wav"}, {"voice": {"id": "v"}, "format": "pcm16"}, None],
    "store": [True, False, None],
    "moderation": [
        {"model": "omni-moderation-latest"},
        {"model": "omni-moderation-latest", "policy": {"block": ["x"]}},
        None,
    ],
    "stream": [True, False, None],
    "stop": ["x", "", ["a"], ["a", "b", "c", "d"], None],
    "logit_bias": [{}, {"50256": -100, "1": 100, "2": 0}, None],
    "logprobs": [True, False, None],
    "max_tokens": [1, 100_000, None],
    "n": [1, 128, None],
    "prediction": [
        {"type": "content", "content": "x"},
        {"type": "content", "content": [{"type": "text", "text": "x"}]},
        None,
    ],
    "seed": [0, -(2**63), 2**63 - 1, None],
    "stream_options": [{}, {"include_usage": True, "include_obfuscation": False}, None],
    "tools": [
        [FUNCTION],
        [{"type": "function", "function": {"name": f"find-{i}"}} for i in range(128)],
        [{"type": "custom", "custom": {"name": "c"}}],
        custom({"type": "text"})["tools"],
        custom({"type": "grammar", "grammar": {"definition": "start: A", "syntax": "lark"}})[
            "tools"
        ],
        custom({"type": "grammar", "grammar": {"definition": "a+", "syntax": "regex"}})["tools"],
    ],
    "tool_choice": ["none", "auto", "required", FUNCTION],
    "parallel_tool_calls": [True, False],
    "function_call": ["none", "auto", {"name": "find"}],
    "functions": [
        [{"name": "find", "description": "d", "parameters": {}}],
        [{"name": f"f{i}"} for i in range(128)],
    ],
}
JSON: dict[str, Any] = {"messages": [{"role": "user", "content": "Give me JSON."}]}
BESIDE: dict[str, dict[str, Any]] = {
    "top_logprobs": {"logprobs": True},
    "modalities": {"audio": {"voice": "alloy", "format": "wav"}},
    "response_format": JSON,
    "stream_options": {"stream": True},
    "tool_choice": {"tools": [FUNCTION]},
    "parallel_tool_calls": {"tools": [FUNCTION]},
    "function_call": {"functions": [{"name": "find"}]},
}
"""What else must be said where a field is not fine alone."""


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in FIELDS.items() for value in values]
)
def test_every_field_of_the_specification_is_accepted(name: str, value: Any) -> None:
    fields = {"model": "my-model", **BESIDE.get(name, {}), name: value}
    assert parsed(**fields).body[name] == value


def test_the_model_is_all_that_must_be_said_beside_messages() -> None:
    request = parsed()
    assert request == Request(
        dialect="openai",
        api="chat",
        model="gpt-4o",
        messages=(Message("user", (TextPart("Hello"),)),),
        headers={"content-type": "application/json"},
        body=small(),
    )
    assert (request.max_tokens, request.stop, request.n, request.seed) == (None, (), 1, None)
    assert (request.stream, request.include_usage, request.parallel_tool_calls) == (
        False,
        False,
        True,
    )


def test_what_the_engine_needs_has_a_name() -> None:
    request = parsed(stop=["a", "b"], n=3, seed=7, stream=True, service_tier="flex")
    assert (request.stop, request.n, request.seed) == (("a", "b"), 3, 7)
    assert (request.stream, request.service_tier) == (True, "flex")
    assert parsed(stop="a").stop == ("a",)
    assert parsed(tools=[FUNCTION], parallel_tool_calls=False).parallel_tool_calls is False


def test_the_newer_limit_wins_over_the_older() -> None:
    """Both are refused, but leniently."""
    assert parsed(max_tokens=5).max_tokens == 5
    assert parsed(max_completion_tokens=6).max_tokens == 6
    assert leniently(small(max_tokens=5, max_completion_tokens=6)).max_tokens == 6


@pytest.mark.parametrize(
    ("stream", "options", "wanted"),
    [
        (True, {"include_usage": True}, True),
        (True, {"include_usage": False}, False),
        (True, {}, False),
        (True, None, False),
        (False, {"include_usage": True}, False),
    ],
)
def test_usage_is_streamed_only_where_asked(stream: bool, options: Any, wanted: bool) -> None:
    read = parsed if stream else lambda **fields: leniently(small(**fields))
    assert read(stream=stream, stream_options=options).include_usage is wanted


@pytest.mark.parametrize("content_type", [None, "application/json", "Application/JSON ; charset=x"])
def test_json_is_read_whatever_its_charset_parameter(content_type: str | None) -> None:
    assert isinstance(parse(call(small(), content_type)), Request)


def test_the_models_operations_have_no_body() -> None:
    headers = {"x-a": "b"}
    every = Call("models.list", "GET", "/v1/models", headers, {}, b"", "http://h")
    one = Call("models.retrieve", "GET", "/v1/models/m", headers, {"model": "m"}, b"", "http://h")
    assert parse(every) == Request("openai", "models", headers=headers)
    assert parse(one) == Request("openai", "models", model="m", headers=headers)


GIF = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
ASKED = {"role": "assistant", "tool_calls": [CALL]}


# --- messages ---------------------------------------------------------------------------------


def read(*messages: Any) -> tuple[Message, ...]:
    """Parse a conversation."""
    return parsed(messages=list(messages)).messages


@pytest.mark.parametrize("role", ["developer", "system", "user", "assistant"])
def test_a_conversation_may_be_one_message(role: str) -> None:
    (message,) = read({"role": role, "content": "Hello", "name": "ann"})
    assert (message.role, message.text, message.name) == (role, "Hello", "ann")


@pytest.mark.parametrize("role", ["developer", "system", "user", "assistant", "tool"])
def test_every_content_may_be_text_parts(role: str) -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    more = {"tool_call_id": "c"} if role == "tool" else {}
    *_, message = read(*([ASKED] if more else []), {"role": role, "content": parts, **more})
    assert message.parts == (TextPart("a"), TextPart("b"))


def test_users_send_images_audio_and_files() -> None:
    (message,) = read(
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look", "prompt_cache_breakpoint": {"a": 1}},
                {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
                {"type": "image_url", "image_url": {"url": GIF, "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "AA", "format": "mp3"}},
                {"type": "file", "file": {"file_id": "file-1"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "AA"}},
            ],
        }
    )
    assert message.parts == (
        TextPart("Look"),
        ImagePart("https://x/y.png", "auto"),
        ImagePart(GIF, "low"),
        AudioPart("AA", "mp3"),
        FilePart(file_id="file-1"),
        FilePart(filename="a.pdf", data="AA"),
    )


def test_a_tool_call_comes_back_as_the_sdk_sends_it() -> None:
    """The SDK sends the whole message it received, nulls included."""
    received = {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "annotations": [],
        "audio": None,
        "function_call": None,
        "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "call_2", "type": "custom", "custom": {"name": "g", "input": "free"}},
        ],
    }
    results = [
        {"role": "tool", "tool_call_id": "call_1", "content": "42"},
        {"role": "tool", "tool_call_id": "call_2", "content": "43"},
    ]
    _, asked, first, second = read(HELLO, received, *results)
    assert asked == Message(
        "assistant",
        tool_calls=(
            ToolCall("call_1", "f", "{}", "function"),
            ToolCall("call_2", "g", "free", "custom"),
        ),
    )
    assert (first.tool_call_id, first.text) == ("call_1", "42")
    assert (second.tool_call_id, second.text) == ("call_2", "43")


def test_a_tool_message_may_carry_the_name_as_in_openais_own_examples() -> None:
    _, message = read(ASKED, {**answer("c"), "name": "f"})
    assert (message.name, message.tool_call_id) == ("f", "c")


def test_a_text_comes_back_as_the_sdk_sends_it() -> None:
    nothing: dict[str, Any] = {
        "refusal": None,
        "annotations": [],
        "function_call": None,
        "audio": None,
    }
    _, said = read(HELLO, {"role": "assistant", "content": "Hi", **nothing})
    assert said == Message("assistant", (TextPart("Hi"),))


def test_a_spoken_answer_comes_back_by_its_id() -> None:
    _, said = read(HELLO, {"role": "assistant", "audio": {"id": "audio_1"}})
    assert said == Message("assistant")


def test_a_refusal_comes_back_as_text() -> None:
    _, whole, part = read(
        HELLO,
        {"role": "assistant", "content": None, "refusal": "No."},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "Never."}]},
    )
    assert (whole.text, part.text) == ("No.", "Never.")


def test_a_legacy_function_call_and_its_result() -> None:
    _, asked, result, nothing = read(
        HELLO,
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "42"},
        {"role": "function", "name": "f", "content": None},
    )
    assert asked.tool_calls == (ToolCall("", "f", "{}", "legacy"),)
    assert (result.role, result.name, result.text) == ("function", "f", "42")
    assert nothing.parts == ()


# --- tools ------------------------------------------------------------------------------------


def test_tools_of_every_kind() -> None:
    schema = {
        "type": "object",
        "properties": {"q": {"type": "string"}},
        "required": ["q"],
        "additionalProperties": False,
    }
    request = parsed(
        tools=[
            {
                "type": "function",
                "function": {
                    "name": "find",
                    "description": "finds",
                    "parameters": schema,
                    "strict": True,
                },
            },
            {"type": "function", "function": {"name": "a-Z_9", "strict": None}},
            {
                "type": "custom",
                "custom": {"name": "run", "description": "runs", "format": {"type": "text"}},
            },
        ],
    )
    assert request.tools == (
        Tool("find", "finds", schema, strict=True),
        Tool("a-Z_9"),
        Tool("run", "runs", kind="custom"),
    )


def test_legacy_functions_are_tools_of_their_own_kind() -> None:
    request = parsed(functions=[{"name": "find", "description": "finds", "parameters": {}}])
    assert request.tools == (Tool("find", "finds", {}, kind="legacy"),)


ALLOWED = [
    {"type": "function", "function": {"name": "find"}},
    {"type": "custom", "custom": {"name": "c"}},
    {"type": "function", "name": "find"},
]


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ("none", ToolChoice("none")),
        ("auto", ToolChoice("auto")),
        ("required", ToolChoice("required")),
        (FUNCTION, ToolChoice("required", ("find",), forced=True)),
        (
            {"type": "custom", "custom": {"name": "c"}},
            ToolChoice("required", ("c",), forced=True),
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": ALLOWED}},
            ToolChoice("auto", ("find", "c", "find")),
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{}]}},
            ToolChoice("required", ()),
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}},
            ToolChoice("auto", ()),
        ),
    ],
)
def test_every_form_of_tool_choice(choice: Any, wanted: ToolChoice) -> None:
    offer = [FUNCTION, {"type": "custom", "custom": {"name": "c"}}]
    assert parsed(tools=offer, tool_choice=choice).tool_choice == wanted


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ("none", ToolChoice("none")),
        ("auto", ToolChoice("auto")),
        ({"name": "find"}, ToolChoice("required", ("find",), forced=True)),
    ],
)
def test_every_form_of_function_call(choice: Any, wanted: ToolChoice) -> None:
    request = parsed(functions=[{"name": "find"}], function_call=choice)
    assert request.tool_choice == wanted


def test_without_a_choice_the_model_chooses() -> None:
    assert parsed().tool_choice == parsed(tools=[FUNCTION]).tool_choice == ToolChoice("auto")


def test_the_newer_choice_wins_over_the_older() -> None:
    """Also where it says what is the default anyway."""
    both = leniently(small(tools=[FUNCTION], tool_choice="auto", function_call="none"))
    assert both.tool_choice == ToolChoice("auto")


def test_parameters_that_are_empty_are_not_those_left_out() -> None:
    for given, wanted in (({}, None), ({"parameters": {}}, {})):
        (new,) = parsed(tools=tool(name="f", **given)).tools
        (old,) = parsed(functions=[{"name": "f", **given}]).tools
        assert (new.parameters, old.parameters) == (wanted, wanted)


def test_an_empty_schema_is_not_one_left_out() -> None:
    for given, wanted in (({}, None), ({"schema": {}}, {})):
        form = {"type": "json_schema", "json_schema": {"name": "a", **given}}
        assert parsed(response_format=form).response_format.schema == wanted


def test_an_empty_description_is_none() -> None:
    custom_tool = {"type": "custom", "custom": {"name": "c", "description": ""}}
    tools = [*tool(name="f", description=""), custom_tool]
    body = small(tools=tools, functions=[{"name": "g", "description": ""}])
    read_tools = leniently(body).tools
    assert [each.description for each in read_tools] == [None, None, None]
    spec = {"name": "a", "description": ""}
    form = parsed(response_format={"type": "json_schema", "json_schema": spec}).response_format
    assert form.description is None


def test_an_empty_name_or_file_field_is_none() -> None:
    empty = {"type": "file", "file": {"file_id": "", "filename": "", "file_data": ""}}
    (message,) = read({"role": "user", "name": "", "content": [empty]})
    assert message == Message("user", (FilePart(None, None, None),))


def test_response_formats() -> None:
    schema = {"type": "object", "additionalProperties": False}
    spec = {"name": "a", "description": "d", "schema": schema, "strict": True}
    assert parsed(response_format={"type": "text"}).response_format == ResponseFormat()
    wanted = parsed(response_format={"type": "json_object"}, **JSON).response_format
    assert wanted == ResponseFormat("json_object")
    form = parsed(response_format={"type": "json_schema", "json_schema": spec}).response_format
    assert form == ResponseFormat("json_schema", "a", "d", schema, strict=True)
    bare = {"type": "json_schema", "json_schema": {"name": "a"}}
    assert parsed(response_format=bare).response_format == ResponseFormat("json_schema", "a")


def test_of_doubled_keys_the_last_counts() -> None:
    body = b'{"model":"a","model":"b","messages":[{"role":"user","content":"x"}]}'
    request = parse(call(body))
    assert isinstance(request, Request)
    assert request.model == "b"


def test_a_byte_order_mark_is_no_json() -> None:
    assert refused(b"\xef\xbb\xbf{}")["status"] == 400


def test_what_a_glance_told_is_not_said_of_another_body() -> None:
    """As the one with the model that a deployment stands for."""
    for _ in range(2):
        asked = call(small(model="gpt-4o"))
        asked = replace(asked, sent=glance(asked.body))
        found = [parse(asked), parse_chat(asked, model="gpt-4.1")]
        assert [each.model for each in found] == ["gpt-4o", "gpt-4.1"]
