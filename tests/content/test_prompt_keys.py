"""Keys that a prompt asks for in words."""

from __future__ import annotations

import pytest

from mockdock.content.prompt_keys import find_keys


@pytest.mark.parametrize(
    ("prompt", "keys"),
    [
        ("Tell a joke. Return JSON with 'setup' and 'punchline' keys.", ["setup", "punchline"]),
        ('Answer as JSON. It has the fields "a", "b_c" and `d-e`.', ["a", "b_c", "d-e"]),
        ("The property 'name' is a text; the attribute 'age' too", ["name", "age"]),
        ("Fields: 'x', 'x', 'y'", ["x", "y"]),
    ],
)
def test_quoted_words_beside_the_word_keys_are_keys(prompt: str, keys: list[str]) -> None:
    found = find_keys(prompt)
    assert found is not None
    assert found["required"] == list(found["properties"]) == keys


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "Say 'hello' in JSON.",
        "Which keys does a piano have?",
        "It's a key that doesn't open.",
        "keys: 'two words', ''",
    ],
)
def test_other_prompts_name_no_keys(prompt: str) -> None:
    assert find_keys(prompt) is None


def test_a_hostile_prompt_is_read_in_bounds() -> None:
    names = " ".join(f"'k{number}'" for number in range(100_000))
    found = find_keys(f"keys {names}")
    assert found is not None
    assert len(found["required"]) == 50
