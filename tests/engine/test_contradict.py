"""Where a scripted reply contradicts what the request allows or demands."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.engine.contradict import contradictions
from mockdock.engine.draft import Draft, DraftCall
from mockdock.request import Request, ResponseFormat, Tool, ToolChoice
from tests.engine.helpers import ask, completion, engine, only, tools

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
JSON_SCHEMA = ResponseFormat("json_schema", "city", schema=SCHEMA)
JSON_OBJECT = ResponseFormat("json_object")


def calling(*names: str, text: str | None = None) -> Draft:
    calls = tuple(DraftCall(name, "{}", f"call_{name}", "function") for name in names)
    return Draft(text=text, calls=calls)


def told(draft: Draft, **fields: Any) -> list[str]:
    return list(contradictions(ask(**fields), draft))


ONE = tools("a")
TWO = tools("a", "b")
NAMED = ToolChoice("required", ("a",), forced=True)
ALLOWED = ToolChoice("auto", ("a",))

FINE: list[tuple[Draft, dict[str, Any]]] = [
    (Draft(text="words"), {}),
    (Draft(text="words"), {"tools": TWO}),
    (Draft(text="words"), {"tools": TWO, "tool_choice": ToolChoice("none")}),
    (Draft(refusal="No."), {"response_format": JSON_SCHEMA}),
    (Draft(text='{"city": "Oslo"}'), {"response_format": JSON_SCHEMA}),
    (Draft(text="{}"), {"response_format": JSON_OBJECT}),
    (Draft(text="[1]"), {"response_format": ResponseFormat("json_schema", "any", schema={})}),
    (Draft(text="[1]"), {"response_format": ResponseFormat("json_schema", "any")}),
    (calling("a"), {"tools": ONE}),
    (calling("a", "b"), {"tools": TWO}),
    (calling("a", text="Wait."), {"tools": ONE}),
    (calling("a"), {"tools": TWO, "tool_choice": NAMED}),
    (calling("a"), {"tools": TWO, "tool_choice": ALLOWED}),
    (calling("a"), {"tools": ONE, "parallel_tool_calls": False}),
    (calling("a"), {"tools": ONE, "response_format": JSON_SCHEMA}),
    (calling("a", text=""), {"tools": ONE, "response_format": JSON_SCHEMA}),
]

WRONG: list[tuple[Draft, dict[str, Any], list[str]]] = [
    (calling("a"), {}, ["the tool 'a' is not offered"]),
    (calling("c"), {"tools": TWO}, ["the tool 'c' is not offered"]),
    (
        calling("a", "b"),
        {"tools": TWO, "parallel_tool_calls": False},
        ["2 tools are called though parallel_tool_calls is false"],
    ),
    (
        calling("b"),
        {"tools": TWO, "tool_choice": NAMED},
        ["tool_choice does not allow the tool 'b'"],
    ),
    (
        calling("b"),
        {"tools": TWO, "tool_choice": ALLOWED},
        ["tool_choice does not allow the tool 'b'"],
    ),
    (
        calling("a"),
        {"tools": ONE, "tool_choice": ToolChoice("none")},
        ["a tool is called though tool_choice is 'none'"],
    ),
    (
        Draft(text="words"),
        {"tools": ONE, "tool_choice": ToolChoice("required")},
        ["no tool is called though tool_choice demands it"],
    ),
    (
        Draft(text="words"),
        {"response_format": JSON_SCHEMA},
        ["the text is not JSON though response_format is json_schema"],
    ),
    (
        Draft(text=""),
        {"response_format": JSON_OBJECT},
        ["the text is not JSON though response_format is json_object"],
    ),
    (
        Draft(text="[1]"),
        {"response_format": JSON_OBJECT},
        ["the JSON is not an object though response_format is json_object"],
    ),
    (
        Draft(text='{"city": 7}'),
        {"response_format": JSON_SCHEMA},
        ["the JSON does not fit the schema of response_format"],
    ),
    (
        calling("c", "a", text="words"),
        {"tools": ONE, "parallel_tool_calls": False, "response_format": JSON_OBJECT},
        [
            "the tool 'c' is not offered",
            "2 tools are called though parallel_tool_calls is false",
            "the text is not JSON though response_format is json_object",
        ],
    ),
]


@pytest.mark.parametrize(("draft", "fields"), FINE)
def test_what_the_request_allows_is_not_told(draft: Draft, fields: dict[str, Any]) -> None:
    assert told(draft, **fields) == []


@pytest.mark.parametrize(("draft", "fields", "words"), WRONG)
def test_what_the_request_does_not_allow_is_told_in_words(
    draft: Draft, fields: dict[str, Any], words: list[str]
) -> None:
    assert told(draft, **fields) == words


REQUESTS: list[tuple[Any, Request]] = [
    ({"tool_calls": [{"name": "c"}]}, ask(tools=ONE)),
    ({"tool_calls": [{"name": "a"}, {"name": "a"}]}, ask(tools=ONE, parallel_tool_calls=False)),
    ("words", ask(response_format=JSON_SCHEMA)),
]


@pytest.mark.parametrize(("reply", "request_"), REQUESTS)
def test_a_reply_that_contradicts_goes_out_as_scripted(reply: Any, request_: Request) -> None:
    made = completion(engine(reply), request_)
    free = completion(engine(reply), ask(tools=request_.tools))
    assert len(made.warnings) == 1
    choice, unwarned = only(made), only(free)
    assert (choice.text, choice.finish) == (unwarned.text, unwarned.finish)
    assert [call.name for call in choice.calls] == [call.name for call in unwarned.calls]


def test_each_contradiction_of_several_choices_is_told_once() -> None:
    reply = {"choices": ["words", "more words", {"json": 1}]}
    made = completion(engine(reply), ask(n=3, response_format=JSON_OBJECT))
    assert made.warnings == (
        "the text is not JSON though response_format is json_object",
        "the JSON is not an object though response_format is json_object",
    )


def test_made_up_answers_contradict_nothing() -> None:
    """Nobody scripted what "otherwise" says."""
    required = ask(tools=ONE, tool_choice=ToolChoice("required"), response_format=JSON_SCHEMA)
    for word in ("auto", "echo", "lorem"):
        assert completion(engine(otherwise=word), required).warnings == ()


def test_what_a_limit_cuts_was_scripted_right() -> None:
    """The client asked for the cut, so it is no slip of the script."""
    reply = {"json": {"city": "Oslo in Norway"}}
    made = completion(engine(reply), ask(response_format=JSON_SCHEMA, max_tokens=3))
    assert only(made).finish == "length"
    assert made.warnings == ()


@pytest.mark.parametrize("arguments", [{"city": 1}, {}, "no JSON"])
def test_arguments_that_do_not_fit_a_strict_tool_are_told(arguments: Any) -> None:
    reply = {"tool_calls": [{"name": "find", "arguments": arguments}]}
    strict = ask(tools=(Tool("find", parameters=SCHEMA, strict=True),))
    told = ("the arguments of 'find' do not fit its strict schema",)
    assert completion(engine(reply), strict).warnings == told
    loose = ask(tools=(Tool("find", parameters=SCHEMA),))
    assert completion(engine(reply), loose).warnings == ()


def test_arguments_that_fit_a_strict_tool_are_not() -> None:
    reply = {"tool_calls": [{"name": "find", "arguments": {"city": "Oslo"}}]}
    strict = ask(tools=(Tool("find", parameters=SCHEMA, strict=True),))
    assert completion(engine(reply), strict).warnings == ()
