"""What ``${...}`` becomes: every name, typed or written, present or absent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockdock.engine.fill import Filler
from mockdock.request import Message, Request, ToolCall
from mockdock.scenario import When, placeholders
from tests.engine.helpers import after_tool, ask, completion, engine, failure, only, say


def filler(request: Request, when: dict[str, Any] | None = None, attempt: int = 1) -> Filler:
    return Filler(request, None if when is None else When.model_validate(when), attempt)


ASKED = ask(
    "Where is order 42?",
    say("system", "Be brief."),
    say("user", "Hi"),
    model="gpt-4o-mini",
    headers={"x-team": "red", "user-agent": "probe/1.0"},
    body={"metadata": {"tags": ["a", "b"], "n": 1.5, "on": True, "none": None}, "2": "two"},
)
RESULT = after_tool('{"items": [{"id": 7}], "ok": false}', '{"q": "order 42", "max": 3}')


@pytest.mark.parametrize(
    ("template", "written"),
    [
        ("${user}", "Where is order 42?"),
        ("${system}", "Be brief."),
        ("${model}", "gpt-4o-mini"),
        ("${turn}", "2"),
        ("${attempt}", "3"),
        ("${headers.x-team}", "red"),
        ("${headers.X-Team} ${headers.User-Agent}", "red probe/1.0"),
        ("${body.metadata.tags}", '["a","b"]'),
        ("${body.metadata.tags.1}", "b"),
        ("${body.metadata.n}", "1.5"),
        ("${body.metadata.on}", "true"),
        ("${body.metadata.none}", "null"),
        ("${body.2}", "two"),
        ("plain $ {user} }", "plain $ {user} }"),
        ("$${user} ${model}", "${user} gpt-4o-mini"),
        ("", ""),
    ],
)
def test_names_are_written_as_text(template: str, written: str) -> None:
    assert filler(ASKED, attempt=3).text(template) == written


@pytest.mark.parametrize(
    "template",
    [
        "${headers.absent}",
        "${body.absent}",
        "${body.metadata.tags.2}",
        "${body.metadata.tags.-1}",
        "${body.metadata.tags.x}",
        "${body.metadata.n.deeper}",
        "${match}",
        "${match.1}",
        "${match.name}",
        "${tool.name}",
        "${tool.result}",
        "${tool.result.x}",
        "${tool.args}",
        "${tool.args.x}",
    ],
)
def test_what_the_request_does_not_have_is_an_empty_text(template: str) -> None:
    assert filler(ASKED).text(template) == ""
    assert filler(ASKED).value(template) == ""


def test_what_a_bare_request_lacks_is_empty_too() -> None:
    bare = Request("openai", "chat")
    assert filler(bare).text("[${user}${system}${model}]") == "[]"


@pytest.mark.parametrize(
    ("template", "written"),
    [
        ("${tool.name}", "search"),
        ("${tool.result}", '{"items": [{"id": 7}], "ok": false}'),
        ("${tool.result.items}", '[{"id":7}]'),
        ("${tool.result.items.0.id}", "7"),
        ("${tool.result.ok}", "false"),
        ("${tool.args}", '{"q":"order 42","max":3}'),
        ("${tool.args.q}", "order 42"),
    ],
)
def test_tools_give_their_result_and_what_they_were_called_with(
    template: str, written: str
) -> None:
    assert filler(RESULT).text(template) == written


def test_of_several_tool_results_the_last_counts() -> None:
    calls = (ToolCall("1", "a", '{"x": 1}'), ToolCall("2", "b", '{"x": 2}'))
    messages = (
        say("user", "Go"),
        Message("assistant", tool_calls=calls),
        say("tool", "one", tool_call_id="1"),
        say("tool", "two", tool_call_id="2"),
    )
    request = Request("openai", "chat", messages=messages)
    assert filler(request).text("${tool.name} ${tool.args.x} ${tool.result}") == "b 2 two"


@pytest.mark.parametrize("text", ["not JSON", "[1,", "NaN", '"\\ud800"', "[" * 5000, ""])
def test_results_that_are_not_json_have_no_fields_and_do_no_harm(text: str) -> None:
    made = filler(after_tool(text, text))
    assert made.text("${tool.result}") == text
    assert made.text("${tool.result.x}") == ""
    assert made.value({"a": "${tool.args}"}) == {"a": text}


def test_numbers_json_does_not_know_never_reach_a_json_reply() -> None:
    reply = completion(engine({"json": {"t": "${tool.result.t}"}}), after_tool('{"t": NaN}'))
    assert only(reply).text == '{"t":""}'


def test_a_string_that_is_one_name_keeps_its_type() -> None:
    template = {
        "turn": "${turn}",
        "tags": "${body.metadata.tags}",
        "on": ["${body.metadata.on}", "${body.metadata.none}"],
        "n": "${body.metadata.n}",
        "text": "n=${body.metadata.n}",
        "escaped": "$${turn}",
        "plain": 5,
        "${turn}": None,
    }
    assert filler(ASKED).value(template) == {
        "turn": 2,
        "tags": ["a", "b"],
        "on": [True, None],
        "n": 1.5,
        "text": "n=1.5",
        "escaped": "${turn}",
        "plain": 5,
        "${turn}": None,
    }


def test_tuples_of_a_scenario_become_lists() -> None:
    assert filler(ASKED).value(("a", ("${turn}",))) == ["a", [2]]


@given(st.text(max_size=40))
def test_texts_without_names_stay_as_they_are(text: str) -> None:
    escaped = placeholders.escape(text)
    assert filler(ASKED).text(escaped) == text
    assert filler(ASKED).value([escaped]) == [text]


@given(st.text(max_size=40))
def test_what_a_client_says_is_never_read_as_a_template(text: str) -> None:
    """Values go in after parsing: quotes and ``${...}`` of a client stay text."""
    for said in (text, f'${{model}}"{text}'):
        assert filler(ask(said)).text("<${user}>") == f"<{said}>"
        assert filler(ask(said)).value({"a": "${user}"}) == {"a": said}


MATCHING = {"user": {"matches": r"order (?P<number>\d+)(x)?"}}


@pytest.mark.parametrize(
    ("template", "written"),
    [
        ("${match}", "order 42"),
        ("${match.0}", "order 42"),
        ("${match.1}", "42"),
        ("${match.number}", "42"),
        ("${match.2}", ""),
        ("${match.3}", ""),
        ("${match.other}", ""),
    ],
)
def test_groups_of_a_match(template: str, written: str) -> None:
    assert filler(ASKED, MATCHING).text(template) == written


def test_a_group_is_that_of_the_first_match_that_has_it() -> None:
    when = {
        "user": {"matches": r"order (\d+)"},
        "system": {"matches": "(?P<how>brief)"},
        "headers": {"user-agent": {"matches": r"(\w+)/(?P<version>\S+)"}, "x-team": True},
    }
    made = filler(ASKED, when)
    assert made.text("${match} ${match.1} ${match.how} ${match.2} ${match.version}") == (
        "order 42 42 brief 1.0 1.0"
    )


def test_a_pattern_that_must_not_match_gives_no_groups() -> None:
    when = {"user": {"not": {"matches": "order (9)"}}}
    assert filler(ASKED, when).text("[${match}]") == "[]"


def test_a_pattern_that_finds_nothing_is_passed_over() -> None:
    when = {"user": {"matches": "no such"}, "system": {"matches": "brief"}}
    assert filler(ASKED, when).text("${match}") == "brief"


def test_names_are_filled_in_every_place_of_a_reply() -> None:
    call = {"name": "find", "arguments": {"n": "${turn}", "q": "[${user}]"}}
    free = {"name": "say", "arguments": "${user}!"}
    made = completion(engine({"tool_calls": [call, free]}), ask("hi"))
    assert [each.arguments for each in only(made).calls] == ['{"n":1,"q":"[hi]"}', "hi!"]
    made = completion(engine({"refusal": "No ${user}", "headers": {"x-a": "${user}"}}), ask("hi"))
    assert only(made).refusal_text == "No hi"
    assert made.headers == {"x-a": "hi"}
    failed = failure(
        engine({"error": 500, "message": "${user}?", "headers": {"x-a": "${turn}"}}), ask("hi")
    )
    assert (failed.message, failed.headers) == ("hi?", {"x-a": "1"})


def header(said: str, template: str = "${user}") -> str:
    return completion(engine({"text": "", "headers": {"x-a": template}}), ask(said)).headers["x-a"]


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("a\r\nset-cookie: b=1", "a  set-cookie: b=1"),
        ("a\nb\x00c\x7fd\te", "a b c d e"),
        ("\r\n a \r\n", "a"),
        ("caf\u00e9", "caf\u00e9"),
        ("\u65e5\u672c \U0001f600", "?? ?"),
        ("a\u2028b\x85c\u202ed", "a b c d"),
        ("", ""),
    ],
)
def test_header_values_are_one_line_of_latin_1(said: str, value: str) -> None:
    assert header(said) == value


@given(st.text(max_size=60))
def test_no_request_can_break_a_response_header(said: str) -> None:
    for value in (header(said), header(said, "v=${user};")):
        raw = value.encode("latin-1")
        assert not any(byte < 0x20 or 0x7F <= byte < 0xA0 for byte in raw)
        assert value == value.strip()


@given(st.text(max_size=60))
def test_no_request_can_break_a_header_of_an_error(said: str) -> None:
    rule = {"error": "rate_limit", "headers": {"x-a": "${headers.x-b}"}}
    value = failure(engine(rule), ask(headers={"x-b": said})).headers["x-a"]
    assert not any(byte < 0x20 or byte == 0x7F for byte in value.encode("latin-1"))
