"""Replies that are wrong on purpose: what each fault changes, and that nothing else does."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from mockdock.dialects.openai import openai
from mockdock.engine.spoil import spoil
from mockdock.fault import SPOILS, Fault, FaultName
from mockdock.reply import Call, Choice, Completion, Piece
from mockdock.request import Request, Speech
from tests.engine.helpers import ask, completion, engine, only, tools

SEARCH = {"name": "search", "arguments": {"query": "weather in Wien", "limit": 3}}
OTHER = {"name": "other", "arguments": {"a": 1}}


def spoiled(made: Completion, name: FaultName, request: Request | None = None) -> Completion:
    return spoil(made, request or ask(), [Fault(name)])


def said(reply: Any, **fields: Any) -> Completion:
    return completion(engine(reply), ask(**fields))


def called(*calls: Any, **fields: Any) -> Completion:
    offered = tools("search", "other", kind=fields.pop("kind", "function"))
    return said({"tool_calls": [*calls]}, tools=offered, **fields)


REPLIES = {
    "text": lambda: said("Hello there"),
    "several": lambda: said({"choices": ["one", "two"]}, n=2),
    "calls": lambda: called(SEARCH, OTHER),
    "text and call": lambda: said(
        {"text": "wait", "tool_calls": [SEARCH]}, tools=tools("search"), logprobs=True
    ),
    "refusal": lambda: said({"refusal": "no"}),
}


@pytest.mark.parametrize("kind", REPLIES)
def test_faults_of_the_wire_change_no_reply(kind: str) -> None:
    made = REPLIES[kind]()
    assert spoil(made, ask(), [Fault("truncate"), Fault("crlf")]) is made
    assert spoil(made, ask(), []) is made


@pytest.mark.parametrize("kind", REPLIES)
@pytest.mark.parametrize("name", sorted(SPOILS))
def test_a_spoilt_reply_can_be_rendered_plain_and_as_a_stream(name: FaultName, kind: str) -> None:
    made = spoiled(REPLIES[kind](), name)
    (plain,) = openai.frames(ask(), made)
    body = json.loads(plain.data)
    assert body["object"] == "chat.completion"
    events = [frame.data for frame in openai.frames(ask(stream=True, include_usage=True), made)]
    assert events[-1] == b"data: [DONE]\n\n"
    chunks = [json.loads(event.removeprefix(b"data: ")) for event in events[:-1]]
    assert {chunk["model"] for chunk in chunks} == {body["model"]}
    finishes = {
        choice["index"]: choice["finish_reason"]
        for chunk in chunks
        for choice in chunk["choices"]
        if choice["finish_reason"]
    }
    assert finishes == {each["index"]: each["finish_reason"] for each in body["choices"]}


@pytest.mark.parametrize("kind", REPLIES)
def test_a_finish_without_content_keeps_the_reason_and_the_usage_only(kind: str) -> None:
    made = REPLIES[kind]()
    empty = spoiled(made, "finish_without_content")
    assert empty.choices == tuple(
        Choice(each.index, (), None, (), each.finish) for each in made.choices
    )
    assert empty.usage == made.usage


def test_a_spoken_answer_can_come_without_its_words() -> None:
    made = said("Hi", model="gpt-4o-audio-preview", speech=Speech("alloy", "wav"))
    assert only(made).spoken is not None
    assert only(spoiled(made, "finish_without_content")).spoken is None
    assert only(spoiled(made, "hallucinated_tool")).spoken is None


def test_empty_choices_are_none_at_all() -> None:
    made = said({"choices": ["one", "two"]}, n=2)
    assert spoiled(made, "empty_choices") == replace(made, choices=())


def test_a_missing_usage_is_left_out_and_known_to_limits_all_the_same() -> None:
    made = said("Hi")
    missing = spoiled(made, "missing_usage")
    assert missing == replace(made, tells_usage=False)
    assert missing.usage == made.usage


@pytest.mark.parametrize("snapshot", ["gpt-4o-2024-08-06", "gpt-3.5-turbo-0125"])
def test_a_wrong_model_is_another_one(snapshot: str) -> None:
    made = replace(said("Hi"), model=snapshot)
    wrong = spoiled(made, "wrong_model")
    assert wrong.model not in ("", snapshot)
    assert replace(wrong, model=snapshot) == made


@pytest.mark.parametrize("kind", ["function", "custom"])
@pytest.mark.parametrize("arguments", [{}, {"a": {"b": ["é", 1]}}, '{"a": 1}   \n', "", "x"])
@pytest.mark.parametrize("name", ["cut_arguments", "broken_tool_call"])
def test_arguments_that_are_broken_are_no_json(name: FaultName, arguments: Any, kind: str) -> None:
    made = called(OTHER, {"name": "search", "arguments": arguments}, kind=kind)
    broken = only(spoiled(made, name))
    first, last = broken.calls
    assert first == only(made).calls[0], "the others are left alone"
    with pytest.raises(json.JSONDecodeError):
        json.loads(last.arguments)
    assert (last.id, last.name, last.kind) == (only(made).calls[1].id, "search", kind)
    assert broken.finish == only(made).finish


def test_arguments_are_cut_in_the_middle_and_break_at_the_end() -> None:
    made = called(SEARCH)
    (call,) = only(made).calls
    (cut,) = only(spoiled(made, "cut_arguments")).calls
    assert call.arguments.startswith(cut.arguments)
    assert len(cut.arguments) == len(call.arguments) // 2
    assert 1 < len(cut.pieces) < len(call.pieces), "it streams in as many chunks as are left"
    (broken,) = only(spoiled(made, "broken_tool_call")).calls
    assert broken.arguments == f"{call.arguments[:-1]},"


def test_arguments_that_become_longer_have_a_chunk_more() -> None:
    pieces = ()
    made = replace(
        said("Hi"), choices=(Choice(0, None, None, (Call("1", "a", pieces),), "tool_calls"),)
    )
    assert only(spoiled(made, "broken_tool_call")).calls[0].pieces == (Piece(",", 1),)


@pytest.mark.parametrize("name", ["cut_arguments", "broken_tool_call"])
def test_a_reply_without_calls_has_no_arguments_to_break(name: FaultName) -> None:
    made = said("Hi")
    assert spoiled(made, name) == made


def test_each_choice_is_spoilt() -> None:
    made = called(SEARCH, n=3)
    broken = spoiled(made, "broken_tool_call")
    assert [each.calls[0].arguments[-1] for each in broken.choices] == [","] * 3
    made_up = spoiled(said({"choices": ["a", "b"]}, n=2), "hallucinated_tool")
    ids = [each.calls[0].id for each in made_up.choices]
    assert len(set(ids)) == 2
    assert all(each.startswith("call_") and len(each) == 29 for each in ids)


def test_a_hallucinated_tool_is_none_of_those_on_offer() -> None:
    made = called(OTHER, SEARCH)
    request = ask(tools=tools("search", "other", "made_up_tool", "made_up_tool_"))
    first, last = only(spoiled(made, "hallucinated_tool", request)).calls
    assert first.name == "other"
    assert last == structs.replace(only(made).calls[1], name="made_up_tool__")


def test_where_no_tool_is_called_one_is_made_up() -> None:
    choice = only(spoiled(said("Hi"), "hallucinated_tool"))
    assert (choice.content, choice.finish) == (None, "tool_calls")
    (call,) = choice.calls
    assert (call.name, call.arguments, call.kind) == ("made_up_tool", "{}", "function")


def test_the_old_form_of_calls_is_spoilt_where_it_is_told() -> None:
    offered = tools("search", "other", kind="legacy")
    made = called(SEARCH, OTHER, kind="legacy")
    broken = only(spoiled(made, "broken_tool_call"))
    assert [call.arguments[-1] for call in broken.calls] == [","]
    assert broken.calls[0].name == "search"
    request = ask(tools=offered)
    choice = only(spoiled(said("Hi"), "hallucinated_tool", request))
    assert (choice.calls[0].kind, choice.finish) == ("legacy", "function_call")


def test_faults_add_up() -> None:
    made = called(SEARCH)
    faults = [Fault(name) for name in ("hallucinated_tool", "cut_arguments", "missing_usage")]
    wrong = spoil(made, ask(), faults)
    (call,) = only(wrong).calls
    assert call.name == "made_up_tool"
    assert len(call.arguments) < len(only(made).calls[0].arguments)
    assert not wrong.tells_usage
