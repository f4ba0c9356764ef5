"""Who asks: key, session and attempt, as any dialect reads them off the headers."""

from __future__ import annotations

import pytest

from mockdock.dialects import DIALECTS, Dialect, caller
from mockdock.dialects.openai.caller import caller as openai_caller
from mockdock.request import Caller


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.mark.parametrize(
    ("headers", "key", "session"),
    [
        ({}, "", ""),
        ({}, "sk-proj-real", ""),
        ({}, "sk-mockdock-a1", "sk-mockdock-a1"),
        ({}, "my-sk-mockdock-a1", ""),
        ({}, "SK-MOCKDOCK-a1", ""),
        ({"x-mockdock-session": "mine"}, "", "mine"),
        ({"x-mockdock-session": "mine"}, "sk-proj-real", "mine"),
        ({"x-mockdock-session": ""}, "", ""),
        ({"x-mockdock-session": ""}, "sk-mockdock-a1", "sk-mockdock-a1"),
        ({"x-mockdock-session": "mine"}, "sk-mockdock-a1", "mine"),
        ({"authorization": "Bearer sk-mockdock-b2"}, "sk-mockdock-a1", "sk-mockdock-a1"),
    ],
)
def test_session_is_named_by_header_then_by_key_else_shared(
    headers: dict[str, str], key: str, session: str
) -> None:
    assert caller(headers, key) == Caller(key, session)


@pytest.mark.parametrize(
    ("sent", "attempt"),
    [("0", 1), ("1", 2), ("02", 3), ("999999", 1_000_000)],
)
def test_retry_count_tells_the_attempt_from_one(sent: str, attempt: int) -> None:
    headers = {"x-stainless-retry-count": sent}
    assert caller(headers, "").attempt == openai_caller(headers).attempt == attempt


@pytest.mark.parametrize(
    "sent", ["", " ", "-1", "+1", "1.0", "two", "1_0", "²", "٣", "9" * 5000, "1000000"]
)
def test_odd_retry_counts_are_as_good_as_none(sent: str) -> None:
    headers = {"x-stainless-retry-count": sent}
    assert (caller(headers, "").attempt, openai_caller(headers).attempt) == (None, None)


def test_no_retry_count_tells_nothing() -> None:
    assert openai_caller({"user-agent": "curl"}) == Caller()


@pytest.mark.parametrize(
    ("authorization", "key"),
    [
        ("", ""),
        ("Bearer", ""),
        ("Bearer ", ""),
        ("Bearer   ", ""),
        ("Bearer sk-abc", "sk-abc"),
        ("bearer sk-abc", "sk-abc"),
        ("Bearer   sk-abc ", "sk-abc"),
        ("Bearer café", "café"),
        ("sk-abc", ""),
    ],
)
def test_openai_keys_come_as_a_bearer_token(authorization: str, key: str) -> None:
    assert openai_caller({"authorization": authorization}).key == key


@pytest.mark.parametrize(
    ("headers", "session"),
    [
        ({}, ""),
        (bearer("sk-proj-real"), ""),
        (bearer(""), ""),
        (bearer("sk-mockdock-a1"), "sk-mockdock-a1"),
        (bearer("  sk-mockdock-a1 "), "sk-mockdock-a1"),
        (bearer("my-sk-mockdock-a1"), ""),
        ({"x-mockdock-session": "mine"}, "mine"),
        ({"x-mockdock-session": "mine", **bearer("sk-mockdock-a1")}, "mine"),
    ],
)
def test_an_openai_client_names_its_session_by_header_or_key(
    headers: dict[str, str], session: str
) -> None:
    assert openai_caller(headers).session == session


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_every_dialect_reads_the_session_and_the_attempt(
    dialect: Dialect,
) -> None:
    """They are mockdock's and the SDKs' own headers, the same for every wire API."""
    told = dialect.caller({"x-mockdock-session": "mine", "x-stainless-retry-count": "1"})
    assert told == Caller("", "mine", 2)
