"""The nouns every room shares: requests, replies, frames, errors."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockdock.errors import MockdockError, Problem, ScenarioError, StartError
from mockdock.frames import Delay, Frame, Outcome, Pacing
from mockdock.question import Account
from mockdock.reply import Call, Choice, Failure, Piece
from mockdock.request import (
    AudioPart,
    Caller,
    FilePart,
    ImagePart,
    Message,
    Request,
    Role,
    TextPart,
    ToolCall,
    ToolResult,
)


def say(role: Role, *texts: str, **fields: Any) -> Message:
    return Message(role, tuple(map(TextPart, texts)), **fields)


def talk(*messages: Message) -> Request:
    return Request("openai", "chat", messages=messages)


@pytest.mark.parametrize(
    "noun",
    [
        Request("openai", "chat"),
        Piece("a", 1),
        Frame(b"a"),
        Delay(),
        Pacing(),
        Outcome("completed", 0, 0),
        Problem("wrong"),
    ],
)
def test_nouns_cannot_be_changed(noun: Any) -> None:
    with pytest.raises(AttributeError):
        setattr(noun, noun.__match_args__[0], "other")


def test_the_text_of_a_message_is_that_of_its_text_parts() -> None:
    assert say("user", "one").text == "one"
    assert say("user", "one", "", "two").text == "one\n\ntwo"
    assert Message("assistant").text == ""
    parts = (TextPart("look"), ImagePart("data:x"), AudioPart("y", "wav"), FilePart("z"))
    assert Message("user", parts).text == "look"
    assert Message("user", parts[1:]).text == ""
    assert Message("user", parts[1:2]).text == ""


def test_what_the_user_said_last_and_in_which_turn() -> None:
    request = talk(
        say("system", "s"),
        say("user", "one"),
        say("assistant", "a"),
        say("user", "two", "three"),
        say("assistant", "b"),
    )
    assert request.user_text == "two\nthree"
    assert request.turn == 2
    assert (talk().user_text, talk().turn) == ("", 0)


def test_a_request_on_another_account_is_the_same_otherwise() -> None:
    request = talk(say("system", "s"), say("user", "one"))
    request = replace(request, model="m", body={"a": 1}, account=Account("p"))
    assert request.user_text == "one"
    moved = request.but(account=Account("p", "t"))
    assert moved == replace(request, account=Account("p", "t"))
    assert (moved.user_text, request.account) == ("one", Account("p"))


def test_instructions_are_those_of_system_and_developer() -> None:
    request = talk(say("system", "a"), say("user", "b"), say("developer", "c"))
    assert request.system_text == "a\nc"
    assert talk(say("user", "b")).system_text == ""


CALLS = (ToolCall("1", "a", '{"x": 1}'), ToolCall("2", "b", "{}"))


def test_tool_results_are_those_at_the_end_with_what_they_were_asked() -> None:
    request = talk(
        say("user", "go"),
        Message("assistant", tool_calls=CALLS),
        say("tool", "two", tool_call_id="2"),
        say("tool", "one", tool_call_id="1"),
    )
    assert request.tool_results == (
        ToolResult("b", "{}", "two"),
        ToolResult("a", '{"x": 1}', "one"),
    )


def test_results_that_were_answered_are_no_longer_at_the_end() -> None:
    history = (Message("assistant", tool_calls=CALLS), say("tool", "one", tool_call_id="1"))
    assert talk(*history, say("assistant", "Done.")).tool_results == ()
    assert talk(*history, say("user", "And?")).tool_results == ()
    assert talk().tool_results == ()


def test_results_nobody_asked_for_have_a_text_only() -> None:
    request = talk(say("tool", "lost", tool_call_id="9"), say("tool", "nameless"))
    assert request.tool_results == (ToolResult("", "", "lost"), ToolResult("", "", "nameless"))


def test_results_of_the_old_form_are_found_by_name() -> None:
    call = ToolCall("", "a", '{"x": 1}', "legacy")
    request = talk(Message("assistant", tool_calls=(call,)), say("function", "one", name="a"))
    assert request.tool_results == (ToolResult("a", '{"x": 1}', "one"),)
    assert talk(say("function", "one", name="a")).tool_results == (ToolResult("a", "", "one"),)


@given(st.lists(st.sampled_from(["system", "user", "assistant", "tool"]), max_size=8))
def test_results_and_turns_follow_from_the_roles(roles: list[Role]) -> None:
    request = talk(*(say(role, f"{place}") for place, role in enumerate(roles)))
    ended = len("".join(role[0] for role in roles)) - len(
        "".join(role[0] for role in roles).rstrip("t")
    )
    assert len(request.tool_results) == ended
    assert request.turn == roles.count("user")


def test_texts_of_a_reply_join_from_its_pieces() -> None:
    pieces = (Piece("a", 1), Piece("b", 2))
    choice = Choice(0, pieces, None, (Call("1", "f", pieces),), "stop")
    assert (choice.text, choice.refusal_text, choice.calls[0].arguments) == ("ab", None, "ab")
    refused = Choice(0, None, pieces, (), "stop")
    assert (refused.text, refused.refusal_text) == (None, "ab")
    assert Choice(0, (), (), (), "stop").text == ""


seeds = st.integers(0, 2**32)
lengths = st.floats(0, 100)


@given(lengths, seeds)
def test_a_fixed_delay_is_always_the_same(low: float, seed: int) -> None:
    assert Delay(low=low).draw(Random(seed)) == low


@given(lengths, lengths, seeds)
def test_a_uniform_delay_stays_between_its_ends(low: float, more: float, seed: int) -> None:
    drawn = Delay("uniform", low, low + more).draw(Random(seed))
    assert low <= drawn <= low + more


@given(st.floats(0.001, 10), st.floats(1, 10), st.floats(0, 3), seeds)
def test_a_lognormal_delay_is_positive_and_never_above_its_maximum(
    median: float, factor: float, sigma: float, seed: int
) -> None:
    delay = Delay("lognormal", median, median * factor, sigma)
    assert 0 < delay.draw(Random(seed)) <= median * factor
    assert delay.draw(Random(seed)) == delay.draw(Random(seed))


def test_half_of_lognormal_delays_are_shorter_than_the_median() -> None:
    rng = Random(1)
    drawn = sorted(Delay("lognormal", 0.3, sigma=0.5).draw(rng) for _ in range(4001))
    assert drawn[2000] == pytest.approx(0.3, rel=0.05)
    assert drawn[-1] > 1.0


def test_a_lognormal_delay_without_spread_is_its_median() -> None:
    assert Delay("lognormal", 0.3, sigma=0.0).draw(Random(1)) == pytest.approx(0.3)
    assert Delay("lognormal", 0.0, sigma=1.0).draw(Random(1)) == 0.0


def test_a_pace_takes_no_time_unless_told() -> None:
    assert Pacing() == Pacing(Delay("fixed", 0.0, math.inf, 0.0), Delay())
    assert Pacing().itl.draw(Random(1)) == 0.0


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("wrong"), "wrong"),
        (Problem("wrong", hint="right"), "wrong (right)"),
        (Problem("wrong", file="a.yaml"), "a.yaml: wrong"),
        (Problem("wrong", "a.yaml", 3, 7), "a.yaml:3:7: wrong"),
        (Problem("wrong", line=3, column=7), "3:7: wrong"),
        (Problem("wrong", "a.yaml", 3, 7, "rules[2].when"), "a.yaml:3:7: rules[2].when: wrong"),
        (Problem("wrong", path="rules[2]", hint="right"), "rules[2]: wrong (right)"),
    ],
)
def test_a_problem_says_where_what_and_how(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_a_bad_scenario_names_all_its_problems_on_lines_of_their_own() -> None:
    problems = [Problem("one", line=1, column=1), Problem("two", hint="too")]
    error = ScenarioError(problems)
    assert error.problems == tuple(problems)
    assert str(error) == "1:1: one\ntwo (too)"


def test_all_errors_can_be_caught_as_one() -> None:
    for error in (ScenarioError([Problem("x")]), StartError("x")):
        assert isinstance(error, MockdockError)


def test_no_secret_is_in_the_repr_of_a_noun() -> None:
    secret = "sk-very-secret"
    request = Request(
        "openai",
        "chat",
        caller=Caller(secret, "sk-mockdock-mine"),
        headers={"authorization": f"Bearer {secret}"},
    )
    shown = repr((request, Failure("auth", key=secret)))
    assert "secret" not in shown
    assert "mine" not in shown
