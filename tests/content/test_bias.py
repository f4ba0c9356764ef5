"""What ``logit_bias`` makes of generated text."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.content.bias import avoid, banned, forced
from mockdock.content.tokens import tokenizer

O200K = tokenizer("o200k_base")


def ids(text: str) -> list[int]:
    return O200K.encode(text)


def test_only_the_ends_of_the_scale_act() -> None:
    assert banned({1: -100, 2: -99, 3: 100, 4: 0}) == {1}
    assert forced({1: -100, 2: 99, 4: 0}, 5, O200K, Random(1)) == ()


def test_a_forced_token_is_all_that_is_said() -> None:
    (token,) = ids(" yes")
    assert forced({token: 100}, 4, O200K, Random(1)) == (token,) * 4


def test_of_several_forced_tokens_chance_takes_each_time_one() -> None:
    said = forced({1: 100, 2: 100}, 200, O200K, Random(1))
    assert (len(said), set(said)) == (200, {1, 2})
    assert said == forced({1: 100, 2: 100}, 200, O200K, Random(1))
    assert said != forced({1: 100, 2: 100}, 200, O200K, Random(2))


def test_a_token_the_encoding_does_not_have_is_not_forced() -> None:
    """Special tokens and ids beyond the vocabulary spell nothing."""
    beyond = {O200K.vocabulary: 100, 10**20: 100}
    assert forced(beyond, 5, O200K, Random(1)) == ()
    assert forced({**beyond, 5: 100}, 3, O200K, Random(1)) == (5, 5, 5)


def test_a_text_without_banned_tokens_stays() -> None:
    assert avoid("one two three", frozenset(ids(" four")), O200K) == "one two three"
    assert avoid("", frozenset([1]), O200K) == ""


def test_banned_tokens_go_and_the_rest_stays() -> None:
    assert avoid("one two three two", frozenset(ids(" two")), O200K) == "one three"


def test_a_character_that_loses_a_token_goes_whole() -> None:
    first, *_ = ids("🫨")
    assert avoid("a🫨b", frozenset([first]), O200K) == "ab"


def test_what_comes_together_anew_is_banned_as_well() -> None:
    """Without the comma "some" and "thing" would be the banned "something"."""
    text = "some,thing"
    (comma,) = ids(",")
    (something,) = ids("something")
    assert comma in ids(text)
    left = avoid(text, frozenset([comma, something]), O200K)
    assert not {comma, something} & set(ids(left))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.data())
def test_whatever_is_banned_is_not_there(text: str, data: st.DataObject) -> None:
    unwanted = data.draw(st.frozensets(st.sampled_from(ids(text) or [0]), max_size=5))
    left = avoid(text, unwanted, O200K)
    assert not unwanted & set(ids(left))
    assert len(left.encode()) <= len(text.encode())


@pytest.mark.parametrize("text", ["a b", "日本語"])
def test_all_may_be_banned(text: str) -> None:
    assert avoid(text, frozenset(range(O200K.vocabulary)), O200K) == ""
