"""From a decision to a reply: pure, seeded, with numbers that add up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args
from unittest.mock import ANY

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.content.counting import count_prompt
from mockdock.content.tokens import tokenizer
from mockdock.engine import Engine
from mockdock.frames import Delay, Pacing
from mockdock.reply import Completion, Reply, Usage
from mockdock.request import Caller, Message, Request, ResponseFormat, Tool
from mockdock.scenario.replies import ErrorKind
from tests.engine.helpers import (
    CREATED,
    after_tool,
    ask,
    completion,
    engine,
    failure,
    only,
    say,
    scenario,
    tools,
)

KINDS: tuple[str, ...] = get_args(ErrorKind)


def answer(asked: Engine, request: Request) -> Reply:
    return asked.compose(request, asked.decide(request), CREATED)


def test_a_completion_says_who_answered_and_when() -> None:
    made = completion(engine("Hi"), ask(model="gpt-4o"))
    assert made.created == CREATED
    assert made.model == "gpt-4o-2024-08-06"
    assert (made.reasoning_model, made.service_tier, made.headers) == (False, "default", {})
    assert made.pacing is None
    assert len(made.id) == 29
    assert made.id.isalnum()
    assert completion(engine("Hi"), ask(model="o3")).reasoning_model


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        (None, "default"),
        ("auto", "default"),
        ("default", "default"),
        ("flex", "flex"),
        ("scale", "scale"),
        ("priority", "priority"),
        ("fast", "priority"),
    ],
)
def test_the_service_tier_follows_the_request(asked: str | None, served: str) -> None:
    """The fast tier answers as "priority" (documented with the parameter)."""
    assert completion(engine("Hi"), ask(service_tier=asked)).service_tier == served


def test_usage_is_the_prompt_and_all_answers_together() -> None:
    request = ask("How are you?", n=2)
    made = completion(engine({"choices": ["one two", {"text": "x", "reasoning": 5}]}), request)
    prompt = count_prompt(request, tokenizer("o200k_base"), "gpt-4o").tokens
    assert made.usage == Usage(prompt, 8, prompt + 8, reasoning_tokens=5)


def test_numbers_given_replace_the_real_ones_and_the_total_follows() -> None:
    request = ask()
    real = completion(engine("one two"), request).usage
    cached = completion(engine({"text": "one two", "usage": {"cached_tokens": 3}}), request).usage
    assert cached == Usage(real.prompt_tokens, 2, real.prompt_tokens + 2, cached_tokens=3)
    given = completion(engine({"text": "x", "usage": {"prompt_tokens": 1000}}), request).usage
    assert given == Usage(1000, 1, 1001)
    zero = completion(engine({"text": "x", "usage": {"completion_tokens": 0}}), request).usage
    assert zero == Usage(real.prompt_tokens, 0, real.prompt_tokens)


def test_all_numbers_of_usage_can_be_given() -> None:
    names = set(Usage.__struct_fields__) - {"cost"}  # it comes of the others
    numbers = {name: place for place, name in enumerate(sorted(names), 10)}
    made = completion(engine({"text": "x", "usage": numbers}), ask())
    assert made.usage == Usage(**numbers)


def test_pace_of_the_reply_wins_over_that_of_the_scenario() -> None:
    asked = engine(
        {"text": "a", "pacing": {"itl": "20ms"}},
        pacing={"ttft": "300ms", "tps": 50},
    )
    assert completion(asked, ask()).pacing == Pacing(Delay(low=0.3), Delay(low=0.02))
    assert completion(engine("a", pacing={"tps": 50}), ask()).pacing == Pacing(itl=Delay(low=0.02))
    alone = engine({"text": "a", "pacing": {"ttft": "1s"}})
    assert completion(alone, ask()).pacing == Pacing(Delay(low=1.0))


def test_each_reply_of_a_sequence_has_its_own_pace() -> None:
    asked = engine(
        {"replies": [{"text": "a b", "pacing": {"itl": "20ms", "chunk": 1}}, "a b"]},
        pacing={"ttft": "1s"},
    )
    first, second = completion(asked, ask()), completion(asked, ask())
    assert first.pacing == Pacing(Delay(low=1.0), Delay(low=0.02))
    assert second.pacing == Pacing(Delay(low=1.0))
    assert [len(only(made).content or ()) for made in (first, second)] == [3, 2]


def test_what_answers_otherwise_has_its_pace_too() -> None:
    paced = {"ttft": "1s"}
    own = engine(otherwise={"text": "a", "pacing": {"itl": "20ms"}}, pacing=paced)
    assert completion(own, ask()).pacing == Pacing(Delay(low=1.0), Delay(low=0.02))
    assert completion(engine(pacing=paced), ask()).pacing == Pacing(Delay(low=1.0))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_error_is_a_failure_of_that_kind(kind: str) -> None:
    made = failure(engine({"error": kind}), ask(caller=Caller("sk-abc")))
    assert (made.kind, made.status, made.model, made.key) == (kind, None, "gpt-4o", "sk-abc")
    assert (made.message, made.type, made.param, made.code) == (None, None, None, None)
    assert (made.retry_after, made.should_retry, made.headers) == (None, None, {})


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "bad_request"),
        (401, "auth"),
        (403, "permission"),
        (404, "not_found"),
        (408, "timeout"),
        (418, "bad_request"),
        (429, "rate_limit"),
        (500, "server_error"),
        (503, "overloaded"),
        (504, "server_error"),
    ],
)
def test_a_status_is_worded_as_the_kind_that_has_it(status: int, kind: str) -> None:
    made = failure(engine({"error": status}), ask())
    assert (made.kind, made.status) == (kind, status)


@pytest.mark.parametrize("stream", [False, True])
def test_every_status_makes_a_failure_streamed_or_not(stream: bool) -> None:
    asked = engine({"replies": [{"error": status} for status in range(400, 600)]})
    made = [failure(asked, ask(stream=stream)).status for _ in range(200)]
    assert made == list(range(400, 600))


def test_an_error_says_what_it_is_told_to_say() -> None:
    spelled = {
        "error": "rate_limit",
        "message": "Slow down, ${model}",
        "type": "t",
        "param": "p",
        "code": "c",
        "retry_after": "1.5s",
        "should_retry": False,
        "headers": {"X-Wait": "${attempt}"},
    }
    made = failure(engine(spelled), ask())
    assert made.message == "Slow down, gpt-4o"
    assert (made.type, made.param, made.code) == ("t", "p", "c")
    assert (made.retry_after, made.should_retry) == (1.5, False)
    assert made.headers == {"x-wait": "1"}


@pytest.mark.parametrize(
    ("given", "seconds"), [(None, None), ("0s", 0.0), ("250ms", 0.25), ("2s", 2.0)]
)
def test_retry_after_is_in_seconds_and_may_be_absent(given: Any, seconds: float | None) -> None:
    assert failure(engine({"error": 429, "retry_after": given}), ask()).retry_after == seconds


def test_a_prompt_too_long_is_told_with_the_window_of_the_model() -> None:
    request = ask("word " * 50)
    small = [{"id": "gpt-4o", "context_window": 8192}]
    made = failure(engine({"error": "context_length"}, models=small), request)
    assert made.limit == 8192
    assert made.used == 8192 + count_prompt(request, tokenizer("o200k_base"), "gpt-4o").tokens


def test_models_are_counted_in_the_encoding_the_scenario_says() -> None:
    text = "naïveté, Zürich, こんにちは"
    for encoding in ("o200k_base", "cl100k_base", "o200k_harmony"):
        asked = engine(text, models=[{"id": "m", "encoding": encoding}])
        counted = completion(asked, ask(model="m")).usage.completion_tokens
        assert counted == tokenizer(encoding).count(text)
    assert tokenizer("cl100k_base").count(text) != tokenizer("o200k_base").count(text)


PROBES: tuple[Request, ...] = (
    ask("one"),
    ask("two", stream=True),
    ask("three", n=2, max_tokens=9),
    ask("four", response_format=ResponseFormat("json_object")),
    ask("five", tools=tools("search", "read")),
    ask("six", tools=(Tool("run", kind="custom"),)),
    ask("seven", caller=Caller(session="mine")),
    ask("seven"),
    ask("eight", seed=8),
    ask("nine", model="gpt-5", caller=Caller(attempt=3)),
    after_tool("found it"),
    ask("filler please"),
)
RULES = ({"when": {"user": "filler"}, "reply": {"generate": {"kind": "lorem"}}},)
EXPECTED: list[Reply] = [answer(Engine(scenario(*RULES, seed=3)), probe) for probe in PROBES]


@given(st.permutations(range(len(PROBES))), st.lists(st.text(max_size=5), max_size=3))
@settings(max_examples=15, deadline=None)
def test_a_reply_depends_on_its_request_only_not_on_what_ran_before(
    order: list[int], noise: list[str]
) -> None:
    asked = Engine(scenario(*RULES, seed=3))
    for text in noise:
        answer(asked, ask(f"noise {text}", n=2))
    made = {place: answer(asked, PROBES[place]) for place in order}
    assert [made[place] for place in range(len(PROBES))] == EXPECTED


def texts(asked: Engine, *requests: Request) -> list[str | None]:
    return [only(completion(asked, request)).text for request in requests]


def test_another_seed_of_the_scenario_or_of_the_request_makes_another_text() -> None:
    made = [
        *texts(Engine(scenario(seed=1)), ask()),
        *texts(Engine(scenario(seed=2)), ask()),
        *texts(Engine(scenario(seed=1), seed=3), ask()),
        *texts(Engine(scenario(seed=1)), ask(seed=1), ask(seed=2)),
        *texts(Engine(scenario(seed=1)), ask(caller=Caller(session="other"))),
        *texts(Engine(scenario(seed=1)), ask("Hello!"), ask(model="o3")),
    ]
    assert len(set(made)) == len(made)
    assert texts(Engine(scenario(seed=9), seed=1), ask()) == made[:1]


def test_a_retry_says_the_same_under_another_id() -> None:
    asked = engine()
    first, second = completion(asked, ask()), completion(asked, ask())
    assert first.choices == second.choices
    assert first.id != second.id


def test_equal_independent_calls_say_the_same_under_ids_of_their_own() -> None:
    """Both tell that they are a first attempt: neither is the retry of the other."""
    asked = engine()
    first, second = (completion(asked, ask(caller=Caller(attempt=1))) for _ in range(2))
    assert first.choices == second.choices
    assert first.id != second.id


def test_a_retry_in_another_session_does_not_change_the_ids_of_this_one() -> None:
    asked, alone = engine(), engine()
    completion(asked, ask(caller=Caller(session="other")))
    assert completion(asked, ask()).id == completion(alone, ask()).id


@pytest.mark.parametrize("attempt", [None, 1])
def test_ids_of_calls_are_new_every_time_the_request_is_seen(attempt: int | None) -> None:
    asked = engine({"tool_calls": [{"name": "a"}]})
    request = ask(caller=Caller(attempt=attempt))
    ids = {only(completion(asked, request)).calls[0].id for _ in range(5)}
    assert len(ids) == 5


def test_the_stream_says_what_the_plain_reply_says() -> None:
    plain, stream = (completion(engine(), ask(stream=stream)) for stream in (False, True))
    assert plain == stream


def test_composing_twice_gives_the_same_reply() -> None:
    asked = engine({"generate": {}}, {"error": 500})
    decision = asked.decide(ask())
    first, second = (asked.compose(ask(), decision, CREATED) for _ in range(2))
    assert isinstance(first, Completion)
    assert first == second


# --- what a request asks for beside words ---------------------------------------------------


def test_a_prediction_is_counted_where_it_came_true_and_where_not() -> None:
    """The middle one of three tokens is wrong, so it is paid for on top."""
    made = completion(engine("one two three"), ask(prediction="one six three")).usage
    assert (made.accepted_prediction_tokens, made.rejected_prediction_tokens) == (2, 1)
    assert made.completion_tokens == 3 + 1
    assert made.total_tokens == made.prompt_tokens + made.completion_tokens


def test_a_prediction_that_came_true_costs_nothing_more() -> None:
    made = completion(engine("one two three"), ask(prediction="one two three")).usage
    assert (made.accepted_prediction_tokens, made.rejected_prediction_tokens) == (3, 0)
    assert made.completion_tokens == 3


def test_without_a_prediction_nothing_is_accepted_or_rejected() -> None:
    made = completion(engine("one two three"), ask()).usage
    assert (made.accepted_prediction_tokens, made.rejected_prediction_tokens) == (0, 0)


@pytest.mark.parametrize("reply", [{"refusal": "No."}, {"tool_calls": [{"name": "f"}]}])
def test_a_prediction_of_what_is_not_a_text_is_all_wrong(reply: dict[str, Any]) -> None:
    bare = completion(engine(reply), ask()).usage
    made = completion(engine(reply), ask(prediction="one two")).usage
    assert (made.accepted_prediction_tokens, made.rejected_prediction_tokens) == (0, 2)
    assert made.completion_tokens == bare.completion_tokens + 2


LONG = " word" * 1500


def cached(asked: Engine, *messages: Message, **fields: Any) -> int:
    return completion(asked, ask(LONG, *messages, **fields)).usage.cached_tokens


def test_a_prompt_seen_in_the_session_comes_from_the_cache() -> None:
    """1,500 words and a frame of a few tokens: eleven whole blocks of 128, 1,408 tokens."""
    asked = engine("Hi")
    assert [cached(asked) for _ in range(3)] == [0, 1408, 1408]


def test_another_session_has_a_cache_of_its_own() -> None:
    asked = engine("Hi")
    other = Caller(session="other")
    assert [cached(asked), cached(asked, caller=other), cached(asked, caller=other)] == [0, 0, 1408]


def test_a_short_prompt_is_never_cached() -> None:
    asked = engine("Hi")
    usages = [completion(asked, ask(" word" * 1000)).usage for _ in range(3)]
    assert [usage.cached_tokens for usage in usages] == [0, 0, 0]


def test_a_prompt_that_goes_on_is_cached_as_far_as_it_was_seen() -> None:
    """The whole first request is the beginning of the second."""
    asked = engine("Hi")
    first = completion(asked, ask(LONG)).usage
    more = ask("And now?", say("user", LONG), say("assistant", "Hi"))
    second = completion(asked, more).usage
    assert second.cached_tokens == first.prompt_tokens // 128 * 128
    assert second.prompt_tokens > first.prompt_tokens


def test_an_error_keeps_no_prompt_in_the_cache() -> None:
    asked = Engine(
        scenario({"replies": [{"error": "overloaded"}, "first", "second"], "per": "session"})
    )
    failure(asked, ask(LONG))
    assert [cached(asked), cached(asked)] == [0, 1408]


def test_composing_again_does_not_look_into_the_cache_again() -> None:
    """Deciding is the one stateful step."""
    asked = engine("Hi")
    decision = asked.decide(ask(LONG))
    made = [asked.compose(ask(LONG), decision, CREATED) for _ in range(2)]
    assert made[0] == made[1]
    assert isinstance(made[1], Completion)
    assert made[1].usage.cached_tokens == 0


def test_a_stream_is_padded_only_where_that_is_asked_for() -> None:
    assert completion(engine("Hi"), ask(stream=True)).obfuscation is None
    asked = engine("Hi")
    one, two = (completion(asked, ask(obfuscate=True)).obfuscation for _ in range(2))
    assert one is not None
    assert two is not None
    assert one != two, "each answer is padded in its own way"
    assert completion(engine("Hi"), ask(obfuscate=True)).obfuscation == one


def test_the_choices_of_one_request_count_the_prompt_once() -> None:
    one, five = (completion(engine("one two"), ask(n=n)).usage for n in (1, 5))
    assert five.prompt_tokens == one.prompt_tokens
    assert five.completion_tokens == 5 * one.completion_tokens


# --- what is worked out once ----------------------------------------------------------------


def kept(asked: Engine) -> int:
    """Count the ways of asking whose words the first rule remembers."""
    return len(asked.rules[0].said)


def test_fixed_words_are_worked_out_once_for_each_way_to_ask() -> None:
    asked = engine("one two three four")
    first, again = completion(asked, ask("Ann")), completion(asked, ask("Ben"))
    assert first.shared
    assert first.choices is again.choices
    assert kept(asked) == 1
    for wanted in ({"stop": ("two",)}, {"max_tokens": 2}, {"n": 2}, {"model": "gpt-5"}):
        plain = completion(engine("one two three four"), ask("Ann", **wanted))
        assert completion(asked, ask("Ann", **wanted)) == replace(plain, id=ANY)
        assert completion(asked, ask("Ben", **wanted)).choices == plain.choices
    assert kept(asked) == 5


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("word " * 5000, {}),
        ("word " * 100, {"n": 128}),
        ("words", {"stop": ("x" * 2000,)}),
        ("words", {"tools": tools("search")}),
        ('{"a": 1}', {"response_format": ResponseFormat("json_schema", "a", schema={})}),
        ("words", {"logprobs": True}),
        ({"generate": {"kind": "lorem"}}, {}),
        ("to ${user}", {}),
    ],
    ids=["long", "many", "stop", "tools", "schema", "logprobs", "made up", "filled"],
)
def test_what_is_long_or_does_not_recur_is_not_remembered(
    answer: Any, wanted: dict[str, Any]
) -> None:
    asked = engine(answer)
    one, two = (completion(asked, ask("Hi", **wanted)) for _ in range(2))
    assert one.choices == two.choices or "generate" in answer
    assert not one.shared
    assert kept(asked) == 0


def test_a_client_that_asks_in_ever_new_ways_fills_no_memory() -> None:
    asked = engine("words")
    for number in range(200):
        assert completion(asked, ask("Hi", stop=(f"{number}",))).choices[0].text == "words"
    assert 0 < kept(asked) <= 64


def test_parameters_that_recur_share_what_depends_on_them() -> None:
    asked, offered, mark = engine("words"), tools("search"), object()
    for _ in range(2):
        assert completion(asked, ask("Hi", tools=offered, recurs=mark)).shared
    assert kept(asked) == 1
