"""Azure's two ways to send a key."""

from __future__ import annotations

import pytest

from mockdock.dialects.azure import azure

KEY = "sk-mockdock-a1"


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({}, ""),
        ({"api-key": "abc"}, "abc"),
        ({"api-key": " abc "}, "abc"),
        ({"authorization": "Bearer abc"}, "abc"),
        ({"api-key": "abc", "authorization": "Bearer def"}, "abc"),
        ({"api-key": "", "authorization": "Bearer def"}, "def"),
        ({"authorization": "abc"}, ""),
    ],
)
def test_a_key_comes_in_a_header_of_its_own_or_as_a_token(
    headers: dict[str, str], key: str
) -> None:
    assert azure.caller(headers).key == key


def test_either_names_the_session() -> None:
    assert azure.caller({"api-key": KEY}).session == KEY
    assert azure.caller({"authorization": f"Bearer {KEY}"}).session == KEY
    told = azure.caller({"api-key": KEY, "x-mockdock-session": "mine"})
    assert (told.key, told.session) == (KEY, "mine")
