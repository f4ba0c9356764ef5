"""What the limits of a request leave of an answer, and what it costs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.content.counting import count_calls
from mockdock.content.tokens import tokenizer
from mockdock.reply import Choice, Completion
from tests.effort import examples
from tests.engine.helpers import ask, completion, engine, only

TOKENS = tokenizer("o200k_base")
TEXT = "The quick brown fox, naïve and 😀, jumps over 日本 and back."
CALL = {"name": "get_weather", "arguments": {"city": "Paris, the capital of France", "days": 3}}
OPENING = TOKENS.count("get_weather") + 7
"""What a single call costs beside its arguments (its name and 7, see counting)."""


def said(reply: Any, limit: int | None = None, **fields: Any) -> Completion:
    return completion(engine(reply), ask(max_tokens=limit, **fields))


def visible(choice: Choice) -> int:
    runs = (choice.content or (), choice.refusal or (), *(call.pieces for call in choice.calls))
    return sum(piece.tokens for run in runs for piece in run)


@pytest.mark.parametrize("key", ["text", "refusal"])
def test_words_are_cut_on_a_token_border_with_finish_length(key: str) -> None:
    whole = TOKENS.count(TEXT)
    assert whole > 15
    for limit in range(1, whole + 3):
        made = said({key: TEXT}, limit)
        choice = only(made)
        text = (choice.text if key == "text" else choice.refusal_text) or ""
        assert TEXT.startswith(text)
        assert choice.finish == ("length" if limit < whole else "stop")
        assert (text == TEXT) is (limit >= whole)
        # A character of several tokens is there whole or not at all.
        assert min(limit, whole) - 3 <= made.usage.completion_tokens <= limit
        assert made.usage.completion_tokens == visible(choice)


def test_a_cut_keeps_as_many_tokens_as_are_allowed() -> None:
    assert only(said({"text": "one two three four"}, 2)).text == "one two"
    assert said({"text": "one two three four"}, 2).usage.completion_tokens == 2


def test_a_text_that_just_fits_is_whole() -> None:
    choice = only(said({"text": "one two"}, 2))
    assert (choice.text, choice.finish) == ("one two", "stop")


def test_the_limit_wins_over_a_scripted_finish_only_when_it_cuts() -> None:
    reply = {"text": "one two", "finish": "content_filter"}
    assert only(said(reply, 1)).finish == "length"
    assert only(said(reply, 2)).finish == "content_filter"


def test_arguments_of_a_call_are_cut_on_a_token_border() -> None:
    whole = only(said({"tool_calls": [CALL]})).calls[0]
    cost = OPENING + TOKENS.count(whole.arguments)
    for limit in range(OPENING, cost + 2):
        made = said({"tool_calls": [CALL]}, limit)
        (call,) = only(made).calls
        assert call.pieces == whole.pieces[: limit - OPENING]
        assert (call.name, len(call.id)) == ("get_weather", 29)
        assert only(made).finish == ("length" if limit < cost else "tool_calls")
        assert made.usage.completion_tokens == min(limit, cost)


def test_a_call_whose_name_does_not_fit_is_not_made() -> None:
    choice = only(said({"tool_calls": [CALL]}, OPENING - 1))
    assert (choice.calls, choice.text, choice.finish) == ((), "", "length")


def test_of_parallel_calls_the_later_go_first() -> None:
    reply = {"tool_calls": [CALL, {**CALL, "name": "other"}]}
    whole = said(reply)
    cost = whole.usage.completion_tokens
    names: list[list[str]] = []
    for limit in range(1, cost + 1):
        made = said(reply, limit)
        calls = only(made).calls
        names.append([call.name for call in calls])
        assert made.usage.completion_tokens <= limit
        for call, full in zip(calls, only(whole).calls, strict=False):
            assert full.arguments.startswith(call.arguments)
        assert all(call == full for call, full in zip(calls[:-1], only(whole).calls, strict=False))
        assert (only(made).finish == "length") is (calls != only(whole).calls)
    assert sorted(names, key=len) == names
    assert [each for place, each in enumerate(names) if each not in names[:place]] == [
        [],
        ["get_weather"],
        ["get_weather", "other"],
    ]
    assert only(said(reply, cost)) == only(whole)


def test_a_cut_text_is_followed_by_no_call() -> None:
    choice = only(said({"text": "one two three", "tool_calls": [CALL]}, 2))
    assert (choice.text, choice.calls, choice.finish) == ("one two", (), "length")


def test_room_left_by_a_cut_text_is_not_given_to_a_call() -> None:
    """A character of several tokens may not fit although some tokens are left."""
    wide = "\U0001fae8"
    assert TOKENS.count(wide) > 2
    reply = {"text": wide * 6, "tool_calls": [{"name": "f"}]}
    for limit in range(1, 18):
        choice = only(said(reply, limit))
        assert (choice.calls, choice.finish) == ((), "length")


def test_a_text_that_takes_all_leaves_no_room_for_a_call() -> None:
    choice = only(said({"text": "one two", "tool_calls": [CALL]}, 2))
    assert (choice.text, choice.calls, choice.finish) == ("one two", (), "length")


@pytest.mark.parametrize("reasoning", [20, " hidden" * 20])
def test_reasoning_is_spent_first(reasoning: int | str) -> None:
    made = said({"text": "one two three", "reasoning": reasoning}, 22, model="o3")
    assert only(made).text == "one two"
    assert only(made).finish == "length"
    assert (made.usage.reasoning_tokens, made.usage.completion_tokens) == (20, 22)


@pytest.mark.parametrize("body", [{"text": "x"}, {"refusal": "x"}, {"tool_calls": [CALL]}])
@pytest.mark.parametrize("limit", [5, 20])
def test_reasoning_that_takes_all_leaves_an_empty_answer(body: Any, limit: int) -> None:
    made = said({**body, "reasoning": 20}, limit, model="o3")
    choice = only(made)
    assert (choice.text or "", choice.refusal_text or "", choice.calls) == ("", "", ())
    assert choice.finish == "length"
    assert made.usage.reasoning_tokens == limit
    assert made.usage.completion_tokens == limit


@pytest.mark.parametrize("limit", range(1, 40))
def test_the_frame_of_reasoning_never_goes_beyond_the_limit(limit: int) -> None:
    """On gpt-5 reasoning costs ten tokens more than its own (see counting)."""
    made = said({"text": "one two", "reasoning": 20}, limit, model="gpt-5")
    usage = made.usage
    assert usage.completion_tokens == min(limit, 32)
    assert usage.reasoning_tokens == min(limit, 20)
    assert only(made).finish == ("length" if limit < 32 else "stop")


def test_each_of_n_answers_has_the_whole_limit() -> None:
    made = said({"choices": ["one two three", {"text": "one", "reasoning": 1}]}, 2, n=2)
    assert [choice.text for choice in made.choices] == ["one two", "one"]
    assert [choice.finish for choice in made.choices] == ["length", "stop"]
    assert made.usage.completion_tokens == 4


def test_the_output_limit_of_the_model_cuts_as_well() -> None:
    small = [{"id": "small", "max_output_tokens": 2}]
    asked = engine({"text": "one two three"}, models=small)
    for limit, text in ((None, "one two"), (9, "one two"), (1, "one")):
        made = only(completion(asked, ask(model="small", max_tokens=limit)))
        assert (made.text, made.finish) == (text, "length")


LONG = "word " * 20_000
"""More tokens than a model nobody knows is assumed to write."""


@pytest.mark.parametrize("models", [None, ["my-own"], [{"id": "my-own", "context_window": 100}]])
def test_a_limit_that_is_only_assumed_does_not_cut(models: Any) -> None:
    """A model nobody knows might well write that much; only the client's own limit holds."""
    asked = engine({"text": LONG}, models=models)
    whole = only(completion(asked, ask(model="my-own")))
    assert (whole.text, whole.finish) == (LONG, "stop")
    cut = only(completion(asked, ask(model="my-own", max_tokens=2)))
    assert (cut.text, cut.finish) == ("word word", "length")


def test_a_limit_the_scenario_gives_cuts_whatever_was_assumed() -> None:
    asked = engine({"text": LONG}, models=[{"id": "my-own", "max_output_tokens": 3}])
    choice = only(completion(asked, ask(model="my-own")))
    assert (choice.text, choice.finish) == ("word word word", "length")


def test_without_any_limit_all_is_there() -> None:
    """A model that is known to have no output limit (it makes embeddings) sets none."""
    made = said({"text": LONG, "tool_calls": [CALL]}, model="text-embedding-3-small")
    assert (only(made).text, only(made).finish) == (LONG, "tool_calls")
    assert only(said({"text": LONG})).finish == "length"


@pytest.mark.parametrize(
    ("stop", "text"),
    [
        (("three",), "one two "),
        (("two", "one t"), ""),
        (("four", "wo th"), "one t"),
        (("none",), "one two three"),
        (("",), "one two three"),
    ],
)
def test_a_text_ends_before_the_earliest_stop_string(stop: tuple[str, ...], text: str) -> None:
    choice = only(said({"text": "one two three"}, stop=stop))
    assert (choice.text, choice.finish) == (text, "stop")


def test_a_stop_string_beyond_the_limit_does_not_count() -> None:
    choice = only(said({"text": "one two three four"}, 2, stop=("four",)))
    assert (choice.text, choice.finish) == ("one two", "length")


def test_a_text_that_stops_before_the_limit_is_not_cut() -> None:
    choice = only(said({"text": "one two three four"}, 2, stop=(" three",)))
    assert (choice.text, choice.finish) == ("one two", "stop")


@pytest.mark.parametrize("finish", [None, "content_filter", "tool_calls"])
def test_nothing_comes_after_a_stop_string(finish: str | None) -> None:
    """The calls after the text are not made, and the scripted end is not reached."""
    reply = {"text": "one two three", "tool_calls": [CALL], "finish": finish}
    made = said(reply, stop=(" three",))
    choice = only(made)
    assert (choice.text, choice.calls, choice.finish) == ("one two", (), "stop")
    assert made.usage.completion_tokens == 2
    whole = only(said(reply, stop=("four",)))
    assert (len(whole.calls), whole.finish) == (1, finish or "tool_calls")


def test_a_text_cut_before_its_stop_string_ends_by_length() -> None:
    reply = {"text": "one two three four", "tool_calls": [CALL]}
    choice = only(said(reply, 2, stop=("four",)))
    assert (choice.text, choice.calls, choice.finish) == ("one two", (), "length")


@pytest.mark.parametrize(
    ("stop", "text", "calls", "finish"),
    [
        ("four", "one two", 1, "tool_calls"),
        ("three", "one two", 1, "tool_calls"),
        ("two three", "one two", 1, "tool_calls"),
        ("two", "one ", 0, "stop"),
    ],
)
def test_a_stop_string_counts_only_where_a_made_up_text_says_it(
    stop: str, text: str, calls: int, finish: str
) -> None:
    """The text has two tokens; what was made up beyond them is never said."""
    reply = {"generate": {"kind": "echo", "tokens": 2}, "tool_calls": [CALL]}
    choice = only(completion(engine(reply), ask("one two three four", stop=(stop,))))
    assert (choice.text, len(choice.calls), choice.finish) == (text, calls, finish)


def test_stop_strings_leave_calls_alone() -> None:
    choice = only(said({"tool_calls": [CALL]}, stop=("Paris",)))
    assert "Paris" in choice.calls[0].arguments


def test_a_stop_string_cuts_a_refusal_too() -> None:
    choice = only(said({"refusal": "No, Paris!"}, stop=("Paris",)))
    assert (choice.refusal_text, choice.finish) == ("No, ", "stop")


@pytest.mark.parametrize(
    ("stop", "text"),
    [("ck-wit", "The qui"), ("-wi", "The quick"), ("x", "The quick-witted fo"), ("é 😀", "")],
)
def test_a_stop_string_may_span_tokens_or_be_a_part_of_one(stop: str, text: str) -> None:
    """The tokens are "The", " quick", "-w", "itted", " fox", then "é" and others."""
    reply = "é 😀" if stop == "é 😀" else "The quick-witted fox"
    made = said(reply, stop=(stop,), logprobs=True)
    choice = only(made)
    assert (choice.text, choice.finish) == (text, "stop")
    assert made.usage.completion_tokens == TOKENS.count(text)
    entries = [entry for piece in choice.content or () for entry in piece.logprobs]
    assert b"".join(entry.token for entry in entries) == text.encode()


@pytest.mark.parametrize("key", ["text", "refusal"])
@pytest.mark.parametrize("chunk", ["token", "word", 1, 7])
def test_log_probabilities_stay_with_their_tokens_in_whatever_chunks(key: str, chunk: Any) -> None:
    asked = engine({key: TEXT}, pacing={"chunk": chunk})
    choice = only(completion(asked, ask(logprobs=True, top_logprobs=2)))
    pieces = (choice.content if key == "text" else choice.refusal) or ()
    assert all(len(piece.logprobs) == piece.tokens for piece in pieces)
    entries = [entry for piece in pieces for entry in piece.logprobs]
    assert b"".join(entry.token for entry in entries) == TEXT.encode()


def test_without_being_asked_no_log_probabilities_are_made() -> None:
    assert all(piece.logprobs == () for piece in only(said(TEXT)).content or ())


def test_a_cut_leaves_log_probabilities_of_what_is_there_alone() -> None:
    made = said("one two three four", 2, logprobs=True)
    entries = [entry.token for piece in only(made).content or () for entry in piece.logprobs]
    assert entries == [b"one", b" two"]


def test_a_limit_gives_the_same_log_probabilities_up_to_the_cut() -> None:
    whole = only(said(TEXT, logprobs=True, top_logprobs=3)).content or ()
    cut = only(said(TEXT, 5, logprobs=True, top_logprobs=3)).content or ()
    assert cut == whole[: len(cut)]


def test_the_mean_and_spread_scripted_are_those_of_the_tokens() -> None:
    reply = {"text": "word " * 50, "logprobs": {"mean": -2.5, "spread": 0}}
    made = only(said(reply, logprobs=True))
    entries = [entry for piece in made.content or () for entry in piece.logprobs]
    assert {entry.logprob for entry in entries} == {-2.5}


def test_each_of_the_choices_has_a_certainty_of_its_own() -> None:
    sure = {"text": "Yes", "logprobs": {"mean": -0.5, "spread": 0}}
    unsure = {"text": "Yes", "logprobs": {"mean": -4, "spread": 0}}
    made = said({"choices": [sure, unsure]}, n=2, logprobs=True)
    pieces = [choice.content or () for choice in made.choices]
    assert [piece[0].logprobs[0].logprob for piece in pieces] == [-0.5, -4]


texts = st.text(max_size=60) | st.text("ab cé日😀\n", max_size=60)
chunks = st.sampled_from(["token", "word", 1, 3, 200])


@given(texts, st.none() | st.integers(1, 40), chunks, st.sampled_from(["text", "refusal", "call"]))
@settings(max_examples=examples(120), deadline=None)
def test_a_cut_answer_is_a_prefix_in_whatever_chunks_and_its_tokens_add_up(
    text: str, limit: int | None, chunk: Any, kind: str
) -> None:
    escaped = text.replace("${", "$${")
    reply = {
        "text": {"text": escaped},
        "refusal": {"refusal": escaped},
        "call": {"tool_calls": [{"name": "f", "arguments": escaped}]},
    }[kind]
    asked = engine(reply, pacing={"chunk": chunk})
    whole = completion(asked, ask())
    made = completion(asked, ask(max_tokens=limit))
    plain = completion(engine(reply), ask(max_tokens=limit))

    def words(of: Completion) -> str:
        choice = only(of)
        return (
            (choice.text or "")
            + (choice.refusal_text or "")
            + "".join(call.arguments for call in choice.calls)
        )

    assert words(whole) == text
    assert text.startswith(words(made))
    assert words(made) == words(plain)
    assert made.usage == plain.usage
    calls = only(made).calls
    overhead = TOKENS.count("f") + 7 if calls else 0
    assert made.usage.completion_tokens == visible(only(made)) + overhead
    assert limit is None or made.usage.completion_tokens <= limit
    missing = words(made) != text or (kind == "call" and not calls)
    assert (only(made).finish == "length") is missing


def test_parallel_calls_cost_what_counting_says() -> None:
    made = said({"tool_calls": [CALL, {"name": "other"}]})
    assert made.usage.completion_tokens == count_calls(only(made).calls, TOKENS, "gpt-4o")


@pytest.mark.parametrize(
    ("chunk", "pieces"),
    [
        ("token", ["The", " quick", "-w", "itted", " fox"]),
        ("word", ["The", " quick-witted", " fox"]),
        (4, ["The ", "quic", "k-wi", "tted", " fox"]),
    ],
)
def test_chunks_are_what_pacing_says(chunk: str | int, pieces: list[str]) -> None:
    """The tokens are those of o200k_base."""
    choice = only(completion(engine("The quick-witted fox", pacing={"chunk": chunk}), ask()))
    assert [piece.text for piece in choice.content or ()] == pieces
