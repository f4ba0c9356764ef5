"""Who answers: rules, otherwise, the models API, or a refusal."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from mockdock.engine import Engine, MemoryStore
from mockdock.engine.match import Situation, explain
from mockdock.errors import MockdockError
from mockdock.reply import Failure, ModelCard, ModelList, Reply
from mockdock.request import Caller, Request, Traits
from tests.engine.helpers import CREATED, ask, completion, engine, failure, only, scenario

MODELS = Request("openai", "models")


def answer(asked: Engine, request: Request) -> Reply:
    return asked.compose(request, asked.decide(request), CREATED)


def model(name: str) -> Request:
    return Request("openai", "models", name)


def mine(session: str) -> Caller:
    return Caller(session=session)


def test_the_first_rule_that_fits_answers() -> None:
    asked = engine(
        {"when": {"user": "bye"}, "reply": "Goodbye"},
        {"name": "greet", "when": {"user": "Hello"}, "reply": "Hi"},
        "Hm?",
    )
    decision = asked.decide(ask("Hello"))
    context = decision.context
    assert (decision.rule, context.attempt, context.seen) == ("greet", 1, 1)
    assert only(completion(asked, ask("Hello"))).text == "Hi"
    assert asked.decide(ask("What?")).rule == "rule 3"


def test_a_sequence_steps_through_errors_and_texts() -> None:
    asked = engine({"replies": [{"error": 429}, {"error": "server_error"}, "Hi"]})
    kinds = [answer(asked, ask()) for _ in range(4)]
    assert [getattr(each, "kind", "ok") for each in kinds] == [
        "rate_limit",
        "server_error",
        "ok",
        "ok",
    ]


def test_rules_on_attempts_see_what_the_sdk_tells() -> None:
    asked = engine({"when": {"attempt": {"at_most": 2}}, "reply": {"error": 500}}, "Hi")
    made = [answer(asked, ask(caller=Caller(attempt=attempt))) for attempt in (1, 2, 3, 1)]
    assert [isinstance(each, Failure) for each in made] == [True, True, False, True]


def test_a_plain_call_and_its_streamed_retry_are_one_request() -> None:
    asked = engine({"replies": [{"error": 500}, "Hi"], "per": "request"})
    assert failure(asked, ask()).kind == "server_error"
    assert only(completion(asked, ask(stream=True, max_tokens=50))).text == "Hi"


def test_states_lead_from_rule_to_rule() -> None:
    asked = engine(
        {"when": {"state": {"step": None}}, "reply": "one", "set_state": {"step": 1}},
        {"when": {"state": {"step": 1}}, "reply": "two", "set_state": {"step": None}},
    )
    assert [only(completion(asked, ask())).text for _ in range(3)] == ["one", "two", "one"]


def test_sessions_do_not_see_each_other() -> None:
    asked = engine({"replies": ["one", "two"]})
    callers = [mine(session) for session in ("", "a", "", "a", "b")]
    texts = [only(completion(asked, ask(caller=caller))).text for caller in callers]
    assert texts == ["one", "one", "two", "two", "one"]


def test_headers_tell_the_engine_nothing_about_the_caller() -> None:
    """Who asks is the dialect's to read."""
    asked = engine({"replies": ["one", "two", "three"]})
    headers = {"x-mockdock-session": "mine", "x-stainless-retry-count": "7"}
    first, second = asked.decide(ask(headers=headers)), asked.decide(ask())
    assert (first.context.attempt, second.context.attempt) == (1, 2)


def test_engines_may_share_a_store() -> None:
    store = MemoryStore()
    one, other = (Engine(scenario({"replies": ["a", "b"]}), store=store) for _ in range(2))
    assert [only(completion(each, ask())).text for each in (one, other)] == ["a", "b"]


def test_a_list_that_shall_fail_after_its_last_reply_says_so() -> None:
    asked = engine({"name": "once", "reply": "Hi", "after_last": "fail"})
    completion(asked, ask())
    made = failure(asked, ask())
    assert (made.kind, made.should_retry) == ("exhausted", False)
    assert "once has no reply left: it has 1" in (made.message or "")
    assert asked.decide(ask()).rule == "once"


def test_otherwise_answers_what_no_rule_does() -> None:
    asked = engine({"when": {"user": "x"}, "reply": "y"}, otherwise={"text": "Sorry, ${user}"})
    assert asked.decide(ask("Ann")).rule is None
    assert only(completion(asked, ask("Ann"))).text == "Sorry, Ann"
    assert failure(engine(otherwise={"error": 503}), ask()).kind == "overloaded"


@pytest.mark.parametrize(
    ("own", "usual", "kind"),
    [(None, "fail", "no_match"), ("fail", "auto", "no_match"), (None, "auto", None)],
)
def test_the_scenario_says_otherwise_first(
    own: str | None, usual: Literal["fail", "auto"], kind: str | None
) -> None:
    made = answer(Engine(scenario(otherwise=own), otherwise=usual), ask())
    assert getattr(made, "kind", None) == kind


@pytest.mark.parametrize("own", [None, "fail"])
def test_an_otherwise_that_there_is_not_is_refused_with_the_choices(own: str | None) -> None:
    with pytest.raises(MockdockError, match="'fial': write one of auto, fail, echo, lorem"):
        Engine(scenario(otherwise=own), otherwise="fial")  # type: ignore[arg-type]


def missed(asked: Engine, request: Request) -> str:
    made = failure(asked, request)
    assert (made.kind, made.should_retry) == ("no_match", False)
    return made.message or ""


def test_a_miss_shows_the_nearest_rules_condition_by_condition() -> None:
    asked = engine(
        {"name": "far", "when": {"user": "a", "model": "b", "stream": True}, "reply": "x"},
        {"name": "near", "when": {"user": "weather", "model": "gpt-*"}, "reply": "x"},
        {"name": "middle", "when": {"user": "weather", "turn": 2}, "reply": "x"},
        {"name": "farther", "when": {"user": "a", "model": "b", "turn": 7}, "reply": "x"},
        otherwise="fail",
    )
    message = missed(asked, ask("Hello"))
    near = "near: user wanted a text with 'weather', was 'Hello'"
    middle = "middle: turn wanted 2, was 1; user wanted a text with 'weather', was 'Hello'"
    assert f"Nearest: {near} | {middle} | far: " in message
    assert "farther" not in message


def test_a_miss_says_why_a_rule_that_fits_did_not_answer() -> None:
    asked = engine(
        {"name": "once", "reply": "x", "times": 1},
        {"name": "later", "when": {"attempt": {"at_least": 5}}, "reply": "x"},
        {"name": "open", "when": {"state": {"door": "open"}}, "reply": "x"},
        otherwise="fail",
    )
    completion(asked, ask())
    message = missed(asked, ask())
    assert "once: times wanted at most 1, and has answered as often" in message
    assert "later: attempt wanted 5 or more, was 2" in message
    assert "open: state.door wanted 'open', was null" in message


def test_a_miss_shows_the_state_of_the_session_that_missed() -> None:
    asked = engine({"when": {"state": {"door": "open"}}, "reply": "x"}, otherwise="fail")
    asked.store.set_state("a", {"door": "shut"})
    assert "state.door wanted 'open', was 'shut'" in missed(asked, ask(caller=mine("a")))
    assert "state.door wanted 'open', was null" in missed(asked, ask(caller=mine("b")))


ALMOST: tuple[dict[str, Any], ...] = (
    {"stream": True, "user": "x"},
    {"stream": True},
    {"stream": True, "turn": 1},
    {"turn": 1, "attempt": {"at_least": 2}, "model": "gpt-*"},
    {"turn": 1, "attempt": 1, "model": "gpt-*", "user": "x"},
    {"state": {"a": 1, "b": 1}, "turn": 1, "model": "gpt-*", "attempt": 1},
    {"stream": True, "user": "x", "turn": 1, "model": "gpt-*"},
)
"""Rules with one condition that does not hold, the first and the last with two.

Of the others hold 0, 0, 1, 2, 3, 4 (one of them a state) and 2.
"""


@pytest.mark.parametrize(
    ("places", "nearest"),
    [
        ((0, 1), [1, 0]),
        ((1, 2), [2, 1]),
        ((1, 2, 3), [3, 2, 1]),
        ((3, 4, 2), [4, 3, 2]),
        ((2, 4, 5), [5, 4, 2]),
        ((6, 1, 0), [1, 6, 0]),
        ((0, 1, 2, 3), [3, 2, 1]),
    ],
)
def test_the_nearest_rules_miss_little_then_hold_much(
    places: tuple[int, ...], nearest: list[int]
) -> None:
    rules = [{"name": f"almost {place}", "when": ALMOST[place], "reply": "x"} for place in places]
    asked = engine(*rules, otherwise="fail")
    asked.store.set_state("", {"a": 1})
    told = missed(asked, ask("Hello")).partition("Nearest: ")[2].split(" | ")
    assert [line.partition(":")[0] for line in told] == [f"almost {place}" for place in nearest]


def test_of_rules_equally_near_the_first_in_the_file_is_told_first() -> None:
    """Conditions on attempt and times weigh as much as any other."""
    asked = engine(
        {"name": "late", "when": {"turn": 1, "attempt": 9}, "reply": "x"},
        {"name": "streamed", "when": {"turn": 1, "stream": True}, "reply": "x"},
        {"name": "moody", "when": {"turn": 1, "state": {"a": 1}}, "reply": "x"},
        otherwise="fail",
    )
    told = missed(asked, ask()).partition("Nearest: ")[2].split(" | ")
    assert [line.partition(":")[0] for line in told] == ["late", "streamed", "moody"]


def test_skipped_rules_are_named_by_their_place_in_the_file() -> None:
    asked = engine(
        {"when": {"user": "never"}, "reply": "x"},
        {"reply": "y", "times": 1},
        {"when": {"user": "neither"}, "reply": "x"},
        {"when": {"attempt": 9}, "reply": "z"},
        "last",
    )
    assert asked.decide(ask()).skipped == {}
    decision = asked.decide(ask())
    assert decision.skipped == {1: "times", 3: "attempt"}
    verdicts = explain(asked.rules, ask(), Situation(2, {}, decision.skipped))
    assert [len(verdict.mismatches) for verdict in verdicts] == [1, 1, 1, 1, 0]


def test_a_miss_without_rules_says_that_there_are_none() -> None:
    assert "there are no rules" in missed(engine(otherwise="fail"), ask())


def test_a_miss_of_a_huge_request_stays_readable() -> None:
    asked = engine({"when": {"user": "y", "body": {"a": 1}}, "reply": "x"}, otherwise="fail")
    assert len(missed(asked, ask("x" * 100_000, body={"a": "x" * 100_000}))) < 600


def test_every_model_is_accepted_unless_the_scenario_lists_some() -> None:
    assert completion(engine("Hi"), ask(model="any-name")).model == "any-name"
    asked = engine("Hi", models=["gpt-4o", {"id": "mine", "snapshot": "mine-2026"}])
    assert completion(asked, ask(model="mine")).model == "mine-2026"
    assert asked.traits("gpt-4o-mini") is None
    assert asked.traits("mine") == Traits(family="mine-2026")
    assert engine("Hi").traits("any-name") == Traits(family="any-name")


def test_the_models_api_lists_what_the_scenario_lists() -> None:
    asked = engine("Hi", models=["b", {"id": "a", "owned_by": "me"}], otherwise="fail")
    listed = answer(asked, MODELS)
    assert isinstance(listed, ModelList)
    assert [(card.id, card.owned_by) for card in listed.models] == [("b", "system"), ("a", "me")]


def test_the_models_api_lists_the_catalogue_where_the_scenario_says_nothing() -> None:
    listed = answer(engine("Hi"), MODELS)
    assert isinstance(listed, ModelList)
    assert "gpt-4o" in {card.id for card in listed.models}
    card = answer(engine("Hi"), model("gpt-4o"))
    assert isinstance(card, ModelCard)
    assert (card.id, card in listed.models) == ("gpt-4o", True)


@pytest.mark.parametrize("settings", [{}, {"models": ["gpt-4o"]}])
def test_the_models_api_does_not_know_a_model_that_is_not_there(settings: Any) -> None:
    made = failure(engine("Hi", **settings), model("no-such-model"))
    assert (made.kind, made.model) == ("model_not_found", "no-such-model")


@pytest.mark.parametrize("settings", [{}, {"models": ["gpt-4o"]}])
def test_a_lenient_models_api_invents_a_model_that_is_not_there(settings: Any) -> None:
    asked = engine("Hi", validation="lenient", **settings)
    card = answer(asked, model("no-such-model"))
    assert card == ModelCard("no-such-model", CREATED, "system")
    assert answer(asked, model("no-such-model")) == card


def test_the_models_api_fails_where_a_rule_says_so() -> None:
    rule = {"when": {"api": "models"}, "reply": {"error": 500}, "times": 2}
    asked = engine(rule, "Hi")
    assert failure(asked, MODELS).kind == "server_error"
    assert failure(asked, model("gpt-4o")).kind == "server_error"
    assert isinstance(answer(asked, MODELS), ModelList)


@pytest.mark.parametrize(
    ("auth", "key", "kind"),
    [
        ("any", "", None),
        ("any", "x", None),
        ("required", "", "missing_key"),
        ("required", "x", None),
        ({"keys": ["good", "fine"]}, "", "missing_key"),
        ({"keys": ["good", "fine"]}, "bad", "auth"),
        ({"keys": ["good", "fine"]}, "goo", "auth"),
        ({"keys": ["good", "fine"]}, "goodx", "auth"),
        ({"keys": ["good", "fine"]}, "caf\u00e9", "auth"),
        ({"keys": ["good", "fine"]}, "\ud800", "auth"),
        ({"keys": ["good", "fine"]}, "fine", None),
        ({"keys": ["good", "fine"]}, "good", None),
    ],
)
def test_keys_are_checked_as_the_scenario_wants(auth: Any, key: str, kind: str | None) -> None:
    refused = engine(auth=auth).authorize(Caller(key))
    assert getattr(refused, "kind", None) == kind


def test_a_session_of_its_own_is_no_key() -> None:
    refused = engine(auth="required").authorize(Caller(session="sk-mockdock-a1"))
    assert refused == Failure("missing_key")


def test_a_wrong_key_is_told_to_its_sender() -> None:
    assert engine(auth={"keys": ["good"]}).authorize(Caller("bad")) == Failure("auth", key="bad")
