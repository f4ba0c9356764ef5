"""Who asks: bearer keys and no others."""

from __future__ import annotations

import pytest

from mockdock.dialects.langdock.caller import caller
from mockdock.request import Caller
from tests.conformance.asgi import app_of
from tests.dialects.langdock.talk import chat, golden, hello


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("Bearer sk-ld-one", "sk-ld-one"),
        ("bearer  sk-ld-one ", "sk-ld-one"),
        ("Basic OnNrLWxkLW9uZQ==", ""),
        ("sk-ld-one", ""),
        ("", ""),
    ],
)
def test_a_key_is_a_bearer_token(header: str, key: str) -> None:
    assert caller({"authorization": header}) == Caller(key)


def test_there_is_no_header_of_azure() -> None:
    assert caller({"api-key": "sk-ld-one"}) == Caller()


def test_a_session_and_an_attempt_are_told_as_in_every_dialect() -> None:
    found = caller({"authorization": "Bearer sk-mockdock-a", "x-stainless-retry-count": "1"})
    assert found == Caller("sk-mockdock-a", "sk-mockdock-a", 2)


def test_keys_are_checked_where_the_scenario_wants_it() -> None:
    assert chat(app_of(), hello(), headers={"authorization": ""}).status == 200
    app = app_of(auth={"keys": ["sk-ld-right"]})
    missing = chat(app, hello(), headers={"authorization": ""})
    wrong = chat(app, hello(), headers={"authorization": "Bearer sk-ld-wrong"})
    assert (missing.status, wrong.status) == (401, 401)
    assert missing.body == golden("errors/missing-key.json")
    assert wrong.body == golden("errors/incorrect-key.json")
    assert chat(app, hello(), headers={"authorization": "Bearer sk-ld-right"}).status == 200
