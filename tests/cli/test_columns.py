"""Tables in columns."""

from __future__ import annotations

from mockdock.cli.columns import columns

ROWS = [("#", "rule", "when"), ("1", "a greeting", "user"), ("12", "x", "always")]


def test_columns_are_as_wide_as_their_texts() -> None:
    assert list(columns(ROWS, 80)) == [
        "#   rule        when",
        "1   a greeting  user",
        "12  x           always",
    ]


def test_a_text_that_is_too_long_goes_on_below() -> None:
    rows = [*ROWS, ("13", "one two three four five six", "model, user, system")]
    told = list(columns(rows, 34))
    assert told[3:] == [
        "13  one two three   model, user,",
        "    four five six   system",
    ]
    assert max(map(len, columns([("word " * 99,) * 2], 80))) <= 80


def test_no_column_is_made_too_narrow_to_read() -> None:
    told = list(columns([("a" * 40, "b" * 40)], 10))
    assert told[0] == f"{'a' * 12}  {'b' * 12}"


def test_wide_letters_and_accents_stay_in_line() -> None:
    assert list(columns([("漢字", "x"), ("abcd", "x"), ("e\u0301e\u0301ab", "x")], 80)) == [
        "漢字  x",
        "abcd  x",
        "e\u0301e\u0301ab  x",
    ]


def test_lines_of_a_text_are_lines() -> None:
    assert list(columns([("one\ntwo", "x")], 80)) == ["one      x", "two"]
