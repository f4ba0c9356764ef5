"""Sessions, attempts told by clients, logical requests, and chance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.engine.sessions import SHARED, Entropy, declared_attempt, fingerprint, session_of
from mockdock.request import (
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    Part,
    Request,
    TextPart,
    Tool,
    ToolCall,
)
from tests.engine.helpers import ask, say, tools


@pytest.mark.parametrize(
    ("headers", "session"),
    [
        ({}, SHARED),
        ({"authorization": "Bearer sk-proj-real"}, SHARED),
        ({"authorization": "Bearer"}, SHARED),
        ({"authorization": "Bearer sk-mockdock-a1"}, "sk-mockdock-a1"),
        ({"authorization": "Bearer   sk-mockdock-a1 "}, "sk-mockdock-a1"),
        ({"authorization": "Bearer my-sk-mockdock-a1"}, SHARED),
        ({"x-mockdock-session": "mine"}, "mine"),
        ({"x-mockdock-session": ""}, SHARED),
        ({"x-mockdock-session": "mine", "authorization": "Bearer sk-mockdock-a1"}, "mine"),
    ],
)
def test_session_is_named_by_header_then_by_key_else_shared(
    headers: dict[str, str], session: str
) -> None:
    assert session_of(headers) == session


@pytest.mark.parametrize(
    ("sent", "attempt"),
    [("0", 1), ("1", 2), ("02", 3), ("999999", 1_000_000)],
)
def test_retry_count_tells_the_attempt_from_one(sent: str, attempt: int) -> None:
    assert declared_attempt({"x-stainless-retry-count": sent}) == attempt


@pytest.mark.parametrize(
    "sent", ["", " ", "-1", "+1", "1.0", "two", "1_0", "²", "٣", "9" * 5000, "1000000"]
)
def test_odd_retry_counts_are_as_good_as_none(sent: str) -> None:
    assert declared_attempt({"x-stainless-retry-count": sent}) is None


def test_no_retry_count_tells_nothing() -> None:
    assert declared_attempt({"user-agent": "curl"}) is None


@pytest.mark.parametrize(
    "change",
    [
        {"stream": True, "include_usage": True},
        {"max_tokens": 5},
        {"seed": 7},
        {"n": 3},
        {"stop": ("x",)},
        {"service_tier": "flex"},
        {"headers": {"x-stainless-retry-count": "1"}},
        {"body": {"metadata": {"at": "2026-11-21T09:00:00Z"}, "temperature": 1}},
    ],
)
def test_how_something_is_asked_does_not_make_another_request(change: dict[str, Any]) -> None:
    assert fingerprint(ask()) == fingerprint(replace(ask(), **change))


CHANGES: list[dict[str, Any]] = [
    {"api": "models"},
    {"model": "gpt-4o-mini"},
    {"tools": tools("search")},
    {"tools": tools("search", "read")},
    {"tools": tools("searchread")},
    {"messages": ()},
    {"messages": (say("user", "Hello!"),)},
    {"messages": (say("system", "Hello"),)},
    {"messages": (say("user", "Hello", name="ann"),)},
    {"messages": (say("user", "Hello"), say("user", "Hello"))},
    {"messages": (say("user", "He"), say("user", "llo"))},
    {"messages": (say("assistant", "Hello", ToolCall("1", "user", "{}")),)},
    {"messages": (say("assistant", "Hello"), say("user", "{}"))},
    {"messages": (Message("user", (TextPart("Hello"), ImagePart("data:a"))),)},
    {"messages": (Message("user", (TextPart("Hello"), ImagePart("data:b"))),)},
    {"messages": (Message("user", (TextPart("Hello"), AudioPart("data:a", "wav"))),)},
    {"messages": (Message("user", (TextPart("Hello"), FilePart(file_id="data:a"))),)},
    {"messages": (Message("user", (TextPart("Hello"), FilePart(data="data:a"))),)},
]


def test_whatever_is_asked_of_whom_makes_another_request() -> None:
    asked = [ask(), *(replace(ask(), **change) for change in CHANGES)]
    assert len({fingerprint(each) for each in asked}) == len(asked)


def test_ids_of_tool_calls_do_not_count() -> None:
    """They are made up anew by every run."""

    def resent(call_id: str) -> Request:
        call = ToolCall(call_id, "search", "{}")
        return ask("Go", say("assistant", "", call), say("tool", "found", tool_call_id=call_id))

    assert fingerprint(resent("call_a")) == fingerprint(resent("call_b"))


def test_words_never_run_together() -> None:
    """The same words in another place are another request."""
    message = Request("openai", "chat", "m", messages=(say("user", "x"),))
    for words in (("user", "x"), ("user", "", "x"), ("user", "", "text", "x")):
        offered = Request("openai", "chat", "m", tools=tools(*words))
        assert fingerprint(offered) != fingerprint(message)


words = st.text("user1:;ab ", max_size=3)
parts: st.SearchStrategy[Part] = st.one_of(
    st.builds(TextPart, words), st.builds(ImagePart, words), st.builds(FilePart, words, words)
)
conversations = st.lists(
    st.builds(
        Message,
        st.sampled_from(["user", "assistant"]),
        st.lists(parts, max_size=2).map(tuple),
        tool_calls=st.lists(st.builds(ToolCall, st.just(""), words, words), max_size=1).map(tuple),
    ),
    max_size=3,
).map(tuple)
requests = st.builds(
    Request,
    st.just("openai"),
    st.just("chat"),
    words,
    conversations,
    st.lists(st.builds(Tool, words), max_size=2).map(tuple),
)


@given(requests, requests)
@settings(max_examples=150, deadline=None)
def test_fingerprints_are_equal_only_for_equal_requests(one: Request, other: Request) -> None:
    assert (fingerprint(one) == fingerprint(other)) == (one == other)


def test_text_no_wire_could_carry_still_has_a_fingerprint() -> None:
    assert fingerprint(ask("\ud800")) != fingerprint(ask("\ud801"))


def test_chance_is_the_same_for_the_same_purpose_whatever_was_drawn_before() -> None:
    one, other = Entropy(1, "s", "r", None, "k"), Entropy(1, "s", "r", None, "k")
    drawn = [one.token("id", 10), one.rng("text").random(), one.digest("x")]
    later = [other.digest("x"), other.rng("text").random(), other.token("id", 10)]
    assert drawn == later[::-1]


def test_chance_differs_by_purpose_and_by_every_part() -> None:
    base: tuple[Any, ...] = (1, "s", "r", None, "k")
    others = [(2, *base[1:])]
    others += [(*base[:place], "else", *base[place + 1 :]) for place in range(5)]
    made = [Entropy(*parts).digest("id") for parts in (base, *others)]
    made.append(Entropy(*base).digest("id2"))
    assert len(set(made)) == len(made)


def test_parts_of_a_seed_do_not_run_together() -> None:
    assert Entropy("ab", "c").digest("x") != Entropy("a", "bc").digest("x")
    assert Entropy("1").digest("x") != Entropy(1).digest("x")


def test_digest_has_32_bytes_and_token_the_letters_asked() -> None:
    entropy = Entropy(0)
    assert len(entropy.digest("x")) == 32
    token = entropy.token("x", 40)
    assert len(token) == 40
    assert token.isascii()
    assert token.isalnum()


def test_tokens_use_the_whole_alphabet_evenly() -> None:
    """Each of the 62 signs is near its share, at the first and the last place alike."""
    tokens = [Entropy(seed).token("id", 40) for seed in range(2000)]
    for place in (0, 39):
        seen = [token[place] for token in tokens]
        assert len(set(seen)) == 62
        assert max(map(seen.count, set(seen))) < 75
