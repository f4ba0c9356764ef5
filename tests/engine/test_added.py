"""Rules added while serving, functions that answer, and what a changed engine keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from mockdock.engine import AddedRule, Condition, Decision, Engine, Function, MemoryStore
from mockdock.frames import Delay, Pacing
from mockdock.reply import Completion, Failure
from mockdock.request import Caller, Message, Request, TextPart
from mockdock.scenario import ErrorSpec, ReplySpec, Rule, load
from tests.engine.helpers import CREATED, ask, completion, engine, only, scenario


def read(**rule: Any) -> Rule:
    return load({"mockdock": 1, "rules": [rule]}).scenario.rules[0]


def added(
    key: str, *answers: Any, where: Sequence[Condition] = (), when: Any = None, **more: Any
) -> AddedRule:
    """Add a rule; an answer is a word of the language, or a function."""
    ready = [each if callable(each) else read(reply=each).answers[0] for each in answers]
    rule = read(reply="x", when=when or {})
    return AddedRule(key, f"added {key}", rule.when, tuple(ready), tuple(where), **more)


def text(asked: Engine, request: Request) -> str | None:
    return only(completion(asked, request)).text


def consulted(asked: Engine, request: Request) -> Decision:
    return asyncio.run(asked.consult(request, asked.decide(request)))


def test_added_rules_come_before_those_of_the_scenario_in_their_order() -> None:
    asked = engine({"name": "own", "reply": "own"}).changed(
        added=[added("+1", "one", when={"user": "a"}), added("+2", "two", when={"user": "b"})]
    )
    assert [text(asked, ask(said)) for said in ("a", "b", "ab", "c")] == [
        "one",
        "two",
        "one",
        "own",
    ]
    assert [rule.index for rule in asked.rules] == [-1, -2, 0]
    assert [rule.candidate.key for rule in asked.rules] == ["+1", "+2", "own"]
    decision = asked.decide(ask("b"))
    assert (decision.rule, decision.rule_key) == ("added +2", "+2")
    assert asked.decide(ask("c")).rule_key == "own"


def test_where_no_rule_answers_there_is_no_key() -> None:
    assert engine().decide(ask()).rule_key is None


def test_conditions_from_python_hold_beside_those_of_the_language() -> None:
    long = Condition("long", lambda r: len(_said(r)) > 3, lambda _: "was not true")
    asked = engine("other").changed(added=[added("+1", "a", where=[long], when={"user": "a"})])
    assert [text(asked, ask(said)) for said in ("aaaa", "a", "bbbb")] == ["a", "other", "other"]
    first = asked.explain(ask("b")).verdicts[0]
    assert [unmet.name for unmet in first.mismatches] == ["user", "long"]
    assert first.mismatches[1].text == "was not true"


def _said(request: Request) -> str:
    (part,) = request.messages[-1].parts
    assert isinstance(part, TextPart)
    return part.text


def test_counts_and_states_of_an_added_rule() -> None:
    asked = engine({"when": {"state": {"step": 2}}, "reply": "state"}, "rest").changed(
        added=[
            added("+1", "one", "two", after_last="pass"),
            added("+2", "three", times=1, set_state={"step": 2}),
        ]
    )
    assert [text(asked, ask()) for _ in range(5)] == ["one", "two", "three", "state", "state"]


def test_a_changed_engine_goes_on_counting() -> None:
    before = engine("rest").changed(added=[added("+1", "one", "two", "three")])
    assert text(before, ask()) == "one"
    after = before.changed(added=[added("+2", "other", when={"user": "x"}), *before.added])
    assert [text(after, ask()), text(after, ask("x"))] == ["two", "other"]
    assert text(before, ask()) == "three"


def test_a_changed_engine_differs_in_what_is_given_alone() -> None:
    before = Engine(scenario("Hi"), seed=7, otherwise="fail", alone=True, called="me")
    after = before.changed()
    assert (after.scenario, after.seed, after.otherwise) == (before.scenario, 7, "fail")
    assert (after.store, after.shelf) == (before.store, before.shelf)
    assert (after.added, after.edition) == ((), 0)
    changed = before.changed(seed=8, otherwise="echo")
    assert (changed.seed, changed.otherwise) == (8, "echo")
    assert before.changed(seed=0).seed == 0
    store = MemoryStore()
    assert before.changed(store=store).store is store
    asked = ask(caller=Caller(session="any"))
    assert completion(before, asked).id == completion(after.changed(store=store), asked).id


def test_another_scenario_counts_anew_and_its_chance_is_the_same() -> None:
    rules = [{"name": "r", "replies": ["one", "two"]}, {"name": "s", "reply": "x"}]
    before = engine(*rules)
    first = completion(before, ask())
    assert only(first).text == "one"
    after = before.changed(scenario=scenario(*rules))
    assert after.decide(ask()).rule_key == "1/r"
    assert after.edition == 1
    again = after.changed(scenario=scenario(*rules))
    assert text(again, ask()) == "one"
    assert again.edition == 2
    fresh = before.changed(scenario=scenario(*rules), store=MemoryStore())
    assert fresh.edition == 1
    assert completion(fresh, ask()) == first


def test_another_scenario_brings_its_seed_unless_one_was_given() -> None:
    seeded = scenario("x", seed=9)
    assert engine("x", seed=3).changed(scenario=seeded).seed == 9
    given = Engine(scenario("x", seed=3), seed=5)
    assert given.changed(scenario=seeded).seed == 5
    assert engine("x", seed=3).changed(seed=4).changed(scenario=seeded).seed == 4


def test_another_scenario_brings_its_otherwise_and_the_default_stays() -> None:
    before = Engine(scenario("x"), otherwise="fail")
    echoing = before.changed(scenario=scenario("x", otherwise="echo"))
    assert [before.otherwise, echoing.otherwise] == ["fail", "echo"]
    assert echoing.changed(scenario=scenario("x")).otherwise == "fail"
    assert engine(otherwise={"error": 500}).otherwise == "error"
    assert engine(otherwise={"text": "x"}).otherwise == "reply"


def test_an_engine_of_one_session_counts_by_server_in_it() -> None:
    store = MemoryStore()
    rule = {"name": "shared", "replies": ["one", "two"], "per": "server"}
    shared = [Engine(scenario(rule), store=store) for _ in range(2)]
    alone = [Engine(scenario(rule), store=store, alone=True) for _ in range(2)]
    callers = [Caller(session=name) for name in "ab"]
    said = [text(e, ask(caller=c)) for e, c in zip((*shared, *alone), callers * 2, strict=True)]
    assert said == ["one", "two", "one", "one"]
    more = Engine(scenario(), store=store, alone=True, added=[added("+1", "x", per="server")])
    assert more.rules[0].candidate.per == "session"


def test_the_name_a_session_is_called_stands_for_its_key_in_every_chance() -> None:
    made = [
        completion(Engine(scenario("Hi"), called=called), ask(caller=Caller(session=session))).id
        for session, called in (("a", "me"), ("b", "me"), ("a", "you"), ("a", None), ("b", None))
    ]
    assert made[0] == made[1]
    assert len(set(made)) == 4


@pytest.mark.parametrize("name", ["+1", "#1", "1/x", "12/+1"])
def test_a_rule_named_as_a_key_of_ours_is_not_mistaken_for_another(name: str) -> None:
    """Counted by that name it would share the counters of an added rule, or of a place."""
    asked = engine({"name": name, "replies": ["one", "two"]}, "rest")
    assert asked.decide(ask()).rule == name
    assert asked.rules[0].candidate.key == "#0"
    later = asked.changed(added=[added("+1", "added")])
    assert len({rule.candidate.key for rule in later.rules}) == 3


def answering(*given: Any) -> tuple[Function, list[tuple[str, int]]]:
    """Make a function that answers in turn and notes what it was asked."""
    asked: list[tuple[str, int]] = []
    answers = iter(given)

    async def function(request: Request, attempt: int) -> ReplySpec | ErrorSpec:
        await asyncio.sleep(0)
        asked.append((_said(request), attempt))
        given = next(answers)
        if isinstance(given, Exception):
            raise given
        answer: ReplySpec | ErrorSpec = read(reply=given).answers[0]
        return answer

    return function, asked


def test_a_function_answers_once_it_is_consulted() -> None:
    function, told = answering("from Python", {"error": "rate_limit"})
    asked = engine().changed(added=[added("+1", function)])
    request = ask("What?")
    decision = consulted(asked, request)
    reply = asked.compose(request, decision, CREATED)
    assert isinstance(reply, Completion)
    assert only(reply).text == "from Python"
    refused = asked.compose(request, consulted(asked, request), CREATED)
    assert isinstance(refused, Failure)
    assert (refused.kind, refused.cause) == ("rate_limit", None)
    assert told == [("What?", 1), ("What?", 2)]


def test_a_function_that_was_not_consulted_cannot_be_composed() -> None:
    function, _ = answering("x")
    asked = engine().changed(added=[added("+1", function)])
    with pytest.raises(TypeError, match="consult the function of added \\+1 first"):
        asked.compose(ask(), asked.decide(ask()), CREATED)


def test_where_no_function_is_to_answer_the_decision_stands() -> None:
    asked = engine("Hi")
    decision = asked.decide(ask())
    assert asyncio.run(asked.consult(ask(), decision)) is decision


def test_what_a_function_raises_is_a_failure_that_no_client_retries() -> None:
    cause = ValueError("no such city")
    function, _ = answering(cause)
    asked = engine().changed(added=[added("+1", function)])
    reply = asked.compose(ask(), consulted(asked, ask()), CREATED)
    assert isinstance(reply, Failure)
    assert reply.cause is cause
    assert (reply.kind, reply.should_retry) == ("server_error", False)
    assert reply.message == "mockdock: the function of added +1 raised ValueError('no such city')"


def test_a_function_that_is_called_off_is_called_off() -> None:
    async def never(_request: Request, _attempt: int) -> ReplySpec | ErrorSpec:
        await asyncio.Event().wait()
        raise AssertionError

    asked = engine().changed(added=[added("+1", never)])

    async def play() -> None:
        task = asyncio.ensure_future(asked.consult(ask(), asked.decide(ask())))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(play())


def test_the_pace_is_that_of_what_the_function_gave_over_the_scenarios() -> None:
    paced = {"text": "x", "pacing": {"ttft": "5s", "chunk": "word"}}
    function, _ = answering("plain", paced, ValueError())
    asked = engine(pacing={"ttft": "1s", "itl": "2s"}).changed(added=[added("+1", function)])
    plain, own, raised = (consulted(asked, ask()).context.pace for _ in range(3))
    assert (plain.pacing, plain.chunk) == (Pacing(Delay(low=1), Delay(low=2)), "token")
    assert (own.pacing, own.chunk) == (Pacing(Delay(low=5), Delay(low=2)), "word")
    assert raised == plain


def test_to_explain_counts_nothing() -> None:
    asked = engine(
        {"name": "first", "replies": ["one"], "after_last": "pass", "set_state": {"step": 2}},
        {"name": "then", "when": {"state": {"step": 2}}, "reply": "two"},
        {"name": "late", "when": {"attempt": 3}, "reply": "three"},
    )
    for _ in range(3):
        explained = asked.explain(ask())
        assert explained.chosen is not None
        assert explained.chosen.label == "first"
        assert explained.refused is None
    assert asked.store.state("") == {}
    assert [text(asked, ask()), text(asked, ask())] == ["one", "two"]
    explained = asked.explain(ask())
    assert explained.chosen is not None
    assert explained.chosen.label == "then"
    told = {v.compiled.label: [(u.name, u.text) for u in v.mismatches] for v in explained.verdicts}
    assert told == {
        "first": [("replies", "all 1 have been given")],
        "then": [],
        "late": [],
    }
    assert asked.explain(ask(caller=Caller(attempt=2))).verdicts[2].mismatches[0].name == "attempt"


def test_what_the_api_refuses_no_rule_would_answer() -> None:
    asked = engine("Hi", models=[{"id": "small", "context_window": 10}])
    long = ask("word " * 50, model="small")
    explained = asked.explain(long)
    assert explained.chosen is None
    assert explained.refused == asked.compose(long, asked.decide(long), CREATED)
    assert explained.refused is not None
    assert explained.refused.kind == "context_length"
    lenient = asked.changed(scenario=scenario("Hi", validation="lenient"))
    assert lenient.explain(long).refused is None


def test_an_earlier_message_is_no_concern_of_an_added_rule() -> None:
    asked = engine("rest").changed(added=[added("+1", "one", when={"user": "old"})])
    before = Message("user", (TextPart("old"),)), Message("assistant", (TextPart("yes"),))
    assert text(asked, ask("new", *before)) == "rest"
