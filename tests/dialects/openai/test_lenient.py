"""Lenient validation: unknown fields and odd values pass."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.dialects.openai import lenient
from mockdock.dialects.openai.lenient import DEFAULT_MODEL
from mockdock.dialects.openai.parse import parse
from mockdock.reply import Failure
from mockdock.request import Message, Request, TextPart, ToolCall
from tests.dialects.openai.calls import HELLO, call, leniently, small
from tests.effort import examples


def test_what_is_valid_is_read_as_ever() -> None:
    body = small(temperature=0.5, n=2, stop="x")
    assert leniently(body) == parse(call(body))


def test_unknown_fields_are_left_out() -> None:
    request = leniently(small(top_k=5, messages=[{**HELLO, "mood": "good"}]))
    assert request.messages == (Message("user", (TextPart("Hello"),)),)
    assert request.body["top_k"] == 5, "conditions on the body still see it"


def test_odd_values_count_as_not_given() -> None:
    request = leniently(small(n=0, temperature=9, stop=["a"] * 5, seed="x", stream="yes"))
    assert (request.n, request.stop, request.seed, request.stream) == (1, (), None, False)


def test_one_bad_tool_does_not_take_the_others_away() -> None:
    tools = [
        {"type": "function", "function": {"name": "a b"}},
        {"type": "function", "function": {"name": "good"}},
        5,
        {"type": "sundial"},
    ]
    assert [tool.name for tool in leniently(small(tools=tools)).tools] == ["good"]


def test_one_bad_call_does_not_take_the_others_away() -> None:
    good = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    bad = {"id": "d", "type": "function", "function": {"name": "f"}}
    worse = {"id": "d", "type": "function", "function": {"name": 5}}
    message = {"role": "assistant", "tool_calls": [bad, worse, good]}
    _, said = leniently(small(messages=[HELLO, message])).messages
    assert said.tool_calls == (ToolCall("c", "f", "{}"),)


@pytest.mark.parametrize(
    ("message", "role", "text"),
    [
        ({"role": "user"}, "user", ""),
        ({"role": "user", "content": None}, "user", ""),
        ({"role": "user", "content": 5}, "user", "5"),
        ({"role": "user", "content": []}, "user", ""),
        ({"role": "user", "content": [{"type": "video"}]}, "user", ""),
        ({"role": "wizard", "content": "hi"}, "user", "hi"),
        ({"role": None, "content": "hi"}, "user", "hi"),
        ({"content": "hi"}, "user", "hi"),
        ("hi", "user", "hi"),
        ({"role": "tool", "content": "42"}, "tool", "42"),
    ],
)
def test_an_odd_message_is_still_a_message(message: Any, role: str, text: str) -> None:
    *_, read = leniently(small(messages=[HELLO, message])).messages
    assert (read.role, read.text) == (role, text)


@pytest.mark.parametrize("messages", [None, [], "hi", {}])
def test_without_messages_the_user_said_nothing(messages: Any) -> None:
    request = leniently(small(messages=messages))
    assert request.messages == (Message("user", (TextPart(""),)),)


@pytest.mark.parametrize("model", [None, 5, []])
def test_without_a_model_there_is_a_default(model: Any) -> None:
    assert leniently(small(model=model)).model == DEFAULT_MODEL
    assert leniently({}).model == DEFAULT_MODEL


def test_what_is_no_json_object_is_refused_all_the_same() -> None:
    for body in (b"{", b"[]", b"5"):
        assert isinstance(parse(call(body, lenient=True)), Failure)


def test_a_body_that_does_not_get_well_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here after one round: without its function a tool is as wrong as before."""
    monkeypatch.setattr(lenient, "_ROUNDS", 1)
    failure = parse(call(small(tools=[{"type": "function", "function": {}}]), lenient=True))
    assert isinstance(failure, Failure)
    assert failure.code == "missing_required_parameter"


def test_the_body_kept_for_conditions_is_the_one_sent() -> None:
    body = small(n=0, messages=[{"role": "wizard", "content": None}])
    assert leniently(body).body == body


def test_deep_values_pass() -> None:
    deep: bytes = b'{"model":"m","messages":[{"role":"user","content":"x"}],"deep":%b}'
    request = parse(call(deep % (b"[" * 1000 + b"]" * 1000), lenient=True))
    assert isinstance(request, Request)


odd = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "type", "name", "function", "x", "tool_calls"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=examples(150), deadline=None)
@given(
    body=st.dictionaries(
        st.sampled_from(["model", "messages", "tools", "tool_choice", "stop", "metadata", "x"]),
        odd,
    )
)
def test_every_json_object_passes(body: Any) -> None:
    assert isinstance(leniently(body), Request)


@pytest.mark.parametrize("name", ["[key]", "string", "true", ""])
def test_a_field_with_the_name_of_a_mark_is_dropped_like_any_other(name: str) -> None:
    request = leniently(small(messages=[{**HELLO, name: 1}], **{name: 2}))
    assert request.messages == (Message("user", (TextPart("Hello"),)),)
