"""Who asks: key, session and attempt, read off the headers before any body."""

from __future__ import annotations

import pytest

from mockdock.dialects import DIALECTS, caller
from mockdock.dialects.openai import openai
from mockdock.dialects.openai.parse import parse
from mockdock.request import Caller, Request
from tests.dialects.openai.calls import call, small


def test_nobody_in_particular_asks_where_no_header_says_so() -> None:
    assert openai.caller({}) == Caller() == Caller("", "", None)


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ("Bearer sk-abc", "sk-abc"),
        ("bearer sk-abc", "sk-abc"),
        ("Bearer   sk-abc ", "sk-abc"),
        ("Bearer", ""),
        ("Bearer ", ""),
        ("", ""),
    ],
)
def test_the_key_is_a_bearer_token(sent: str, key: str) -> None:
    assert openai.caller({"authorization": sent}).key == key


@pytest.mark.parametrize(
    ("headers", "session"),
    [
        ({"x-mockdock-session": "mine"}, "mine"),
        ({"authorization": "Bearer sk-mockdock-one"}, "sk-mockdock-one"),
        ({"authorization": "Bearer sk-mockdock-one", "x-mockdock-session": "mine"}, "mine"),
        ({"authorization": "Bearer sk-mockdock-one", "x-mockdock-session": ""}, "sk-mockdock-one"),
        ({"authorization": "Bearer sk-other"}, ""),
        ({"authorization": "Bearer SK-MOCKDOCK-one"}, ""),
    ],
)
def test_the_session_is_named_by_its_header_else_by_a_key_made_for_it(
    headers: dict[str, str], session: str
) -> None:
    assert openai.caller(headers).session == session


@pytest.mark.parametrize(
    ("retries", "attempt"),
    [
        ("0", 1),
        ("2", 3),
        ("999999", 1_000_000),
        ("1000000", None),
        ("9" * 5000, None),
        ("-1", None),
        ("1.0", None),
        ("two", None),
        ("²", None),
        ("٣", None),
        ("", None),
    ],
)
def test_the_attempt_is_one_more_than_the_retries_an_sdk_tells(
    retries: str, attempt: int | None
) -> None:
    assert openai.caller({"x-stainless-retry-count": retries}).attempt == attempt


def test_any_dialect_reads_session_and_attempt_the_same_way() -> None:
    headers = {"x-stainless-retry-count": "1", "authorization": "Bearer not-asked"}
    assert caller(headers, "sk-mockdock-x") == Caller("sk-mockdock-x", "sk-mockdock-x", 2)


def test_the_caller_of_a_call_is_the_caller_of_its_request() -> None:
    who = Caller("key", "session", 2)
    chat = call(small(), caller=who)
    assert chat.caller == who
    for each in (
        chat,
        call(small(n=0), caller=who, lenient=True),
        call(b"", caller=who, operation="models.list"),
        call(b"", caller=who, operation="models.retrieve", params={"model": "m"}),
    ):
        request = parse(each)
        assert isinstance(request, Request)
        assert request.caller == who


def test_base_urls_end_with_the_path_all_routes_begin_with() -> None:
    assert openai.base_path == "/v1"
    for dialect in DIALECTS:
        assert all(route.path.startswith(f"{dialect.base_path}/") for route in dialect.routes)
