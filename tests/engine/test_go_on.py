"""Legacy completions: what is decided, composed, counted and refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mockdock.completing import ToComplete
from mockdock.content.tokens import tokenizer
from mockdock.engine.chance import fingerprint
from mockdock.reply import Choice, Completion, Failure, Usage
from mockdock.request import Request
from tests.engine.helpers import CREATED, engine, failure

MODEL = "gpt-3.5-turbo-instruct"
TEXTS = {"api": "completions"}


def prompt(*inputs: Any, n: int = 1, best_of: int = 1, echo: bool = False, **more: Any) -> Request:
    """Make a request that goes on from prompts."""
    texts = tuple(each for each in inputs if isinstance(each, str))
    best_of = max(n, best_of)
    read = texts if len(texts) == len(inputs) else ()
    wanted = ToComplete(inputs, read, n, best_of, echo)
    given = {"max_tokens": 16, "model": MODEL, **more}
    return Request("openai", "completions", n=len(inputs) * best_of, completing=wanted, **given)


def go_on(request: Request, *rules: Any, **options: Any) -> Completion:
    """Give an answer that must be a completion."""
    mine = engine(*rules, **options)
    request = mine.read(request)
    made = mine.compose(request, mine.decide(request), CREATED)
    assert isinstance(made, Completion), made
    return made


def rule(reply: Any, **when: Any) -> dict[str, Any]:
    """Make a rule for legacy completions."""
    return {"when": {**TEXTS, **when}, "reply": reply}


def test_a_made_up_text_ends_at_the_limit() -> None:
    made = go_on(prompt("Once", max_tokens=5))
    (only,) = made.choices
    assert only.text
    assert (only.finish, made.usage) == ("length", Usage(1, 5, 6))


def test_each_prompt_has_its_choices_in_order() -> None:
    made = go_on(prompt("a", "b", n=2))
    assert [each.index for each in made.choices] == [0, 1, 2, 3]
    assert len({each.text for each in made.choices}) == 4
    assert made.usage.completion_tokens == 64


def test_a_reply_is_that_of_chat() -> None:
    made = go_on(prompt("a cat"), rule("Meow, ${user}", user="cat"))
    assert made.choices[0].text == "Meow, a cat"
    assert made.choices[0].finish == "stop"


def test_rules_without_an_api_are_for_chat() -> None:
    mine = engine({"reply": "Hello"}, otherwise="fail")
    missed = failure(mine, prompt("x"))
    assert missed.kind == "no_match"
    assert "wanted a chat request, was completions" in (missed.message or "")


@pytest.mark.parametrize(
    ("otherwise", "text"), [({"text": "Hello"}, "Hello"), ("echo", "some words")]
)
def test_otherwise_answers_as_in_chat(otherwise: Any, text: str) -> None:
    assert go_on(prompt("some words"), otherwise=otherwise).choices[0].text == text


def test_scripted_choices_are_given_in_turn() -> None:
    made = go_on(prompt("a", "b", n=2, best_of=3), rule({"choices": ["1", "2"]}))
    assert [each.text for each in made.choices] == ["1", "2", "1", "2"]


def test_stop_cuts_before_the_string() -> None:
    made = go_on(prompt("a", stop=("two",)), rule("one two three"))
    assert (made.choices[0].text, made.choices[0].finish) == ("one ", "stop")


def test_an_echo_stands_before_the_text_and_costs_nothing() -> None:
    made = go_on(prompt("Hi ", echo=True), rule("there"))
    assert made.choices[0].text == "Hi there"
    assert made.usage == Usage(2, 1, 3)
    assert go_on(prompt("", echo=True), rule("there")).choices[0].text == "there"


def test_no_tokens_at_all_is_the_echo_alone() -> None:
    made = go_on(prompt("Hi there", echo=True, max_tokens=0, logprobs=True, top_logprobs=1))
    (only,) = made.choices
    assert (only.text, only.finish, made.usage) == ("Hi there", "length", Usage(2, 0, 2))
    assert [each.token for each in (only.content or ())[0].logprobs] == [b"Hi", b" there"]


def test_of_more_texts_the_likeliest_are_given_and_all_are_paid() -> None:
    asked = prompt("a", n=2, best_of=4, logprobs=True)
    made, every = go_on(asked), go_on(prompt("a", n=4, logprobs=True))

    def mean(choice: Choice) -> float:
        said = [each.logprob for piece in choice.content or () for each in piece.logprobs]
        return sum(said) / len(said)

    best = sorted(every.choices, key=mean, reverse=True)[:2]
    assert [each.text for each in made.choices] == [each.text for each in best]
    assert made.usage == every.usage
    assert [e.text for e in go_on(prompt("a", n=2, best_of=4)).choices] == [e.text for e in best]
    assert not go_on(prompt("a", n=2, best_of=4)).logprobs


def test_tokens_are_read_as_what_they_say() -> None:
    tokens = tuple(tokenizer("cl100k_base").encode("a brown fox"))
    made = go_on(prompt(tokens), rule("Yes: ${user}", user="brown fox"))
    assert made.choices[0].text == "Yes: a brown fox"
    assert made.usage.prompt_tokens == len(tokens)


def test_scripted_usage_replaces_the_real_one() -> None:
    made = go_on(prompt("a", "b"), rule({"text": "x", "usage": {"completion_tokens": 9}}))
    assert made.usage == Usage(2, 9, 11)


def test_tools_are_not_offered_so_a_call_is_warned_of() -> None:
    made = go_on(prompt("a", "b"), rule({"tool_calls": [{"name": "f"}]}))
    assert made.warnings == ("the tool 'f' is not offered",)
    assert [each.text for each in made.choices] == ["", ""]


def test_without_sampling_there_is_one_answer() -> None:
    one = go_on(prompt("a", temperature=0.0), seed=1)
    assert one.choices[0].text == go_on(prompt("a", temperature=0.0), seed=1).choices[0].text


def test_what_goes_on_is_the_request() -> None:
    assert fingerprint(prompt("a")) == fingerprint(prompt("a", n=3)) != fingerprint(prompt("b"))


def test_a_prompt_that_leaves_no_room_is_refused() -> None:
    found = failure(engine(), prompt("a", (100,) * 4090))
    assert found == Failure(
        "context_length", MODEL, limit=4096, used=4106, shares={"prompt": 4090, "completion": 16}
    )
    assert failure(engine(), prompt((100_300,))) == Failure("bad_input", MODEL, what="prompt")


def test_limits_count_all_that_is_made() -> None:
    mine = engine(limits=[{"tpm": 100}])
    assert failure(mine, prompt("a", "b", n=4)).kind == "request_too_large"


def test_faults_of_what_is_said_are_had_too() -> None:
    request = prompt("a")
    mine = engine(
        rule({"text": "x", "faults": ["missing_usage", "hallucinated_tool", "cut_arguments"]})
    )
    decision = asyncio.run(mine.consult(request, mine.decide(request)))
    assert [each.name for each in decision.faults] == ["missing_usage", "hallucinated_tool"]
    made = mine.compose(request, decision, CREATED)
    assert isinstance(made, Completion)
    assert not made.tells_usage
    assert (made.choices[0].text, made.choices[0].calls) == ("x", ())
