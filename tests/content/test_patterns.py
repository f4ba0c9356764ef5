"""Regular expressions run backwards."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.content import patterns
from mockdock.content.budget import current, limited
from mockdock.content.patterns import found, generate, matches
from mockdock.content.regex import MAX_PATTERN, parse
from tests.effort import examples

PATTERNS = [
    "",
    "^$",
    "abc",
    "^[a-z]+$",
    r"^\d{3}-\d{4}$",
    r"^[A-Z]{2}\d{2,4}$",
    "^(foo|bar|bazzz)+$",
    "^#[0-9a-fA-F]{6}$",
    r"^(?=.*[A-Z])(?=.*\d)(?=.*[@$!%*?&])[A-Za-z\d@$!%*?&]{8,}$",
    r"^[^@\s]+@[^@\s]+\.[a-z]{2,}$",
    r"^(?:\+?1[-. ]?)?\(?(\d{3})\)?[-. ]?(\d{3})[-. ]?(\d{4})$",
    r"(\w)\1",
    r"(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)\10",
    "^(?P<a>x+)-(?P=a)$",
    r"^\S+\s\D\W$",
    r"^[\w.-]+$",
    "^.{3,5}$",
    "a{0,3}",
    r"^\/[a-z]+\/$",
    "^(?!foo)[a-z]{3}$",
    "(?<=a)b|ab",
    "^[\u0430-\u044f\u0451]+$",
    "^[]a]+$",
    r"^[\b\d\]\\^-]$",
    r"\bword\b",
    r"^v\d+(\.\d+){2}(-[a-z0-9.]+)?$",
    "(?i)^abc$",
    "^(?i:abc)$",
    r"^\x41\u0042\t\0$",
    "^a+?b*?c??$",
    "^a++b$",
    "x{2}y{,z{a}",
    "^{$",
    "^[A-Z][a-z]*( [A-Z][a-z]*)*$",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_text_matches_its_pattern(pattern: str) -> None:
    for seed in range(50):
        made = generate(pattern, random.Random(seed))
        assert made is not None
        assert re.search(pattern, made)


@pytest.mark.parametrize(
    ("pattern", "plain"),
    [
        (r"^\p{Lu}\p{Ll}+\p{L}$", "^[A-Z][a-z]+[A-Za-z]$"),
        (r"^\p{N}\p{Zs}\p{P}$", r"^[0-9] [!?.,;:-]$"),
        (r"^\P{L}$", "^[^A-Za-z]$"),
        (r"^\p{Script=Greek}$", "^[\u0370-\u03ff]$"),
        (r"^\u{41}(?<n>b|c)\k<n>$", "^A(bb|cc)$"),
    ],
)
def test_ecma_forms_that_python_rejects_are_understood(pattern: str, plain: str) -> None:
    for seed in range(20):
        made = generate(pattern, random.Random(seed))
        assert made is not None
        assert re.search(plain, made)
        assert found(pattern, made)
        assert found(pattern, "") is False


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        ")",
        "a)",
        "[",
        "[a",
        "*a",
        "a**",
        "(?",
        "(?<n",
        "\\",
        "a{2,1}",
        "[z-a]",
        r"[\d-z",
        r"[a-\d]",
        r"\u12",
        r"\uD800",
        r"\xzz",
        r"\u{110000}",
        "(" * 60 + ")" * 60,
    ],
)
def test_what_cannot_be_read_is_none(pattern: str) -> None:
    assert parse(pattern) is None
    assert generate(pattern, random.Random(1)) is None
    assert matches(pattern, "text")


@pytest.mark.parametrize(
    ("pattern", "lo", "hi"),
    [
        ("^[a-z]+$", 64, 64),
        ("^[a-z]+@[a-z]+$", 30, 31),
        ("abc", 10, 12),
        ("^[a-z]*$", 0, 0),
        ("^(foo|barbarbar)$", 9, 9),
        ("^(foo|barbarbar)$", 0, 4),
        ("^[a-z]{2,}( [a-z]+)*$", 20, 25),
        ("^[a-z]{2,20}$", 15, None),
    ],
)
def test_length_is_met(pattern: str, lo: int, hi: int | None) -> None:
    for seed in range(50):
        made = generate(pattern, random.Random(seed), lo=lo, hi=hi)
        assert made is not None
        assert lo <= len(made) <= (10**9 if hi is None else hi)
        assert re.search(pattern, made)


@pytest.mark.parametrize(
    "pattern", ["^a{9999}b{9999}$", "^(a{9999}){9999}$", "(){9999}", "((){9999}){9999}"]
)
def test_size_is_bounded(pattern: str) -> None:
    assert len(generate(pattern, random.Random(1), hi=3) or "") <= 20_000


def test_nearest_miss_when_pattern_and_length_contradict() -> None:
    assert generate("^a$", random.Random(1), lo=3, hi=4) == "aaa"


@pytest.mark.parametrize(
    "pattern",
    ["^(a+)+$", "^(a|a)*$", "^(|b)*$", "^(?=(a+)+$)", "^(a{1,60}){1,60}$", "((){9999}){9999}x"],
)
def test_search_that_could_take_for_ever_is_not_tried(pattern: str) -> None:
    assert matches(pattern, "a" * 60 + "!")


@pytest.mark.parametrize("pattern", ["^(foo|bar)+$", "^([a-z]+,)*$", "^(a|b){9}$"])
def test_search_with_one_way_to_read_a_text_is_tried(pattern: str) -> None:
    assert found(pattern, "a" * 60 + "!") is False


def test_search_too_long_for_its_pattern_is_not_tried() -> None:
    assert not matches(".*.*x", "a" * 100)
    assert matches(".*.*x", "a" * 10_000)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("^(a|a){30}b", "a" * 40),
        ("^(a{0,50}){0,50}b$", "a" * 40),
        ("^(a|aa|a){30}(?!)$", "a" * 40),
        ("^(a|a){28}a{28}(?=b)a", "a" * 60),
        ("a+b", "a" * 100_000),
        ("((){9999}){9999}x", "a"),
        ("a{9999}" * 600, "a"),
        ("(?r)abc", "abc"),
        ("(a)(?1)", "aa"),
        ("a" * (MAX_PATTERN + 1), "b"),
    ],
)
def test_what_may_explode_or_is_only_known_to_the_matcher_cannot_be_told(
    pattern: str, text: str
) -> None:
    """That is told by the pattern and the length, not by the clock."""
    assert found(pattern, text) is None


@pytest.mark.parametrize(
    "pattern",
    ["a{" * 200_000, "a" * 1_000_000, "a|b" * 300_000, f"[{'a-b' * 100_000}]"],
    ids=lambda pattern: pattern[:3],
)
def test_very_long_pattern_is_not_read(pattern: str) -> None:
    assert parse(pattern) is None
    assert generate(pattern, random.Random(1)) is None


def test_doubling_references_are_counted() -> None:
    pattern = "(aa)" + "".join(rf"(\{at}\{at})" for at in range(1, 60))
    assert len(generate(pattern, random.Random(1)) or "") <= 10_000


@pytest.mark.parametrize(("pattern", "text"), [("a{e}", "b"), (r"\hm", "\t"), ("x{,z", "x")])
def test_what_the_matcher_reads_otherwise_is_plain_text(pattern: str, text: str) -> None:
    assert found(pattern, text) is False
    assert found(pattern, generate(pattern, random.Random(1)) or "") is True


def test_time_is_shared_within_a_block_and_then_nothing_can_be_told() -> None:
    with limited():
        assert found("a", "a") is True
        budget = current.get()
        assert budget is not None
        budget.left = 0
        with limited():
            assert found("a", "a") is None
    assert found("a", "a") is True


def test_match_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "_MAX_STEPS", 1e99)
    assert found("^(a|a){40}b", "a" * 60) is None


@given(st.text(alphabet="ab01()[]{}*+?|\\^$.-,dwpuxk<>=!:", max_size=12), st.integers(0, 5))
@settings(max_examples=examples(500), deadline=None)
def test_any_text_as_a_pattern_is_safe(pattern: str, seed: int) -> None:
    made = generate(pattern, random.Random(seed))
    assert made == generate(pattern, random.Random(seed))
