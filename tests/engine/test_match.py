"""Matching and explaining are the same thing, asked twice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.engine.match import candidates, compile_rules, explain
from mockdock.engine.store import Skip
from mockdock.request import Request
from mockdock.scenario import Rule
from tests.engine.helpers import after_tool, ask, say, tools


def compiled(*whens: dict[str, Any]) -> Any:
    return compile_rules(
        [Rule.model_validate({"when": when, "reply": {"error": 500}}) for when in whens]
    )


texts = st.sampled_from(["Hello", "hello", "weather in Rome", ""])
text_conditions: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(["ell", {"equals": "Hello"}, {"contains": ["h", "o"]}, {"matches": "^[Hh]"}]),
    lambda inner: st.builds(lambda condition: {"not": condition}, inner),
    max_leaves=3,
)
counts = st.integers(0, 3) | st.builds(
    lambda low, more: {"at_least": low, "at_most": low + more}, st.integers(0, 2), st.integers(0, 2)
)
whens = st.fixed_dictionaries(
    {},
    optional={
        "dialect": st.sampled_from(["openai", "azure"]),
        "api": st.sampled_from(["chat", "models"]),
        "model": st.sampled_from(["gpt-4o", "gpt-*", ["o3", "*mini"]]),
        "user": text_conditions,
        "system": text_conditions,
        "turn": counts,
        "attempt": counts,
        "after_tool": st.booleans() | st.sampled_from(["search", "re*"]),
        "offers_tool": st.booleans() | st.sampled_from(["search", "re*"]),
        "stream": st.booleans(),
        "headers": st.dictionaries(
            st.sampled_from(["x-a", "x-b"]), st.booleans() | text_conditions, max_size=2
        ),
        "body": st.dictionaries(st.sampled_from("ab"), st.integers(0, 1), max_size=2),
        "state": st.dictionaries(st.sampled_from("ab"), st.integers(0, 1), max_size=1),
    },
)
settings_of_requests = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from(["gpt-4o", "gpt-4o-mini", "o3", ""]),
        "stream": st.booleans(),
        "tools": st.sampled_from([(), tools("search"), tools("read", "other")]),
        "headers": st.dictionaries(st.sampled_from(["x-a", "x-b"]), texts, max_size=2),
        "body": st.dictionaries(st.sampled_from("ab"), st.integers(0, 1), max_size=2),
    },
)
requests: st.SearchStrategy[Request] = st.one_of(
    st.builds(lambda text, fields: ask(text, **fields), texts, settings_of_requests),
    st.builds(
        lambda text, system, fields: ask(text, say("system", system), say("user", "x"), **fields),
        texts,
        texts,
        settings_of_requests,
    ),
    st.builds(lambda fields: after_tool("x", **fields), settings_of_requests),
    st.just(Request("openai", "models")),
)


@given(st.lists(whens, max_size=4), requests)
@settings(max_examples=150, deadline=None)
def test_explain_finds_fault_with_exactly_the_rules_that_are_no_candidates(
    whens: list[dict[str, Any]], request: Request
) -> None:
    rules = compiled(*whens)
    fitting = [each.index for each in candidates(rules, request)]
    verdicts = explain(rules, request)
    assert [verdict.compiled for verdict in verdicts] == list(rules)
    assert [v.compiled.index for v in verdicts if not v.mismatches] == fitting
    assert all(each.name and each.text for v in verdicts for each in v.mismatches)


def test_candidates_come_in_file_order() -> None:
    rules = compiled({}, {"user": "bye"}, {"user": "Hello"}, {"stream": False})
    assert [each.index for each in candidates(rules, ask("Hello"))] == [0, 2, 3]


@pytest.mark.parametrize(
    ("skip", "rule", "said"),
    [
        ("attempt", {"when": {"attempt": 2}}, "wanted 2, was another"),
        ("attempt", {"when": {"attempt": {"at_least": 3}}}, "wanted 3 or more, was another"),
        (
            "state",
            {"when": {"state": {"door": "open", "paid": True}}},
            "wanted door 'open', paid true, was another",
        ),
        ("times", {"times": 2}, "wanted at most 2, and it has answered as often"),
        ("replies", {"after_last": "pass"}, "wanted at most 1, and all have been given"),
    ],
)
def test_what_the_store_said_is_explained_too(skip: Skip, rule: dict[str, Any], said: str) -> None:
    rules = compile_rules([Rule.model_validate({**rule, "reply": "ok"})])
    (verdict,) = explain(rules, ask(), {0: skip})
    assert [(each.name, each.text) for each in verdict.mismatches] == [(skip, said)]
    (verdict,) = explain(rules, ask(), {1: skip})
    assert verdict.mismatches == ()


def test_a_rule_is_called_by_its_name_or_its_place() -> None:
    named, unnamed = compile_rules(
        [Rule.model_validate({"name": "greet", "reply": "a"}), Rule.model_validate({"reply": "b"})]
    )
    assert named.label == "greet"
    assert unnamed.label == "rule 2"
    assert named.candidate.key != unnamed.candidate.key


def test_what_needs_memory_goes_to_the_store() -> None:
    rule = Rule.model_validate(
        {
            "when": {"attempt": {"at_most": 2}, "state": {"a": 1}},
            "replies": ["x", "y"],
            "per": "request",
            "after_last": "cycle",
            "times": 4,
            "set_state": {"a": None},
        }
    )
    (made,) = compile_rules([rule])
    candidate = made.candidate
    assert (candidate.attempts, candidate.state) == ((0, 2), (("a", 1),))
    assert (candidate.length, candidate.per, candidate.after_last) == (2, "request", "cycle")
    assert (candidate.times, candidate.set_state) == (4, (("a", None),))


def test_a_rule_for_any_attempt_takes_all_of_them() -> None:
    (made,) = compiled({})
    assert made.candidate.attempts == (1, None)
