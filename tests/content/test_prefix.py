"""What of a prompt could be in a cache."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from mockdock.content.counting import count_prompt
from mockdock.content.prefix import Prefix, cacheable, prefixes
from mockdock.content.tokens import tokenizer
from mockdock.request import (
    ImagePart,
    Message,
    Request,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
)
from tests.engine.helpers import say

O200K = tokenizer("o200k_base")
LONG = " word" * 2000
"""One token each."""


def asked(*messages: Message, **fields: Any) -> Request:
    given: dict[str, Any] = {"model": "gpt-4o", **fields}
    return Request("openai", "chat", messages=messages, **given)


def of(*messages: Message, **fields: Any) -> tuple[Prefix, ...]:
    request = asked(*messages, **fields)
    return prefixes(request, count_prompt(request, O200K, "gpt-4o"), O200K)


def shared(one: tuple[Prefix, ...], other: tuple[Prefix, ...]) -> int:
    """Give the tokens that two prompts have in common, as a cache would find them."""
    known = {each.digest for each in one}
    return max((each.tokens for each in other if each.digest in known), default=0)


@pytest.mark.parametrize(
    ("tokens", "cached"),
    [(0, 0), (1023, 0), (1024, 1024), (1151, 1024), (1152, 1152), (2006, 1920)],
)
def test_a_cache_holds_1024_tokens_and_more_in_steps_of_128(tokens: int, cached: int) -> None:
    assert cacheable(tokens) == cached


def test_a_short_prompt_has_no_beginnings() -> None:
    assert of(say("user", " word" * 900)) == ()


def test_beginnings_grow_and_end_with_the_prompt() -> None:
    request = asked(say("system", LONG), say("user", "Hi"))
    prompt = count_prompt(request, O200K, "gpt-4o")
    found = [each.tokens for each in prefixes(request, prompt, O200K)]
    assert found == sorted(found)
    assert found[0] >= 1024
    assert found[-1] == prompt.tokens
    assert max(b - a for a, b in itertools.pairwise(found)) <= 128


def talk(words: int, size: int) -> list[Message]:
    """Make a conversation of so many tokens, each message of the same size."""
    count = words // size
    return [say("user", f"{at}" + " word" * (size - 5)) for at in range(count)]


@pytest.mark.parametrize("size", [60, 700, 3000, 110_000])
def test_a_long_prompt_has_few_beginnings(size: int) -> None:
    """All up to 16,384 tokens, then one in every 1,024, and the last messages' ends."""
    found = of(*talk(110_000, size))
    tokens = [each.tokens for each in found]
    assert tokens == sorted(tokens)
    assert 107_000 < tokens[-1] < 112_000
    close = [each for each in tokens if each <= 16_384]
    assert max(b - a for a, b in itertools.pairwise(close)) <= 140
    assert max(b - a for a, b in itertools.pairwise(tokens)) < 2048
    assert len(found) - len(close) <= 94 + 9
    assert len(found) <= (240 if size > 60 else 400)


@pytest.mark.parametrize("size", [60, 700, 3000])
@pytest.mark.parametrize("more", [1, 3, 7])
def test_a_long_conversation_goes_on_from_where_it_was(size: int, more: int) -> None:
    """Message by message, as agents do, nothing is lost however long it becomes."""
    whole = talk(60_000, size)
    before = of(*whole[:-more])
    assert shared(before, of(*whole)) == before[-1].tokens


@pytest.mark.parametrize("at", [17_000, 30_000, 30_900, 59_000])
def test_long_prompts_that_differ_share_all_but_1024_tokens(at: int) -> None:
    one = of(say("user", " word" * 60_000))
    other = of(say("user", " word" * at + " other" * (60_000 - at)))
    assert at - 1024 - 128 <= shared(one, other) <= at + 10


def test_what_is_kept_of_a_long_prompt_does_not_hang_on_its_end() -> None:
    """The beginnings of two prompts are the same ones as far as the prompts are."""
    start = talk(40_000, 700)
    one, other = of(*start, say("user", "a")), of(*start, *talk(9000, 90))
    assert shared(one, other) > 37_000
    early = {each.digest for each in one if each.tokens <= 30_000}
    assert early == {each.digest for each in other if each.tokens <= 30_000}


def test_equal_prompts_share_everything() -> None:
    messages = (say("system", LONG), say("user", "Hi"))
    assert of(*messages) == of(*messages)


def test_prompts_that_differ_at_their_end_share_their_beginning() -> None:
    one = of(say("system", LONG), say("user", "Hi"))
    other = of(say("system", LONG), say("user", "Hello, who are you?"))
    assert cacheable(shared(one, other)) == 1920


def test_a_long_text_that_was_continued_shares_its_whole_blocks() -> None:
    """1,536 of the 2,000 words are the same; some 6 tokens of a frame stand before them."""
    one = of(say("user", LONG))
    other = of(say("user", " word" * 1600 + " other" * 400))
    assert 1536 <= shared(one, other) <= 1610


def test_a_conversation_goes_on_from_its_last_message() -> None:
    start = (say("system", LONG), say("user", "Hi"))
    request = asked(*start)
    whole = count_prompt(request, O200K, "gpt-4o").tokens
    assert shared(of(*start), of(*start, say("assistant", "Hello"), say("user", "Go on"))) == whole


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "gpt-4o-mini"},
        {"cache_key": "someone"},
        {"tools": (Tool("f"),)},
        {"tools": (Tool("f", "described"),)},
        {"response_format": ResponseFormat("json_object")},
        {"response_format": ResponseFormat("json_schema", "a", schema={})},
    ],
    ids=["model", "key", "tool", "description", "json", "schema"],
)
def test_what_stands_in_front_keeps_prompts_apart(fields: dict[str, Any]) -> None:
    message = say("user", LONG)
    assert shared(of(message), of(message, **fields)) == 0
    assert of(message, **fields) == of(message, **fields)


@pytest.mark.parametrize(
    "first",
    [
        say("user", "You are a pirate."),
        say("system", "You are a Pirate."),
        say("system", "You are a pirate.", name="boss"),
        Message("assistant", tool_calls=(ToolCall("call_1", "f", "{}"),)),
        Message("user", (ImagePart("data:image/png;base64,AAAA", "low"),)),
    ],
    ids=["role", "text", "name", "call", "image"],
)
def test_a_first_message_that_differs_leaves_nothing_in_common(first: Message) -> None:
    same = say("system", "You are a pirate.")
    assert shared(of(same, say("user", LONG)), of(first, say("user", LONG))) == 0


def test_how_a_request_is_sampled_does_not_matter() -> None:
    message = say("user", LONG)
    more: dict[str, Any] = {"n": 3, "seed": 7, "temperature": 0.5, "stream": True, "max_tokens": 9}
    assert of(message, **more) == of(message)


def test_two_texts_of_a_message_are_not_one() -> None:
    """Where a part ends belongs to what is known of it."""
    one = of(Message("user", (TextPart(LONG + "a"), TextPart("b"))))
    other = of(Message("user", (TextPart(LONG), TextPart("ab"))))
    assert one[-1] != other[-1]


def test_digests_are_short_and_distinct() -> None:
    found = of(say("system", LONG), say("user", LONG))
    assert len({each.digest for each in found}) == len(found)
    assert all(len(each.digest) <= 32 for each in found)
