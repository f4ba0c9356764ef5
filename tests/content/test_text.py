"""Generated prose: length, determinism, threads, and closing sentences."""

from __future__ import annotations

import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.content import text
from mockdock.content.text import KINDS, Kind, closing, generate

PROSE: tuple[Kind, ...] = ("faker", "lorem")


def words(made: str) -> int:
    """Stand in for a tokenizer: one token a word."""
    return len(made.split())


def make(kind: Kind, seed: int, tokens: int | None = None, echo: str = "") -> str:
    return generate(kind, random.Random(seed), tokens=tokens, count=words, echo=echo)


@pytest.mark.parametrize("kind", PROSE)
def test_same_seed_gives_the_same_text_and_another_seed_another(kind: Kind) -> None:
    assert make(kind, 1) == make(kind, 1)
    assert len({make(kind, seed) for seed in range(20)}) == 20


@pytest.mark.parametrize("kind", PROSE)
def test_default_text_is_one_paragraph_of_whole_sentences(kind: Kind) -> None:
    for seed in range(50):
        made = make(kind, seed)
        assert 20 <= words(made) <= 60
        assert made.endswith(".")
        assert made[0].isupper()
        assert "\n" not in made


@pytest.mark.parametrize("kind", PROSE)
@given(tokens=st.integers(1, 800), seed=st.integers(0, 50))
@settings(max_examples=40, deadline=None)
def test_text_holds_the_tokens_asked_without_running_far_over(
    kind: Kind, tokens: int, seed: int
) -> None:
    counted = words(make(kind, seed, tokens))
    assert tokens <= counted <= tokens * 1.3 + 30


@pytest.mark.parametrize("kind", PROSE)
def test_long_text_is_counted_a_few_times_only_and_has_paragraphs(kind: Kind) -> None:
    calls = []

    def count(made: str) -> int:
        calls.append(len(made))
        return words(made)

    made = generate(kind, random.Random(3), tokens=5000, count=count, echo="")
    assert words(made) >= 5000
    assert len(calls) <= 5
    assert "\n\n" in made
    assert not made.startswith("\n")


def test_a_counter_that_never_grows_does_not_loop_for_ever() -> None:
    made = generate("faker", random.Random(1), tokens=3, count=lambda _: 0, echo="")
    assert made
    assert generate("echo", random.Random(1), tokens=3, count=lambda _: 0, echo="a")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tokens", [0, -1])
def test_no_tokens_is_no_text(kind: Kind, tokens: int) -> None:
    assert make(kind, 1, tokens, echo="hello") == ""


def test_echo_gives_the_text_back() -> None:
    assert make("echo", 1, echo="Hello, you.") == "Hello, you."


@pytest.mark.parametrize(("tokens", "expected"), [(1, 2), (2, 2), (3, 4), (100, 100)])
def test_echo_repeats_until_it_is_long_enough(tokens: int, expected: int) -> None:
    made = make("echo", 1, tokens, echo="Hello, you.")
    assert expected <= words(made) <= expected + 2
    assert set(made.split("\n")) == {"Hello, you."}


@pytest.mark.parametrize("echo", ["", "  "])
def test_nothing_to_echo_stays_nothing(echo: str) -> None:
    assert make("echo", 1, 10, echo=echo) == echo


def test_threads_do_not_disturb_each_other() -> None:
    """The same seed gives the same text whatever runs beside it."""
    alone = [make("faker", seed, 60) for seed in range(40)]
    with ThreadPoolExecutor(8) as pool:
        beside = list(pool.map(lambda seed: make("faker", seed % 40, 60), range(400)))
    assert beside == alone * 10


def test_importing_the_module_does_not_import_faker() -> None:
    imports = "import sys, mockdock.content.text, mockdock.content.schema"
    code = f"{imports}; assert 'faker' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        ("sunny", "sunny"),
        ('{"temp": 21, "unit": "celsius"}', "temp 21, unit celsius"),
        ('{"days": [1, 2]}', '{"days":[1,2]}'),
        ("[1,\n2]", "[1,2]"),
        ("42", "42"),
        ("several\n\n lines\tof text", "several lines of text"),
    ],
)
def test_closing_mentions_the_tool_and_its_result(result: str, shown: str) -> None:
    for seed in range(6):
        made = closing(random.Random(seed), [("get_weather", result)])
        assert "get_weather" in made
        assert made.endswith(f"{shown}.")


def test_closing_shortens_a_long_result_at_a_word() -> None:
    made = closing(random.Random(1), [("search", "alpha beta " * 200)])
    assert len(made) < 200
    assert made.endswith(("alpha…", "beta…"))


def test_closing_without_results_or_output_still_reads_well() -> None:
    assert closing(random.Random(1), [])
    assert closing(random.Random(1), [("", "")]) == "The call of the tool gave no output."


def test_closing_keeps_the_end_of_a_sentence() -> None:
    assert closing(random.Random(1), [("ask", "Really?")]).endswith("Really?")


@pytest.mark.parametrize(
    ("count", "end"),
    [(3, "three."), (4, "There is 1 more result."), (6, "There are 3 more results.")],
)
def test_closing_shows_three_results_and_counts_the_rest(count: int, end: str) -> None:
    results = [("tool", word) for word in ("one", "two", "three", "four", "five", "six")[:count]]
    assert closing(random.Random(2), results).endswith(end)


def test_closing_is_deterministic() -> None:
    results = [("a", "x"), ("", "y")]
    assert closing(random.Random(5), results) == closing(random.Random(5), results)


def test_every_kind_has_a_first_guess() -> None:
    assert {*text._TOKENS_PER_SENTENCE, "echo"} == set(KINDS)
