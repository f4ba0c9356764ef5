"""Refusals, row by row: status, message, type, param and code in OpenAI's own words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockdock.dialects.openai.digits import as_sent
from mockdock.dialects.openai.parse import parse
from mockdock.reply import Failure
from mockdock.request import Request
from tests.dialects.openai.calls import (
    CALL,
    HELLO,
    THINKS,
    answer,
    asks,
    call,
    called,
    custom,
    located,
    refused,
    small,
    told,
    tool,
)

BAD_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using "
    "your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not "
    "valid JSON. If you have trouble figuring out how to fix this, please contact us through our "
    "help center at help.openai.com.)"
)
NO_MODEL = "you must provide a model parameter"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"5",
        b"null",
        b"true",
        b"{'model': 'x'}",
        b'{"a":1,}',
        b'{"a":NaN}',
        b'{"a":1e400}',
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b"[" * 10_000 + b"]" * 10_000,
        b"{} {}",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_no_json_object_in_utf8(body: bytes) -> None:
    assert refused(body) == told(BAD_JSON)


@pytest.mark.parametrize("body", [{}, {"model": None}, {"model": ""}, {"model": "", "top_k": 1}])
def test_a_model_must_be_named_before_anything_else(body: Any) -> None:
    assert refused({**body, "messages": []}) == told(NO_MODEL)


@pytest.mark.parametrize(
    "sent", ["text/plain", "text/plain; charset=utf-8", "", "application/jsonp"]
)
def test_only_json_is_taken(sent: str) -> None:
    message = (
        f"Unsupported content type: '{sent}'. This API method only accepts 'application/json' "
        f"requests, but you specified the header 'Content-Type: {sent}'. Please try again with a "
        "supported content type."
    )
    assert refused(small(), sent) == told(message, None, "unsupported_content_type", 415)


# --- presence ---------------------------------------------------------------------------------


MISSING: list[tuple[str, dict[str, Any]]] = [
    ("messages[0].role", {"messages": [{}]}),
    ("messages[0].role", {"messages": [{"content": "x"}]}),
    ("messages[0].content", {"messages": [{"role": "developer"}]}),
    ("messages[0].tool_call_id", {"messages": [{"role": "tool", "content": "x"}]}),
    ("messages[0].name", {"messages": [{"role": "function", "content": "x"}]}),
    ("messages[0].content", {"messages": [{"role": "function", "name": "x"}]}),
    ("messages[2].content[0].type", asks([{}])),
    ("messages[2].content[1].type", asks([{"type": "text", "text": "x"}, {"text": "x"}])),
    ("messages[2].content[0].text", asks([{"type": "text"}])),
    ("messages[2].content[0].image_url", asks([{"type": "image_url"}])),
    ("messages[2].content[0].image_url.url", asks([{"type": "image_url", "image_url": {}}])),
    (
        "messages[2].content[0].input_audio.format",
        asks([{"type": "input_audio", "input_audio": {"data": ""}}]),
    ),
    ("messages[2].content[0].file", asks([{"type": "file"}])),
    ("messages[1].tool_calls[0].type", called(id="c")),
    ("messages[1].tool_calls[0].id", called(type="function", function={})),
    ("messages[1].tool_calls[0].function", called(type="function", id="c")),
    (
        "messages[1].tool_calls[0].function.arguments",
        called(type="function", id="c", function={"name": "f"}),
    ),
    ("messages[1].tool_calls[0].custom", called(type="custom", id="c")),
    ("tools[0].type", {"tools": [{}]}),
    ("tools[0].function", {"tools": [{"type": "function"}]}),
    ("tools[1].function.name", {"tools": [*tool(name="a"), *tool()]}),
    ("tools[0].custom", {"tools": [{"type": "custom"}]}),
    ("tool_choice.type", {"tool_choice": {}}),
    ("tool_choice.function", {"tool_choice": {"type": "function"}}),
    ("tool_choice.function.name", {"tool_choice": {"type": "function", "function": {}}}),
    ("tool_choice.custom.name", {"tool_choice": {"type": "custom", "custom": {}}}),
    (
        "tool_choice.allowed_tools.tools",
        {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto"}}},
    ),
    ("tools[0].custom.name", {"tools": [{"type": "custom", "custom": {}}]}),
    ("tools[0].custom.format.type", custom({})),
    ("tools[0].custom.format.grammar", custom({"type": "grammar"})),
    (
        "tools[0].custom.format.grammar.definition",
        custom({"type": "grammar", "grammar": {"syntax": "lark"}}),
    ),
    (
        "tools[0].custom.format.grammar.syntax",
        custom({"type": "grammar", "grammar": {"definition": "a"}}),
    ),
    ("functions[0].name", {"functions": [{}]}),
    ("function_call.name", {"function_call": {}}),
    ("response_format.type", {"response_format": {}}),
    ("response_format.json_schema", {"response_format": {"type": "json_schema"}}),
    (
        "response_format.json_schema.name",
        {"response_format": {"type": "json_schema", "json_schema": {}}},
    ),
    ("audio.voice", {"audio": {"format": "wav"}}),
    ("prediction.content", {"prediction": {"type": "content"}}),
    ("moderation.model", {"moderation": {}}),
    ("moderation.model", {"moderation": {"policy": {}}}),
    (
        "web_search_options.user_location.type",
        {"web_search_options": {"user_location": {"approximate": {}}}},
    ),
    (
        "web_search_options.user_location.approximate",
        {"web_search_options": {"user_location": {"type": "approximate"}}},
    ),
]


@pytest.mark.parametrize(("param", "fields"), MISSING, ids=[param for param, _ in MISSING])
def test_a_required_parameter_is_missing(param: str, fields: dict[str, Any]) -> None:
    message = f"Missing required parameter: '{param}'."
    assert refused(small(**fields)) == told(message, param, "missing_required_parameter")


def test_messages_are_missing() -> None:
    message = "Missing required parameter: 'messages'."
    assert refused({"model": "m"}) == told(message, "messages", "missing_required_parameter")


# --- unknown ----------------------------------------------------------------------------------


def test_unknown_arguments_are_named_together_and_have_no_param() -> None:
    assert refused(small(top_k=5)) == told("Unrecognized request argument supplied: top_k")
    assert refused(small(top_k=5, foo=None)) == told(
        "Unrecognized request arguments supplied: top_k, foo"
    )


def test_an_unknown_argument_is_told_before_a_wrong_one() -> None:
    assert "top_k" in refused(small(temperature=9, top_k=5))["message"]


UNKNOWN: list[tuple[str, dict[str, Any]]] = [
    ("messages[0].mood", {"messages": [{**HELLO, "mood": "good"}]}),
    ("messages[0].tool_call_id", {"messages": [{**HELLO, "tool_call_id": "c"}]}),
    ("messages[2].content[0].url", asks([{"type": "text", "text": "x", "url": "y"}])),
    ("tools[0].name", {"tools": [{**tool(name="f")[0], "name": "f"}]}),
    ("tools[0].function.user", {"tools": tool(name="f", user="x")}),
    (
        "tool_choice.name",
        {"tool_choice": {"type": "function", "function": {"name": "f"}, "name": "f"}},
    ),
    ("function_call.string", {"function_call": {"name": "f", "string": 1}}),
    ("stream_options.usage", {"stream_options": {"usage": True}}),
    ("response_format.schema", {"response_format": {"type": "json_object", "schema": {}}}),
    ("audio.speed", {"audio": {"voice": "v", "format": "wav", "speed": 2}}),
    ("moderation.mode", {"moderation": {"model": "m", "mode": "x"}}),
    ("prompt_cache_options.key", {"prompt_cache_options": {"ttl": "1h", "key": "x"}}),
    ("web_search_options.city", {"web_search_options": {"city": "Paris"}}),
    (
        "web_search_options.user_location.city",
        {"web_search_options": {"user_location": {**located(), "city": "Paris"}}},
    ),
    (
        "web_search_options.user_location.approximate.street",
        {"web_search_options": {"user_location": located(street="x")}},
    ),
    ("tools[0].custom.format.syntax", custom({"type": "text", "syntax": "lark"})),
    (
        "tools[0].custom.format.definition",
        custom(
            {"type": "grammar", "grammar": {"definition": "", "syntax": "lark"}, "definition": ""}
        ),
    ),
    (
        "tools[0].custom.format.grammar.start",
        custom({"type": "grammar", "grammar": {"definition": "", "syntax": "lark", "start": ""}}),
    ),
]


@pytest.mark.parametrize(("param", "fields"), UNKNOWN, ids=[param for param, _ in UNKNOWN])
def test_an_unknown_nested_parameter(param: str, fields: dict[str, Any]) -> None:
    message = f"Unknown parameter: '{param}'."
    assert refused(small(**fields)) == told(message, param, "unknown_parameter")


def test_what_is_echoed_is_cut() -> None:
    """A refusal does not send megabytes back."""
    long = "x" * 5000
    for fields in (
        {long: 1},
        {"service_tier": long},
        {"metadata": {long: 5}},
        {"logit_bias": {long: 999}},
        {"stream_options": {long: 1}},
        {"messages": [{"role": long}]},
        {"metadata": {long: "x"}},
        {"logit_bias": {"7" * 5000: 999}},
        {"logit_bias": {long: 1}},
    ):
        error = refused(small(**fields))
        assert "..." in error["message"]
        assert len(json.dumps(error)) < 1000


@pytest.mark.parametrize("silent", [{}, {"content": None}, {"content": None, "name": "bot"}])
def test_an_assistant_that_says_and_calls_nothing_is_refused(silent: dict[str, Any]) -> None:
    """The wording and the dotted path are those of public pastes."""
    refused = parse(call(small(messages=[HELLO, {"role": "assistant", **silent}, HELLO])))
    assert isinstance(refused, Failure)
    assert (refused.status, refused.message, refused.param, refused.code) == (
        400,
        "Invalid value for 'content': expected a string, got null.",
        "messages.[1].content",
        None,
    )


@pytest.mark.parametrize(
    "instead",
    [
        {"content": ""},
        {"refusal": "No."},
        {"audio": {"id": "audio_1"}},
        {"function_call": {"name": "f", "arguments": "{}"}},
        {"tool_calls": [CALL]},
    ],
)
def test_an_assistant_needs_no_content_beside_something_else(instead: dict[str, Any]) -> None:
    results = [answer("c")] if "tool_calls" in instead else []
    messages = [HELLO, {"role": "assistant", **instead}, *results]
    assert isinstance(parse(call(small(messages=messages))), Request)


@pytest.mark.parametrize(
    "silent",
    [{"role": "user"}, {"role": "system", "content": None}, {"role": "user", "content": None}],
)
def test_only_an_assistant_needs_no_content(silent: dict[str, Any]) -> None:
    """Measured on the live API: all roles but the developer's have this wording."""
    assert refused(small(messages=[HELLO, silent])) == told(
        "Invalid value for 'content': expected a string, got null.", "messages.[1].content"
    )


def test_a_reasoning_model_names_one_unknown_parameter() -> None:
    """So does the live API since gpt-5; missing messages come before."""
    error = refused({**small(top_k=5, foo=1), "model": "gpt-5"}, traits=THINKS)
    assert error == told("Unknown parameter: 'top_k'.", "top_k", "unknown_parameter")
    missing = refused({"model": "gpt-5", "top_k": 5}, traits=THINKS)
    assert missing["param"] == "messages"


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (10**30, "integer_above_max_value", "integer above maximum value. Expected a value <="),
        (-(10**30), "integer_below_min_value", "integer below minimum value. Expected a value >="),
    ],
)
def test_a_whole_number_beyond_64_bits_is_out_of_range(number: int, code: str, words: str) -> None:
    refused = parse(call(json.dumps(small(seed=number)).encode()))
    assert isinstance(refused, Failure)
    assert (refused.param, refused.code) == ("seed", code)
    assert refused.message is not None
    assert words in refused.message
    assert refused.message.endswith(f"but got {number} instead.")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("-9223372036854775809", "-9223372036854775809"),
        ("18446744073709551616", "18446744073709551616"),
        ("1.50e+19", "1.50e+19"),
        ("1" + "0" * 300, "1" + "0" * 199 + "..."),
    ],
)
def test_a_number_too_large_for_the_parser_is_told_as_it_was_sent(written: str, told: str) -> None:
    body = json.dumps(small(seed=0)).replace('"seed": 0', f'"seed": {written}')
    assert refused(body.encode())["message"].endswith(f"but got {told} instead.")


def test_a_number_beneath_too_many_brackets_is_told_as_it_was_read() -> None:
    """Python's own parser gives up on what deep bodies hold."""
    deep = "[" * 1000 + "]" * 1000
    tools = json.dumps(tool(name="f", parameters={"x": 0})).replace('"x": 0', f'"x": {deep}')
    body = json.dumps(small(seed=2**70, tools="T")).replace('"T"', tools)
    message = refused(body.encode())["message"]
    assert message.endswith(f"but got {2**70} instead.") or "e+21 instead." in message


@pytest.mark.parametrize("path", [("x",), ("seed", "x"), ("stop", 3), ("stop", 0)])
def test_only_a_number_has_digits(path: tuple[str | int, ...]) -> None:
    assert as_sent(b'{"seed": 7, "stop": ["x"]}', path) is None
    assert as_sent(b'{"seed": 7, "stop": ["x"]}', ("seed",)) == "7"
