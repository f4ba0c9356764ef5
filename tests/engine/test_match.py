"""Matching and explaining are the same thing, asked twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.engine import MemoryStore, Store
from mockdock.engine.chance import fingerprint
from mockdock.engine.conditions import Condition
from mockdock.engine.match import Compiled, Index, Situation, compile_rules, explain
from mockdock.engine.pace import Pace
from mockdock.engine.store import Pick, Scalar, Skip, Step, at_once
from mockdock.frames import Delay, Pacing
from mockdock.request import Caller, Request
from mockdock.scenario import PacingSpec, Rule
from tests.effort import examples
from tests.engine.helpers import after_tool, ask, say, tools


def compiled(*whens: dict[str, Any]) -> tuple[Compiled, ...]:
    rules = [Rule.model_validate({"when": when, "reply": {"error": 500}}) for when in whens]
    return compile_rules(rules, None)


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
        "dialect": st.just("openai"),
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
    st.just(Request("azure", "chat")),
)


rules_with_memory = st.builds(
    lambda when, replies, rest: {"when": when, "replies": replies * [{"error": 500}], **rest},
    st.fixed_dictionaries(
        {},
        optional={
            "stream": st.booleans(),
            "attempt": counts,
            "state": st.dictionaries(st.sampled_from("ab"), st.integers(0, 1), max_size=1),
        },
    ),
    st.integers(1, 2),
    st.fixed_dictionaries(
        {},
        optional={
            "times": st.integers(1, 2),
            "per": st.sampled_from(["session", "request", "server"]),
            "after_last": st.sampled_from(["repeat", "cycle", "pass", "fail"]),
            "set_state": st.dictionaries(
                st.sampled_from("ab"), st.none() | st.integers(0, 1), max_size=1
            ),
        },
    ),
)
callers = st.builds(Caller, session=st.sampled_from("st"), attempt=st.none() | st.integers(1, 3))
asked = st.lists(
    st.builds(lambda caller, stream: ask(caller=caller, stream=stream), callers, st.booleans()),
    max_size=8,
)


def all_fitting(rules: Iterable[Compiled], request: Request) -> list[Compiled]:
    return [rule for rule in rules if all(each.holds(request) for each in rule.conditions)]


def decide(store: Store, request: Request, fitting: list[Compiled]) -> Pick:
    caller = request.caller
    wanted = [each.candidate for each in fitting]
    return at_once(store.decide(Step(caller.session, fingerprint(request), caller.attempt, wanted)))


@given(st.lists(whens, max_size=4), requests)
@settings(max_examples=examples(150), deadline=None)
def test_explain_finds_fault_with_exactly_the_rules_whose_conditions_do_not_hold(
    whens: list[dict[str, Any]], request: Request
) -> None:
    stateless = [{k: v for k, v in when.items() if k not in {"attempt", "state"}} for when in whens]
    rules = compiled(*stateless)
    verdicts = explain(rules, request, Situation())
    assert [verdict.compiled for verdict in verdicts] == list(rules)
    assert [v.compiled for v in verdicts if not v.mismatches] == all_fitting(rules, request)
    assert all(each.name and each.text for v in verdicts for each in v.mismatches)


@given(st.lists(rules_with_memory, min_size=1, max_size=4), asked)
@settings(max_examples=examples(200), deadline=None)
def test_to_stop_behind_a_sure_rule_never_changes_who_answers(
    given: list[dict[str, Any]], requests: list[Request]
) -> None:
    rules = compile_rules([Rule.model_validate(rule) for rule in given], None)
    early, late = MemoryStore(), MemoryStore()
    for request in requests:
        some, every = Index(rules).candidates(request), all_fitting(rules, request)
        assert some == every[: len(some)]
        assert decide(early, request, some) == decide(late, request, every)
        assert early.state(request.caller.session) == late.state(request.caller.session)


@given(st.lists(rules_with_memory, min_size=1, max_size=4), asked)
@settings(max_examples=examples(200), deadline=None)
def test_the_first_rule_explain_finds_no_fault_with_is_the_one_that_answers(
    given: list[dict[str, Any]], requests: list[Request]
) -> None:
    rules = compile_rules([Rule.model_validate(rule) for rule in given], None)
    store = MemoryStore()
    for request in requests:
        before, fitting = store.state(request.caller.session), Index(rules).candidates(request)
        pick = decide(store, request, fitting)
        skipped = dict(zip((each.index for each in fitting), pick.skipped, strict=False))
        verdicts = explain(rules, request, Situation(pick.attempt, before, skipped))
        able = [verdict.compiled for verdict in verdicts if not verdict.mismatches]
        assert able[:1] == ([] if pick.index is None else [fitting[pick.index]])


def test_candidates_come_in_file_order() -> None:
    late = {"attempt": 9}
    rules = compiled(late, {"user": "bye"}, {**late, "user": "Hello"}, {**late, "stream": False})
    assert [each.index for each in Index(rules).candidates(ask("Hello"))] == [0, 2, 3]


def unasked(request: Request) -> bool:
    pytest.fail(f"a rule behind one that is sure to answer was asked about {request}")


UNASKED = Condition("unasked", unasked, lambda _: "")


def test_rules_behind_one_that_is_sure_to_answer_are_not_looked_at() -> None:
    maybe, other, sure, last = compiled({"attempt": 2}, {"user": "bye"}, {"user": "Hello"}, {})
    rules = (maybe, other, sure, replace(last, conditions=(UNASKED,)))
    assert Index(rules).candidates(ask("Hello")) == [maybe, sure]


@pytest.mark.parametrize(
    ("rule", "sure"),
    [
        ({}, True),
        ({"when": {"user": "Hello", "turn": 1}}, True),
        ({"per": "request", "after_last": "cycle"}, True),
        ({"after_last": "fail"}, True),
        ({"set_state": {"a": 1}}, True),
        ({"when": {"state": {}}}, True),
        ({"when": {"attempt": 1}}, False),
        ({"when": {"attempt": {"at_least": 1}}}, False),
        ({"when": {"state": {"a": None}}}, False),
        ({"times": 1}, False),
        ({"after_last": "pass"}, False),
    ],
)
def test_a_rule_is_sure_to_answer_when_nothing_but_the_request_decides(
    rule: dict[str, Any], sure: bool
) -> None:
    first, last = (
        Rule.model_validate({**rule, "reply": "ok"}),
        Rule.model_validate({"reply": "ok"}),
    )
    rules = compile_rules([first, last], None)
    assert rules[0].sure is sure
    assert len(Index(rules).candidates(ask("Hello"))) == (1 if sure else 2)


def explained(rule: dict[str, Any], situation: Situation) -> list[tuple[str, str]]:
    rules = compile_rules([Rule.model_validate({**rule, "reply": "ok"})], None)
    (verdict,) = explain(rules, ask("Hello"), situation)
    return [(each.name, each.text) for each in verdict.mismatches]


@pytest.mark.parametrize(
    ("attempt", "rule", "told"),
    [
        (1, {"attempt": 2}, ["wanted 2, was 1"]),
        (2, {"attempt": 2}, []),
        (3, {"attempt": 2}, ["wanted 2, was 3"]),
        (2, {"attempt": {"at_least": 3}}, ["wanted 3 or more, was 2"]),
        (9, {"attempt": {"at_least": 3}}, []),
        (4, {"attempt": {"at_most": 3}}, ["wanted 0 to 3, was 4"]),
        (9, {}, []),
    ],
)
def test_an_attempt_that_was_not_wanted_is_told(
    attempt: int, rule: dict[str, Any], told: list[str]
) -> None:
    assert explained({"when": rule}, Situation(attempt)) == [("attempt", each) for each in told]


DOOR = {"when": {"state": {"door": "open", "paid": True}}}


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"door": "open", "paid": True}, []),
        ({"door": "open", "paid": 1}, [("state.paid", "wanted true, was 1")]),
        ({"door": "shut", "paid": True}, [("state.door", "wanted 'open', was 'shut'")]),
        ({}, [("state.door", "wanted 'open', was null"), ("state.paid", "wanted true, was null")]),
    ],
)
def test_a_state_that_was_not_wanted_is_told_by_its_name(
    state: dict[str, Scalar], told: list[tuple[str, str]]
) -> None:
    assert explained(DOOR, Situation(state=state)) == told


def test_attempt_and_state_are_told_of_rules_that_do_not_fit_either() -> None:
    when = {"user": "bye", "attempt": 2, "state": {"door": "open"}}
    assert [name for name, _ in explained({"when": when}, Situation())] == [
        "user",
        "attempt",
        "state.door",
    ]


@pytest.mark.parametrize(
    ("skip", "rule", "told"),
    [
        ("times", {"times": 2}, "wanted at most 2, and has answered as often"),
        ("replies", {"after_last": "pass"}, "all 1 have been given"),
    ],
)
def test_a_rule_that_is_used_up_is_told_as_the_store_said(
    skip: Skip, rule: dict[str, Any], told: str
) -> None:
    assert explained(rule, Situation(skipped={0: skip})) == [(skip, told)]
    assert explained(rule, Situation(skipped={1: skip})) == []


def test_attempt_and_state_are_told_once_though_the_store_said_so_too() -> None:
    late = {"when": {"attempt": 2}}
    assert len(explained(late, Situation(skipped={0: "attempt"}))) == 1
    assert len(explained(DOOR, Situation(state={"door": "open"}, skipped={0: "state"}))) == 1


def test_every_answer_of_a_rule_has_its_pace() -> None:
    """Its own comes first, what it does not say from the scenario, chunks too."""
    rule = Rule.model_validate(
        {"replies": ["a", {"text": "b", "pacing": {"itl": "20ms"}}, {"error": 500}]}
    )
    usual = PacingSpec.model_validate({"ttft": "1s", "chunk": "word"})
    (paced,) = compile_rules([rule], usual)
    assert paced.paces == (
        Pace(Pacing(Delay(low=1.0)), "word"),
        Pace(Pacing(Delay(low=1.0), Delay(low=0.02)), "word"),
        Pace(Pacing(Delay(low=1.0)), "word"),
    )
    (alone,) = compile_rules([rule], None)
    assert alone.paces == (Pace(), Pace(Pacing(itl=Delay(low=0.02)), "token"), Pace())


def test_a_rule_is_called_by_its_name_or_its_place() -> None:
    named, unnamed = compile_rules(
        [Rule.model_validate({"name": "greet", "reply": "a"}), Rule.model_validate({"reply": "b"})],
        None,
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
    (made,) = compile_rules([rule], None)
    candidate = made.candidate
    assert (candidate.attempts, candidate.state) == ((0, 2), (("a", 1),))
    assert (candidate.length, candidate.per, candidate.after_last) == (2, "request", "cycle")
    assert (candidate.times, candidate.set_state) == (4, (("a", None),))


def test_a_rule_for_any_attempt_takes_all_of_them() -> None:
    (made,) = compiled({})
    assert made.candidate.attempts == (1, None)
