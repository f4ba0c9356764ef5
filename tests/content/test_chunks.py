"""Cutting a text: to tokens, at stop strings, into chunks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockdock.content.chunks import Chunk, before_stop, cut, regroup
from mockdock.reply import Piece

PIECES = (Piece("The", 1), Piece(" quick", 1), Piece("\U0001f9a5", 3), Piece("est", 1))


def joined(pieces: tuple[Piece, ...]) -> str:
    return "".join(piece.text for piece in pieces)


def weight(pieces: tuple[Piece, ...]) -> int:
    return sum(piece.tokens for piece in pieces)


@pytest.mark.parametrize(
    ("stops", "text"),
    [
        ((), "one two three"),
        (("two",), "one "),
        (("three", "two"), "one "),
        (("t",), "one "),
        (("one",), ""),
        (("",), "one two three"),
        (("TWO", "four"), "one two three"),
    ],
)
def test_a_text_ends_before_the_earliest_stop(stops: tuple[str, ...], text: str) -> None:
    assert before_stop("one two three", stops) == text


@given(st.text("ab", max_size=12), st.lists(st.text("ab", max_size=3), max_size=3))
def test_what_comes_before_a_stop_is_a_prefix_without_any_stop(text: str, stops: list[str]) -> None:
    made = before_stop(text, stops)
    assert text.startswith(made)
    assert not any(stop in made for stop in stops if stop)
    assert made == text or any(text[len(made) :].startswith(stop) for stop in stops if stop)


@pytest.mark.parametrize(
    ("budget", "kept", "missing"),
    [
        (0, 0, True),
        (1, 1, True),
        (2, 2, True),
        (3, 2, True),
        (4, 2, True),
        (5, 3, True),
        (6, 4, False),
        (7, 4, False),
        (None, 4, False),
    ],
)
def test_a_budget_keeps_whole_characters_only(budget: int | None, kept: int, missing: bool) -> None:
    assert cut(PIECES, budget) == (PIECES[:kept], missing)


def test_nothing_fits_into_nothing() -> None:
    assert cut((), 0) == ((), False)


pieces = st.lists(
    st.builds(Piece, st.text("ab \n\U0001f9a5", min_size=1, max_size=5), st.integers(1, 4)),
    max_size=12,
).map(tuple)
CHUNKS: tuple[Chunk, ...] = ("token", "word", 1, 2, 3, 5, 9)
chunks = st.sampled_from(CHUNKS)


@given(pieces, st.integers(0, 40))
def test_a_cut_keeps_the_longest_beginning_that_fits(whole: tuple[Piece, ...], budget: int) -> None:
    kept, missing = cut(whole, budget)
    assert whole[: len(kept)] == kept
    assert weight(kept) <= budget
    assert missing is (len(kept) < len(whole))
    assert not missing or weight(whole[: len(kept) + 1]) > budget


@given(pieces, chunks)
def test_chunks_join_to_the_same_text_and_the_same_tokens(
    whole: tuple[Piece, ...], chunk: Chunk
) -> None:
    made = regroup(whole, chunk)
    assert joined(made) == joined(whole)
    assert weight(made) == weight(whole)
    assert all(piece.text for piece in made)


@given(pieces, st.integers(1, 9))
def test_chunks_of_characters_have_that_length_but_the_last(
    whole: tuple[Piece, ...], size: int
) -> None:
    lengths = [len(piece.text) for piece in regroup(whole, size)]
    assert all(length == size for length in lengths[:-1])
    assert all(0 < length <= size for length in lengths[-1:])


@given(pieces, st.integers(1, 9))
def test_a_token_counts_where_its_last_character_is(whole: tuple[Piece, ...], size: int) -> None:
    """No chunk is due before all it holds has been made, except the head of a long token."""
    ends: list[int] = []
    for piece in whole:
        ends.append((ends[-1] if ends else 0) + len(piece.text))
    reached = counted = 0
    for chunk in regroup(whole, size):
        reached += len(chunk.text)
        counted += chunk.tokens
        complete = [p.tokens for p, end in zip(whole, ends, strict=True) if end <= reached]
        assert counted == sum(complete)


def test_tokens_stay_as_they_are() -> None:
    assert regroup(PIECES, "token") is PIECES


def test_words_begin_with_their_blank() -> None:
    tokens = tuple(
        Piece(text, 1) for text in ("un", "believ", "able", ",", " is", "n't", "\n", "it")
    )
    assert regroup(tokens, "word") == (
        Piece("unbelievable,", 4),
        Piece(" isn't", 2),
        Piece("\nit", 2),
    )


def test_an_empty_text_has_no_chunks() -> None:
    assert [regroup((), chunk) for chunk in CHUNKS] == [()] * len(CHUNKS)
