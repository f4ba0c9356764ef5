"""Vectors of texts: of length 1, the same everywhere, near where texts are alike."""

from __future__ import annotations

import hashlib
import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockdock.content.embedding import embed, words_of
from mockdock.embedding import unpack
from tests.effort import bounded

SMALL = "text-embedding-3-small"


def vector(text: str, model: str = SMALL, dimensions: int = 1536) -> list[float]:
    """Give the numbers of a text's vector."""
    return unpack(embed(text, model, dimensions))


def cosine(one: list[float], other: list[float]) -> float:
    """Give the cosine of two unit vectors."""
    return sum(a * b for a, b in zip(one, other, strict=True))


@given(st.text(), st.integers(1, 300))
def test_every_vector_has_its_length_and_length_one(text: str, dimensions: int) -> None:
    numbers = vector(text, dimensions=dimensions)
    assert len(numbers) == dimensions
    assert math.hypot(*numbers) == pytest.approx(1, abs=1e-6)


@given(st.text(), st.integers(1, 64))
def test_a_shorter_vector_is_the_beginning_made_a_unit_again(text: str, dimensions: int) -> None:
    whole = vector(text, dimensions=96)
    start = whole[:dimensions]
    norm = math.hypot(*start)
    if norm > 1e-3:
        expected = [number / norm for number in start]
        assert vector(text, dimensions=dimensions) == pytest.approx(expected, abs=1e-3 / norm**2)


def test_the_law_of_shortening_holds_to_the_precision_of_floats() -> None:
    whole = vector("The cat sat on the mat.")
    start = whole[:256]
    norm = math.hypot(*start)
    expected = [number / norm for number in start]
    assert vector("The cat sat on the mat.", dimensions=256) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("text", ["x", "The cat sat on the mat.", "日本語のテキスト", "", "\ud800"])
def test_a_vector_is_the_same_in_another_process(text: str) -> None:
    code = (
        "import hashlib; from mockdock.content.embedding import embed;"
        f"print(hashlib.sha256(embed({text!r}, {SMALL!r}, 64)).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, encoding="utf-8"
    )
    assert done.stdout.strip() == hashlib.sha256(embed(text, SMALL, 64)).hexdigest()


def test_a_lone_vector_is_worked_out_by_hand() -> None:
    """Without words a text has one direction: two times its bytes, less 255."""
    seed = repr((SMALL, "text ?!")).encode()
    numbers = [2 * byte - 255 for byte in hashlib.shake_128(seed).digest(8)]
    norm = math.sqrt(sum(number * number for number in numbers))
    expected = [number / norm for number in numbers]
    assert vector("?!", dimensions=8) == pytest.approx(expected, abs=1e-7)


def test_other_models_have_other_spaces() -> None:
    mine = vector("The cat sat on the mat.")
    assert abs(cosine(mine, vector("The cat sat on the mat.", "text-embedding-ada-002"))) < 0.12


def test_names_of_any_length_have_spaces_of_their_own() -> None:
    assert embed("x", "m" * 1_000_000, 8) != embed("x", "m" * 1_000_001, 8)


ALIKE = [
    ("How do I reset my password?", "I forgot my password, how can I reset it?"),
    ("What is the weather like in Paris today?", "Today's weather in Paris: sunny and warm"),
    ("The cat sat on the mat.", "A cat was sitting on a mat"),
    ("Stock markets fell sharply on Monday", "On Monday the stock market had a sharp fall"),
    ("Wie setze ich mein Passwort zurück?", "Passwort zurücksetzen"),
    ("東京の天気はどうですか", "今日の東京の天気"),
    ("def add(a, b): return a + b", "def add(x, y): return x + y"),
    ("invoice INV-2041 is overdue", "Please pay invoice INV-2041, it is overdue since May"),
]


@pytest.mark.parametrize("dimensions", [256, 1536])
def test_similar_texts_are_closer_than_any_others(dimensions: int) -> None:
    left = [vector(one, dimensions=dimensions) for one, _ in ALIKE]
    right = [vector(other, dimensions=dimensions) for _, other in ALIKE]
    for place, mine in enumerate(left):
        near = [cosine(mine, other) for other in right]
        assert near.index(max(near)) == place
        others = [*near[:place], *near[place + 1 :]]
        assert near[place] > 2 * max(others)


def test_texts_with_nothing_in_common_are_at_right_angles() -> None:
    texts = ["quarterly revenue grew", "soup recipe tomato", "gravity bends light", "ski boots"]
    vectors = [vector(text) for text in texts]
    for place, one in enumerate(vectors):
        for other in vectors[place + 1 :]:
            assert abs(cosine(one, other)) < 0.12


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hello World", "hello   world!"),
        ("ﬁnal", "final"),
        ("Straße", "STRASSE"),
    ],
)
def test_case_blanks_punctuation_and_compatible_letters_do_not_matter(one: str, other: str) -> None:
    assert cosine(vector(one), vector(other)) == pytest.approx(1, abs=1e-5)


def test_the_order_of_words_matters_a_little() -> None:
    near = cosine(vector("dog bites man"), vector("man bites dog"))
    assert 0.5 < near < 0.99


def test_words_that_say_little_weigh_little() -> None:
    assert cosine(vector("the password"), vector("a password")) > 0.9
    assert cosine(vector("the password"), vector("the weather")) < 0.3


def test_endings_of_words_do_not_make_them_strangers() -> None:
    related = cosine(vector("refunds"), vector("refunded"))
    assert related > 0.2 > cosine(vector("refunds"), vector("weather"))


def test_chinese_japanese_and_korean_letters_are_words() -> None:
    assert words_of("東京 Tower 한국") == ["東", "京", "tower", "한", "국"]


def test_long_words_are_cut_and_long_texts_end() -> None:
    assert words_of("x" * 50) == ["x" * 24, "x" * 24, "xx"]
    assert len(words_of("a b " * 20_000)) == 16_384
    assert embed("a b " * 20_000, SMALL, 8) == embed("a b " * 30_000, SMALL, 8)


def test_no_text_of_many_different_words_overflows() -> None:
    text = " ".join(f"{number:023d}" for number in range(3000))
    assert math.hypot(*vector(text, dimensions=32)) == pytest.approx(1, abs=1e-6)


def test_a_vector_that_would_be_all_zero_is_a_unit_all_the_same() -> None:
    """The bytes of this text sum up to the very middle, found by trying."""
    assert vector("aa4039 bb4039", dimensions=1) == [1.0]


def test_two_thousand_short_texts_cost_little() -> None:
    texts = [f"question {at} about topic {at % 61}, by customer {at % 7}" for at in range(2048)]
    with bounded(3000):
        for text in texts:
            embed(text, SMALL, 1536)
