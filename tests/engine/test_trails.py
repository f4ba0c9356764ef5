"""Trails: whoever goes one is answered, counted and charged as if he had gone the usual way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.engine import AddedRule, Condition, Engine
from mockdock.engine.memory import MemoryStore
from mockdock.engine.surviving import SurvivingStore
from mockdock.engine.trails import Walk
from mockdock.reply import Completion
from mockdock.request import Caller, Message, Request, ResponseFormat, Role, TextPart, Tool
from mockdock.scenario import ReplySpec, When
from tests.engine.helpers import engine

Said = Sequence[tuple[Role, str]]
_LIMITS = [{"per": ["key", "model"], "rpm": 9, "tpm": 900}]
_WORDS = {"when": {"user": "hello"}, "reply": "Always the same."}
_ROLES: tuple[Role, ...] = ("user", "assistant", "system", "developer")


def asked(said: Said, mark: object, **more: Any) -> Request:
    """Ask for chat; requests with the same mark share all but their words and caller."""
    messages = tuple(Message(role, (TextPart(text),)) for role, text in said)
    given = {"caller": Caller("sk-a"), **more}
    return Request("openai", "chat", "gpt-4o", messages, recurs=mark, **given)


def usual(mock: Engine, request: Request, age: float) -> tuple[Any, Any]:
    """Answer the usual way, and let a trail be made of it."""
    decision = mock.decide(request, age=age)
    reply = mock.compose(request, decision, 7.5)
    mock.trails.note(request, decision, reply)
    return decision, reply


def walked(mock: Engine, said: Said, request: Request, age: float = 0.0) -> Walk | None:
    trail = mock.trails.of(request.recurs)
    return None if trail is None else trail.walk(said, request.caller, lambda: request, age)


def warm(mock: Engine, request: Request) -> None:
    """Ask often enough for a trail."""
    for _ in range(4):
        usual(mock, request, 0.0)


SAID = st.lists(
    st.tuples(
        st.sampled_from(_ROLES), st.sampled_from(["hello", "hello you", "", "grüße 😀", "x"])
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=60)
@given(
    story=st.lists(
        st.tuples(SAID, st.sampled_from(["sk-a", "sk-b"]), st.sampled_from([None, 1])), max_size=30
    ),
    step=st.sampled_from([0.0, 3.0, 20.0]),
    more=st.sampled_from(
        [{}, {"temperature": 0.0}, {"max_tokens": 2}, {"n": 2, "seed": 3}, {"stop": ("same",)}]
    ),
    tools=st.booleans(),
    algorithm=st.sampled_from(["bucket", "fixed", "sliding"]),
)
def test_who_goes_a_trail_gets_what_he_would_have_got(
    story: list[tuple[Said, str, int | None]],
    step: float,
    more: dict[str, Any],
    tools: bool,
    algorithm: str,
) -> None:
    rules = [{"when": {"turn": 2}, "reply": "Twice."}, _WORDS, {"reply": "Or ${user}."}]
    limits = [{**each, "algorithm": algorithm} for each in _LIMITS]
    beaten, plain = (engine(*rules, limits=limits, seed=4) for _ in range(2))
    mark = object()
    offered = (Tool("look"),) if tools else ()
    for number, (said, key, attempt) in enumerate(story):
        age = number * step
        request = asked(said, mark, caller=Caller(key, "s", attempt), tools=offered, **more)
        decision = plain.decide(request, age=age)
        reply = plain.compose(request, decision, 7.5)
        walk = walked(beaten, said, request, age)
        if walk is None:
            usually = usual(beaten, request, age)
            assert usually[1] == reply
            for one, which in ((beaten, usually[0]), (plain, decision)):
                one.settle(request, which, reply, said=99, age=age)
            continue
        mine, theirs = walk.admission, decision.admission
        assert mine is not None
        assert theirs is not None
        plain.settle(request, decision, reply, said=99, age=age)
        if isinstance(reply, Completion):
            assert mine.standings(reply, streamed=False) == theirs.standings(reply, streamed=False)
        charges = theirs.charges
        left = beaten.store.read("s", charges, age), plain.store.read("s", charges, age)
        assert left[0] == left[1]
        assert walk.pick.attempt == decision.context.attempt
        if isinstance(reply, Completion):
            assert walk.reply(7) == reply
            assert walk.lane.compiled.label == decision.rule
            seen = decision.context.seen
            assert walk.entropy.request_id(seen) == decision.context.entropy.request_id(seen)
        else:
            assert walk.pick.refusers


def test_a_trail_is_made_of_what_was_asked_often_and_of_nothing_rarer() -> None:
    mock, request = engine(_WORDS), asked([("user", "hello")], object())
    for _ in range(3):
        usual(mock, request, 0.0)
    assert mock.trails.of(request.recurs) is None
    usual(mock, request, 0.0)
    assert walked(mock, [("user", "hello again")], request) is not None
    assert walked(mock, [("user", "hello again")], asked([], object())) is None


@pytest.mark.parametrize(
    ("rule", "more"),
    [
        ({**_WORDS, "times": 99}, {}),
        ({**_WORDS, "reply": "You said ${user}."}, {}),
        ({**_WORDS, "reply": {"text": "Slow.", "pacing": {"ttft": "1s"}}}, {}),
        ({**_WORDS, "reply": {"text": "Counted.", "usage": {"prompt_tokens": 9}}}, {}),
        ({**_WORDS, "reply": {"text": "Told.", "headers": {"x-a": "b"}}}, {}),
        ({**_WORDS, "reply": {"text": "Cut.", "faults": ["reset"]}}, {}),
        ({**_WORDS, "reply": {"error": 500}}, {}),
        ({"when": {"user": "hello"}, "replies": ["One.", "Two."], "after_last": "cycle"}, {}),
        ({**_WORDS, "set_state": {"a": 1}}, {}),
        (_WORDS, {"stream": True}),
        (_WORDS, {"logprobs": True}),
        (_WORDS, {"store": True}),
        (_WORDS, {"prediction": "Always"}),
        (_WORDS, {"ignored": ("top_k",)}),
    ],
)
def test_where_anything_else_matters_no_trail_is_gone(
    rule: dict[str, Any], more: dict[str, Any]
) -> None:
    mock, request = engine(rule), asked([("user", "hello")], object(), **more)
    for _ in range(6):
        usual(mock, request, 0.0)
    assert walked(mock, [("user", "hello")], request) is None


def test_without_a_mark_and_where_trouble_may_be_met_there_are_no_trails() -> None:
    troubled = engine(_WORDS, chaos={"rate": 0.001, "mix": {500: 1}})
    for mock, mark in ((troubled, object()), (engine(_WORDS), None)):
        request = asked([("user", "hello")], mark)
        warm(mock, request)
        assert mock.trails.of(mark) is None
        assert not mock.trails


@pytest.mark.parametrize("limit", [{"concurrent": 9}, {"cost_budget": 9}, {"token_budget": 9000}])
def test_where_more_than_tokens_is_charged_there_are_no_trails(limit: dict[str, Any]) -> None:
    mock = engine(_WORDS, limits=[{"per": "server", **limit}])
    request = asked([("user", "hello")], object())
    warm(mock, request)
    assert not mock.trails


def test_who_does_not_get_his_reply_gets_back_what_it_cost() -> None:
    mock = engine(_WORDS, limits=_LIMITS)
    request = asked([("user", "hello")], object())
    for _ in range(4):
        decision, reply = usual(mock, request, 0.0)
        mock.settle(request, decision, reply, said=99, age=0.0)
    charges = mock.ask(request).step.charges
    before = mock.store.read("", charges, 0.0)
    walk = walked(mock, [("user", "hello")], request)
    assert walk is not None
    assert mock.store.read("", charges, 0.0)[1].used > before[1].used
    walk.take_back(0.0)
    after = mock.store.read("", charges, 0.0)
    assert after[1] == before[1]
    assert after[0].used == before[0].used + 1


def test_a_long_prompt_goes_the_usual_way_since_it_may_be_cached() -> None:
    mock, request = engine(_WORDS), asked([("user", "hello")], object())
    warm(mock, request)
    assert walked(mock, [("user", "hello" + " a" * 900)], request) is not None
    assert walked(mock, [("user", "hello" + " a" * 1100)], request) is None


def test_a_prompt_without_room_goes_the_usual_way() -> None:
    models = [{"id": "gpt-4o", "context_window": 50}]
    mock = engine(_WORDS, models=models)
    request = asked([("user", "hello")], object(), max_tokens=20)
    warm(mock, request)
    assert walked(mock, [("user", "hello" + " a" * 10)], request) is not None
    assert walked(mock, [("user", "hello" + " a" * 40)], request) is None


def test_what_a_system_message_changes_is_counted_the_usual_way() -> None:
    form = ResponseFormat("json_schema", "a", None, {"type": "object"})
    mock = engine({**_WORDS, "reply": {"json": {}}})
    request = asked([("user", "hello")], object(), response_format=form)
    warm(mock, request)
    walk = walked(mock, [("user", "hello")], request)
    assert walk is not None
    assert walk.tokens == mock.decide(request).context.prompt.tokens
    assert walked(mock, [("system", "Be kind."), ("user", "hello")], request) is None


def test_rules_that_look_at_more_than_words_are_asked_with_the_whole_request() -> None:
    mock = engine(
        {"when": {"user": "hello", "headers": {"x-kind": "a"}}, "reply": "By header."}, _WORDS
    )
    mark = object()
    kinds = {"a": "By header.", "b": "Always the same."}
    for kind in kinds:
        warm(mock, asked([("user", "hello")], mark, headers={"x-kind": kind}))
    for kind, text in kinds.items():
        request = asked([("user", "hello")], mark, headers={"x-kind": kind})
        walk = walked(mock, [("user", "hello")], request)
        assert walk is not None
        assert walk.reply(1).choices[0].text == text


def test_trails_and_what_they_remember_are_bounded() -> None:
    mock = engine(_WORDS, limits=_LIMITS)
    requests = [asked([("user", "hello")], object()) for _ in range(40)]
    for request in requests:
        warm(mock, request)
    known = [each for each in requests if mock.trails.of(each.recurs) is not None]
    assert 0 < len(known) <= 16
    trail = mock.trails.of(known[-1].recurs)
    assert trail is not None
    for number in range(600):
        trail.walk([("user", "hello")], Caller(f"sk-{number}"), lambda: known[-1], 0.0)
    trail.walk([("user", "hello")], Caller("k" * 5000), lambda: known[-1], 0.0)
    assert len(trail._bills) <= 512
    assert not any(len(key) > 200 for key, *_ in trail._bills)


def test_functions_of_somebody_are_asked_once_for_each_request() -> None:
    asked_for: list[str] = []

    def told(request: Request) -> bool:
        asked_for.append(request.user_text)
        return False

    condition = Condition("where", told, lambda _: "never")
    rule = AddedRule("+1", "added", When(), (ReplySpec(text="Never."),), (condition,))
    mock = engine(_WORDS).changed(added=[rule])
    request = asked([("user", "hello")], object())
    warm(mock, request)
    assert not mock.trails
    assert len(asked_for) == 4


def test_parameters_that_come_once_leave_the_trails_of_others_alone() -> None:
    mock, usually = engine(_WORDS), asked([("user", "hello")], object())
    warm(mock, usually)
    for _ in range(200):
        usual(mock, asked([("user", "hello")], object()), 0.0)
    assert mock.trails.of(usually.recurs) is not None
    assert len(mock.trails._seen) == 64


def test_there_are_trails_where_processes_share_nothing_and_none_where_they_do() -> None:
    request = asked([("user", "hello")], object())
    for shared in (MemoryStore(), None):
        mock = engine(_WORDS).changed(store=SurvivingStore(shared, "alone"))
        warm(mock, request)
        walk = walked(mock, [("user", "hello")], request)
        assert (walk is None) == (shared is not None)
    assert walk is not None
    decision, _ = usual(mock, request, 0.0)
    assert (walk.pick.seen, decision.context.seen) == (5, 6)
    assert walk.admission is None
