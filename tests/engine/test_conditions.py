"""Every condition of the language, both ways, with the words it says when it does not hold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockdock.engine.conditions import bounds, conditions, shown, told_bounds
from mockdock.engine.match import Index, Situation, compile_rules, explain
from mockdock.request import Message, Request, TextPart
from mockdock.scenario import CountCondition, Rule, When
from tests.engine.helpers import after_tool, ask, say, tools

LONG = "x" * 300
MODELS = Request("openai", "models")
FOREIGN = Request("azure", "chat")
"""A request of another dialect."""


def holds(when: dict[str, Any], request: Request) -> bool:
    (compiled,) = compile_rules(
        [Rule.model_validate({"when": when, "reply": {"error": 500}})], None
    )
    return Index([compiled]).candidates(request) == [compiled]


def reasons(when: dict[str, Any], request: Request) -> list[str]:
    rules = compile_rules([Rule.model_validate({"when": when, "reply": {"error": 500}})], None)
    (verdict,) = explain(rules, request, Situation())
    return [f"{each.name} {each.text}" for each in verdict.mismatches]


CASES: list[tuple[dict[str, Any], Request, Request, str]] = [
    # condition, a request that fits, one that does not, what is said of that
    ({"dialect": "openai"}, ask(), FOREIGN, "dialect wanted 'openai', was 'azure'"),
    ({"api": "chat"}, ask(), MODELS, "api wanted 'chat', was 'models'"),
    ({"api": "models"}, MODELS, ask(), "api wanted 'models', was 'chat'"),
    ({}, ask(), MODELS, "api wanted a chat request, was models"),
    ({"stream": True}, ask(stream=True), ask(), "stream wanted true, was false"),
    ({"stream": False}, ask(), ask(stream=True), "stream wanted false, was true"),
    (
        {"model": "gpt-4o"},
        ask(model="gpt-4o"),
        ask(model="gpt-4o-mini"),
        "model wanted gpt-4o, was 'gpt-4o-mini'",
    ),
    (
        {"model": ["gpt-4o*", "o?"]},
        ask(model="o3"),
        ask(model="o3-mini"),
        "model wanted gpt-4o* or o?, was 'o3-mini'",
    ),
    ({"model": "GPT-*"}, ask(model="GPT-4"), ask(), "model wanted GPT-*, was 'gpt-4o'"),
    ({"turn": 2}, ask("b", say("user", "a")), ask("a"), "turn wanted 2, was 1"),
    (
        {"turn": {"at_least": 2}},
        ask("c", say("user", "a"), say("assistant", "x"), say("user", "b")),
        ask(),
        "turn wanted 2 or more, was 1",
    ),
    ({"turn": {"at_most": 1}}, ask(), ask("b", say("user", "a")), "turn wanted 0 to 1, was 2"),
    (
        {"after_tool": True},
        after_tool("found"),
        ask(),
        "after_tool wanted one, was none",
    ),
    (
        {"after_tool": False},
        ask(),
        after_tool("found"),
        'after_tool wanted none, was ["search"]',
    ),
    (
        {"after_tool": "sea*"},
        after_tool("found"),
        after_tool("found", name="read"),
        'after_tool wanted sea*, was ["read"]',
    ),
    (
        {"offers_tool": True},
        ask(tools=tools("a")),
        ask(),
        "offers_tool wanted one, was none",
    ),
    (
        {"offers_tool": False},
        ask(),
        ask(tools=tools("a")),
        'offers_tool wanted none, was ["a"]',
    ),
    (
        {"offers_tool": "get_*"},
        ask(tools=tools("a", "get_b")),
        ask(tools=tools("a", "c")),
        'offers_tool wanted get_*, was ["a", "c"]',
    ),
    ({"user": "ell"}, ask("Hello"), ask("ELL"), "user wanted a text with 'ell', was 'ELL'"),
    (
        {"user": {"contains": ["a", "b"]}},
        ask("ba"),
        ask("a"),
        "user wanted a text with 'a' and 'b', was 'a'",
    ),
    (
        {"user": {"equals": "Hello"}},
        ask("Hello"),
        ask("Hello "),
        "user wanted exactly 'Hello', was 'Hello '",
    ),
    (
        {"user": {"matches": r"^\d+$"}},
        ask("42"),
        ask("42 apples"),
        r"user wanted a match of /^\d+$/, was '42 apples'",
    ),
    (
        {"user": {"not": "bye"}},
        ask("Hello"),
        ask("goodbye"),
        "user wanted not a text with 'bye', was 'goodbye'",
    ),
    (
        {"user": {"contains": "a", "not": {"equals": "a"}}},
        ask("ab"),
        ask("a"),
        "user wanted a text with 'a', not exactly 'a', was 'a'",
    ),
    ({"user": "last"}, ask("last", say("user", "x")), ask("x", say("user", "last")), "was 'x'"),
    (
        {"system": "brief"},
        ask("x", say("system", "Be"), say("developer", "brief")),
        ask("brief"),
        "system wanted a text with 'brief', was ''",
    ),
    (
        {"headers": {"X-Team": True}},
        ask(headers={"x-team": ""}),
        ask(),
        "headers.x-team wanted, but absent",
    ),
    (
        {"headers": {"X-Team": False}},
        ask(),
        ask(headers={"x-team": "a"}),
        "headers.x-team present, but not wanted",
    ),
    (
        {"headers": {"x-team": {"equals": "red"}}},
        ask(headers={"x-team": "red"}),
        ask(headers={"x-team": "blue"}),
        "headers.x-team wanted exactly 'red', was 'blue'",
    ),
    (
        {"headers": {"x-team": "red"}},
        ask(headers={"x-team": "dark red"}),
        ask(),
        "headers.x-team wanted a text with 'red', was absent",
    ),
    (
        {"body": {"temperature": 0}},
        ask(body={"temperature": 0.0, "n": 1}),
        ask(body={"temperature": 1}),
        "body temperature: wanted 0, was 1",
    ),
    (
        {"body": {"metadata": {"user": {"id": 7}}}},
        ask(body={"metadata": {"user": {"id": 7, "name": "Ann"}, "more": 1}}),
        ask(body={"metadata": {"user": {"name": "Ann"}}}),
        "body metadata.user.id: wanted 7, but absent",
    ),
    (
        {"body": {"stop": ["a", "b"]}},
        ask(body={"stop": ["a", "b"]}),
        ask(body={"stop": ["a"]}),
        "body stop: wanted 2 items, were 1",
    ),
    (
        {"body": {"tools": [{"type": "function"}]}},
        ask(body={"tools": [{"type": "function", "function": {}}]}),
        ask(body={"tools": [{"type": "custom"}]}),
        "body tools[0].type: wanted 'function', was 'custom'",
    ),
    (
        {"body": {"store": None}},
        ask(body={"store": None}),
        ask(body={}),
        "body store: wanted null, but absent",
    ),
    (
        {"body": {"logprobs": True}},
        ask(body={"logprobs": True}),
        ask(body={"logprobs": 1}),
        "body logprobs: wanted true, was 1",
    ),
    (
        {"body": {"n": 1}},
        ask(body={"n": 1}),
        ask(body={"n": True}),
        "body n: wanted 1, was true",
    ),
    (
        {"body": {"metadata": {"a": 1}}},
        ask(body={"metadata": {"a": 1}}),
        ask(body={"metadata": [1]}),
        'body metadata: wanted {"a": 1}, was [1]',
    ),
]


@pytest.mark.parametrize(("when", "fits", "other", "said"), CASES)
def test_a_condition_holds_or_says_what_it_wanted_and_found(
    when: dict[str, Any], fits: Request, other: Request, said: str
) -> None:
    assert holds(when, fits)
    assert reasons(when, fits) == []
    assert not holds(when, other)
    (reason,) = reasons(when, other)
    assert said in reason


def test_every_stateless_condition_of_the_language_has_a_case() -> None:
    used = {key for when, *_ in CASES for key in when}
    assert used == set(When.model_fields) - {"attempt", "state"}


@pytest.mark.parametrize(
    "when", [{}, {"model": "*"}, {"turn": 0}, {"user": {"not": "x"}}, {"stream": False}]
)
def test_a_rule_without_api_never_matches_the_models_api(when: dict[str, Any]) -> None:
    assert not holds(when, MODELS)
    assert not holds(when, Request("openai", "models", "gpt-4o"))


def test_conditions_on_attempt_and_state_are_left_to_the_store() -> None:
    when = {"attempt": 3, "state": {"mood": "bad"}}
    assert holds(when, ask())
    assert [each.name for each in conditions(When.model_validate(when))] == ["api"]


def test_all_conditions_must_hold_and_each_that_does_not_is_named() -> None:
    when = {"user": "Hello", "model": "o3", "stream": True, "headers": {"a": True, "b": False}}
    assert holds(when, ask(model="o3", stream=True, headers={"a": "1"}))
    names = [reason.split(" ")[0] for reason in reasons(when, ask(headers={"b": "1"}))]
    assert names == ["stream", "model", "headers.a", "headers.b"]


@pytest.mark.parametrize("model", ["a.b", "a+b", "org/team/model", "ft:gpt-4o:me::1"])
def test_globs_take_everything_but_their_wildcards_literally(model: str) -> None:
    assert holds({"model": model}, ask(model=model))
    assert not holds({"model": model}, ask(model=model.replace(model[1], "_", 1)))


def test_a_glob_fits_the_whole_name_only() -> None:
    assert not holds({"model": "gpt"}, ask(model="gpt-4"))
    assert not holds({"model": ["4", "pt"]}, ask(model="gpt-4"))
    assert holds({"model": "*-4"}, ask(model="gpt\n-4"))


def test_several_globs_with_many_stars_live_in_one_pattern() -> None:
    assert holds({"model": ["*a*b*c*", "*x*y*z*"]}, ask(model="1x2y3z4"))


def test_a_text_condition_reads_all_text_parts_of_the_message() -> None:
    message = Message("user", (TextPart("one"), TextPart("two")))
    assert holds({"user": {"equals": "one\ntwo"}}, Request("openai", "chat", messages=(message,)))


def test_every_difference_of_a_body_is_told() -> None:
    when = {"body": {"a": 1, "b": [1, 2], "c": {"d": "x"}}}
    (reason,) = reasons(when, ask(body={"b": [3], "c": {"d": "y"}}))
    assert reason == (
        "body a: wanted 1, but absent; b: wanted 2 items, were 1; "
        "b[0]: wanted 1, was 3; c.d: wanted 'x', was 'y'"
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=6,
)
bodies = st.dictionaries(st.sampled_from("abc"), json_values, max_size=3)


@given(bodies, bodies)
def test_a_body_fits_itself_with_more_around_it(wanted: dict[str, Any], more: Any) -> None:
    assert holds({"body": wanted}, ask(body={**more, **wanted}))


@given(bodies, json_values, json_values)
def test_a_changed_or_missing_field_never_fits(body: dict[str, Any], one: Any, other: Any) -> None:
    if repr(one) != repr(other) and not isinstance(one, dict | list):
        assert not holds({"body": {**body, "z": one}}, ask(body={**body, "z": other}))
    assert not holds({"body": {**body, "z": one}}, ask(body=body))


def test_long_values_are_shown_short() -> None:
    (reason,) = reasons({"user": "y"}, ask(LONG))
    assert reason.endswith("...")
    assert len(reason) < 130
    (reason,) = reasons({"body": {"a": 1}}, ask(body={"a": {"deep": LONG}}))
    assert reason.endswith("...")
    assert len(reason) < 130


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("it's", '"it\'s"'),
        ("a\nb\x1b[2J", r"'a\nb\x1b[2J'"),
        (None, "null"),
        (True, "true"),
        ({"é": [1.5]}, '{"é": [1.5]}'),
        ("x" * 80, f"'{'x' * 80}'"),
        ("x" * 81, f"'{'x' * 80}'..."),
    ],
)
def test_values_are_shown_on_one_line_in_words_of_the_wire(value: Any, written: str) -> None:
    assert shown(value) == written


@pytest.mark.parametrize(
    ("count", "ends", "told"),
    [
        (2, (2, 2), "2"),
        ({"at_least": 2}, (2, None), "2 or more"),
        ({"at_most": 3}, (0, 3), "0 to 3"),
        ({"at_least": 1, "at_most": 3}, (1, 3), "1 to 3"),
    ],
)
def test_counts_have_two_ends(count: Any, ends: tuple[int, int | None], told: str) -> None:
    assert bounds(CountCondition.model_validate(count)) == ends
    assert told_bounds(*ends) == told
