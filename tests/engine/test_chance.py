"""Logical requests, and chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.engine import chance
from mockdock.engine.chance import Entropy, fingerprint
from mockdock.request import (
    AudioPart,
    Caller,
    FilePart,
    ImagePart,
    Message,
    Part,
    Request,
    TextPart,
    Tool,
    ToolCall,
)
from tests.effort import examples
from tests.engine.helpers import ask, say, tools


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
        {"caller": Caller("sk-mockdock-a1", "mine", 2)},
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
@settings(max_examples=examples(150), deadline=None)
def test_fingerprints_are_equal_only_for_equal_requests(one: Request, other: Request) -> None:
    assert (fingerprint(one) == fingerprint(other)) == (one == other)


def test_text_no_wire_could_carry_still_has_a_fingerprint() -> None:
    assert fingerprint(ask("\ud800")) != fingerprint(ask("\ud801"))


LONG = "data:image/png;base64," + "A" * 100_000


@pytest.mark.parametrize(
    "make",
    [ImagePart, lambda data: AudioPart(data, "wav"), lambda data: FilePart(data=data)],
    ids=["image", "audio", "file"],
)
def test_long_parts_differ_by_any_of_their_letters(make: Callable[[str], Part]) -> None:
    """They are the same when sent again, another request when their end is another."""

    def sent(data: str) -> str:
        return fingerprint(ask("Look", Message("user", (make(data),))))

    assert sent(LONG) == sent(LONG[:50_000] + LONG[50_000:])
    others = [LONG, LONG + "A", LONG[:-1], LONG[:-1] + "B", LONG[:50_000] + "B" + LONG[50_001:]]
    others += ["A" * 4095, "A" * 4096, "A" * 4097]
    assert len({sent(data) for data in others}) == len(others)


def test_a_long_part_counts_as_the_part_it_is() -> None:
    sent: list[Part] = [
        TextPart(LONG),
        ImagePart(LONG),
        AudioPart(LONG, "wav"),
        FilePart(data=LONG),
    ]
    made = {fingerprint(ask("Look", Message("user", (each,)))) for each in sent}
    assert len(made) == len(sent)


@pytest.mark.parametrize("part", [ImagePart(LONG), AudioPart(LONG, "wav"), FilePart(data=LONG)])
def test_long_parts_enter_by_their_digest(part: Part, monkeypatch: pytest.MonkeyPatch) -> None:
    """Megabytes of base64 are hashed once, and not copied into what is written for the hash."""
    written: list[int] = []

    def counted(value: object) -> bytes:
        written.append(len(repr(value)))
        return repr(value).encode()

    monkeypatch.setattr(chance, "_bytes", counted)
    fingerprint(ask("Look", Message("user", (part,))))
    assert len(written) == 1
    assert written[0] < 1000


def test_a_long_part_no_wire_could_carry_still_has_a_fingerprint() -> None:
    one, other = (ask("Look", Message("user", (ImagePart(LONG + odd),))) for odd in "\ud800\ud801")
    assert fingerprint(one) != fingerprint(other)


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
