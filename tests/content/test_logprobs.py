"""Log probabilities: made up, but of the tokens said, and a distribution."""

from __future__ import annotations

import math
import statistics
from random import Random
from typing import Any

import pytest

from mockdock.content.logprobs import IMPOSSIBLE, MEAN, SPREAD, annotate
from mockdock.content.tokens import tokenizer
from mockdock.reply import TokenLogprob

O200K = tokenizer("o200k_base")
LONG = "The quick brown fox jumps over the lazy dog, again and again. " * 40


def entries(text: str, top: int = 0, seed: int = 1, **more: Any) -> list[TokenLogprob]:
    """Annotate a text and give the entries of all its pieces."""
    pieces = O200K.pieces(text)
    told = annotate(pieces, O200K.spell(text), O200K, Random(seed), top=top, **more)
    return [entry for piece in told for entry in piece.logprobs]


def test_every_token_has_an_entry_with_its_bytes() -> None:
    assert [entry.token for entry in entries(" Foo bar!")] == [b" Foo", b" bar", b"!"]


def test_pieces_stay_as_they_are_and_hold_the_entries_of_their_tokens() -> None:
    """U+1FAE8 takes several tokens of o200k_base, which are one piece."""
    pieces = O200K.pieces("a🫨b")
    told = annotate(pieces, O200K.spell("a🫨b"), O200K, Random(1), top=2)
    assert [(piece.text, piece.tokens) for piece in told] == [
        (piece.text, piece.tokens) for piece in pieces
    ]
    assert [len(piece.logprobs) for piece in told] == [piece.tokens for piece in pieces]
    assert b"".join(entry.token for entry in told[1].logprobs) == "🫨".encode()
    assert len(told[1].logprobs) > 1


def test_an_empty_text_has_none() -> None:
    assert annotate((), (), O200K, Random(1), top=5) == ()


def test_without_alternatives_none_are_listed() -> None:
    assert all(entry.top == () for entry in entries(LONG))


@pytest.mark.parametrize("top", [1, 5, 20])
@pytest.mark.parametrize("mean", [0.0, -0.12, -3.0, -40.0])
@pytest.mark.parametrize("text", ["The quick brown fox", "日本語と🫨", "\n\n   x"])
def test_alternatives_are_distinct_ordered_and_at_most_certain(
    text: str, mean: float, top: int
) -> None:
    for entry in entries(text, top, mean=mean, spread=1.0):
        likely = [each.logprob for each in entry.top]
        assert len({each.token for each in entry.top}) == len(entry.top) == top
        assert likely == sorted(likely, reverse=True)
        assert math.fsum(map(math.exp, likely)) <= 1 + 1e-12
        assert all(IMPOSSIBLE <= each <= 0 for each in likely)


@pytest.mark.parametrize("top", [1, 3])
def test_the_token_said_is_listed_exactly_where_it_belongs(top: int) -> None:
    """Among the most likely with its own value, else no likelier than any of them."""
    listed = []
    for entry in entries(LONG, top, mean=-1.5, spread=1.5):
        among = [each.logprob for each in entry.top if each.token == entry.token]
        listed.append(bool(among))
        if among:
            assert among == [entry.logprob]
        else:
            assert entry.logprob <= entry.top[-1].logprob
    assert len(set(listed)) == 2, "there are both"


def test_a_certain_token_leaves_nothing_to_others() -> None:
    """The API writes -9999 for what is out of the question."""
    for entry in entries("one two", 3, mean=0.0, spread=0.0):
        assert entry.logprob == 0
        assert [each.logprob for each in entry.top] == [0, IMPOSSIBLE, IMPOSSIBLE]
        assert entry.top[0].token == entry.token


@pytest.mark.parametrize(
    ("mean", "spread"), [(-5.0, 1.0), (-8.0, 0.25), (-0.5, 0.4), (MEAN, SPREAD)]
)
def test_mean_and_spread_are_those_of_the_text(mean: float, spread: float) -> None:
    drawn = [entry.logprob for entry in entries(LONG, mean=mean, spread=spread)]
    assert statistics.fmean(drawn) == pytest.approx(mean, abs=spread / 4)
    assert statistics.stdev(drawn) == pytest.approx(spread, rel=0.2)


def test_without_spread_every_token_is_as_likely() -> None:
    assert {entry.logprob for entry in entries(LONG, mean=-1.25, spread=0.0)} == {-1.25}


def test_usually_a_model_is_confident() -> None:
    assert -0.3 < MEAN < 0 < SPREAD < 0.3
    drawn = [entry.logprob for entry in entries(LONG)]
    assert -0.3 < statistics.fmean(drawn) < 0
    assert max(drawn) <= 0


def test_alternatives_begin_with_a_blank_where_the_token_does() -> None:
    (entry,) = entries(" word", 20)
    blanks = [each.token.startswith(b" ") for each in entry.top]
    assert sum(blanks) >= 18


def test_the_generator_decides() -> None:
    assert entries(LONG, 2, seed=1) == entries(LONG, 2, seed=1)
    assert entries(LONG, 2, seed=1) != entries(LONG, 2, seed=2)


def test_what_is_said_does_not_depend_on_how_many_alternatives_are_asked() -> None:
    plain = [entry.logprob for entry in entries(LONG)]
    assert plain == [entry.logprob for entry in entries(LONG, 5)]
    assert plain == [entry.logprob for entry in entries(LONG, 20)]


def test_without_sampling_the_token_said_is_the_likeliest() -> None:
    for entry in entries(LONG, 3, mean=-2.0, spread=0.5, greedy=True):
        assert entry.top[0].token == entry.token


@pytest.mark.parametrize("mean", [-1e300, -1e-300, -5.0])
@pytest.mark.parametrize("spread", [1e-300, 1.0, 1e300])
def test_extreme_numbers_are_drawn_from_too(mean: float, spread: float) -> None:
    drawn = [entry.logprob for entry in entries("one two three", 2, mean=mean, spread=spread)]
    assert all(mean <= each <= 0 or IMPOSSIBLE <= each <= 0 for each in drawn)
