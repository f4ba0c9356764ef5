"""Texts judged by their words: what flags them, and scores."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockdock.content.judging import WORDS, flags, parents, score
from mockdock.moderation import CATEGORIES, Category

README = Path(__file__).parents[2] / "mockdock" / "dialects" / "openai" / "README.md"


@pytest.mark.parametrize(
    ("text", "flagged"),
    [
        ("I want to kill them.", {"harassment", "harassment/threatening", "violence"}),
        ("You IDIOT", {"harassment"}),
        ("idiots, all of you", {"harassment"}),
        ("She was murdered", {"violence"}),
        ("I'll kill\n  you", {"harassment", "harassment/threatening", "violence"}),
        ("self-harm", {"self-harm"}),
        ("how to kill myself", {"self-harm", "self-harm/intent", "self-harm/instructions"}),
        ("so much gore", {"violence", "violence/graphic"}),
        ("\uff4bill \uff59ou", {"harassment", "harassment/threatening", "violence"}),
        ("", set()),
        ("The weather in Paris is lovely.", set()),
        ("skilled painters of the Killarney school", set()),
        ("you kill", {"violence"}),
    ],
)
def test_words_flag_a_text(text: str, flagged: set[Category]) -> None:
    found = flags(text)
    assert found >= flagged
    assert found - flagged <= {"violence"} if "kill" in text.lower() else found == flagged


def test_what_is_listed_flags_its_category() -> None:
    assert set(WORDS) == set(CATEGORIES)
    for category, listed in WORDS.items():
        for each in listed:
            assert category in flags(f"Well, {each.upper()}!"), each


def test_a_kind_of_something_is_that_too() -> None:
    assert parents(["hate/threatening"]) == {"hate", "hate/threatening"}
    assert parents(["hate"]) == {"hate"}


def test_only_the_beginning_of_a_long_text_is_looked_at() -> None:
    assert flags("a " * 50_000 + "murder") == frozenset()


@given(text=st.text(), category=st.sampled_from(CATEGORIES))
def test_scores_tell_what_is_flagged(text: str, category: Category) -> None:
    assert 0.75 <= score("m", category, text, flagged=True) < 0.99
    assert 0 < score("m", category, text, flagged=False) < 0.001


def test_a_score_is_that_of_its_model_category_and_text() -> None:
    first = score("m", "hate", "x", flagged=False)
    assert score("m", "hate", "x", flagged=False) == first
    others = [("n", "hate", "x"), ("m", "violence", "x"), ("m", "hate", "y")]
    assert all(score(*other, flagged=False) != first for other in others)  # type: ignore[arg-type]


def test_another_process_gives_the_same_scores() -> None:
    code = (
        "from mockdock.content.judging import score; print(score('m', 'hate', 'x', flagged=True))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(told.stdout) == score("m", "hate", "x", flagged=True)


def test_the_readme_lists_every_word() -> None:
    told = README.read_text()
    for category, listed in WORDS.items():
        assert f"| `{category}` | {', '.join(listed)} |" in told
