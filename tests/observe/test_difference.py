"""The difference of two texts, short enough to read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockdock.observe.difference import difference


@pytest.mark.parametrize(
    ("wanted", "found", "told"),
    [
        ("the red fox runs", "the blue fox runs", ["the [-red-]{+blue+} fox runs"]),
        ("the fox runs", "the fox runs fast", ["the fox runs{+ fast+}"]),
        ("the fox runs fast", "the fox runs", ["the fox runs[- fast-]"]),
        ("alpha beta", "1, 2; 3", ["- alpha beta", "+ 1, 2; 3"]),
        ("a\nb\nc", "a\nX\nc", ["  a", "- b", "+ X", "  c"]),
    ],
)
def test_words_of_a_line_and_lines_of_a_text(wanted: str, found: str, told: list[str]) -> None:
    assert difference(wanted, found) == told


def test_long_equal_stretches_are_cut() -> None:
    same = "word " * 40
    (told,) = difference(f"{same}one {same}two", f"{same}1 {same}2")
    assert told.startswith("... ")
    assert " ... " in told
    assert "[-one-]{+1+}" in told
    assert "[-two-]{+2+}" in told
    assert len(told) < 200


def test_equal_lines_before_and_between_are_counted_or_left_out() -> None:
    lines = [f"line {at}" for at in range(30)]
    told = difference("\n".join([*lines, "a", *lines, "b"]), "\n".join([*lines, "A", *lines, "B"]))
    assert told == [
        "  ... 28 equal lines",
        "  line 28",
        "  line 29",
        "- a",
        "+ A",
        "  line 0",
        "  line 1",
        "  ...",
        "  line 28",
        "  line 29",
        "- b",
        "+ B",
    ]


def test_a_long_difference_is_cut_and_counted() -> None:
    told = difference("\n".join("a" * 300 for _ in range(9)), "\n".join("b" * 999))
    assert len(told) == 25
    assert told[0] == f"- {'a' * 160}..."
    assert told[-1] == f"  ... and {9 + 400 - 24 + 599} more lines"


def test_many_words_are_cut() -> None:
    (told,) = difference("same " + "a b " * 600, "same " + "a c " * 600)
    assert told.endswith("...")


@pytest.mark.parametrize(
    ("before", "behind"), [("x " * 500, " y" * 500), ("", " y" * 500), ("x " * 500, "")]
)
def test_the_nearest_part_of_a_much_longer_text_is_compared(before: str, behind: str) -> None:
    (told,) = difference("the weather in Paris", f"{before}the weather in Londo{behind}")
    assert told == "the weather in [-Paris-]{+Londo+}"


@given(st.text(max_size=300), st.text(max_size=3000))
def test_a_difference_is_always_short(wanted: str, found: str) -> None:
    told = difference(wanted, found)
    assert 1 <= len(told) <= 26 or wanted == found
