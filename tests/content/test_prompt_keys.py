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
        ('fields "title" and "year": The movie "Alien" from 1979', ["title", "year"]),
        ("Use 'a' and 'b' as keys for 'Bob'", ["a", "b"]),
    ],
)
def test_quoted_words_beside_the_word_keys_are_keys(prompt: str, keys: list[str]) -> None:
    found = find_keys(prompt)
    assert found is not None
    assert found.schema["required"] == list(found.schema["properties"]) == keys


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "Say 'hello' in JSON.",
        "Which keys does a piano have?",
        "It's a key that doesn't open.",
        "keys: 'two words', ''",
        "The movie 'Alien' has many fields of grass",
    ],
)
def test_other_prompts_name_no_keys(prompt: str) -> None:
    assert find_keys(prompt) is None


def test_keys_are_typed_by_their_names_and_offer_nothing_themselves() -> None:
    found = find_keys("""Return JSON with the keys "city", 'days' and `price` for "Rome" """)
    assert found is not None
    types = {name: about["type"] for name, about in found.schema["properties"].items()}
    assert types == {"city": "string", "days": "integer", "price": "number"}
    assert found.rest == 'Return JSON with the keys city, days and price for "Rome" '


def test_a_hostile_prompt_is_read_in_bounds() -> None:
    names = ", ".join(f"'k{number}'" for number in range(100_000))
    found = find_keys(f"keys {names}")
    assert found is not None
    assert len(found.schema["required"]) == 50
