"""Status and headers: who answered, and on which thread."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.dialects.base import Envelope
from mockdock.dialects.langdb.head import head
from mockdock.embedding import Embeddings, ToEmbed
from mockdock.question import Account, ListModels
from mockdock.reply import Completion, Failure, ModelList, Reply
from mockdock.request import Request
from mockdock.usage import Usage

ID = "0123456789abcdef0123456789abcdef"
TRACE = "01234567-89ab-cdef-0123-456789abcdef"
ACCOUNT = Account("p", "t", provider="openai", model="gpt-4o")
CHAT = Request("langdb", "chat", "openai/gpt-4o", account=ACCOUNT)
STREAM = Request("langdb", "chat", "openai/gpt-4o", account=ACCOUNT, stream=True)
JSON = {"content-type": "application/json", "content-length": "42"}
ANSWERED = {
    "x-trace-id": TRACE,
    "x-model-name": "openai/gpt-4o",
    "x-provider-name": "openai",
    "x-thread-id": "t",
}


def headers(
    reply: Reply, request: Request | None = CHAT, extra: dict[str, str] | None = None
) -> dict[str, str]:
    """Give the headers of a reply."""
    told = head(request, reply, Envelope(ID, 366, 42, extra or {})).headers
    return {name.decode("ascii"): value.decode("ascii") for name, value in told}


def completion(**more: Any) -> Completion:
    """Make an answer without words."""
    return Completion("x" * 29, 1, "openai/gpt-4o", (), Usage(1, 0, 1), **more)


def test_an_answer_tells_who_gave_it() -> None:
    assert headers(completion()) == {**JSON, **ANSWERED}


def test_a_stream_has_its_type_and_no_length() -> None:
    assert headers(completion(), STREAM) == {"content-type": "text/event-stream", **ANSWERED}


def test_embeddings_are_on_no_thread() -> None:
    request = Request("langdb", "embeddings", "m", account=ACCOUNT, embedding=ToEmbed(("a",), 2))
    told = headers(Embeddings((), "m", Usage(1, 0, 1), headers={"x-mine": "1"}), request)
    answered = {"x-model-name": "m", "x-provider-name": "openai"}
    assert told == {**JSON, **answered, "x-mine": "1"}


def test_an_answer_about_an_account_tells_nothing_more() -> None:
    asks = Request("langdb", "models", account=Account("p", question=ListModels()))
    for request in (asks, None, Request("langdb", "models")):
        assert headers(ModelList(()), request) == JSON


def test_a_failure_says_when_to_come_back_and_not_who_failed() -> None:
    told = headers(Failure("rate_limit", retry_after=1.5))
    text = {"content-type": "text/plain; charset=utf-8", "content-length": "42"}
    assert told == {**text, "retry-after": "2", "retry-after-ms": "1500"}
    assert headers(Failure("server_error"), STREAM) == JSON
    assert head(CHAT, Failure("quota"), Envelope(ID, 0, 1, {})).status == 400


def test_own_headers_win_over_the_usual_ones() -> None:
    own = {"X-Provider-Name": "moon", "x-mine": "1"}
    told = headers(completion(headers=own), extra={"x-mockdock-rule": "r"})
    assert told["x-provider-name"] == "moon"
    assert (told["x-mine"], told["x-mockdock-rule"]) == ("1", "r")


@pytest.mark.parametrize("name", ["a\r\nset-cookie: b", "für", "x" * 5000, "\ud800"])
def test_odd_names_fit_into_a_header(name: str) -> None:
    request = Request("langdb", "chat", name, account=Account("p", name, provider=name))
    told = headers(completion(), request)
    for header in ("x-model-name", "x-provider-name", "x-thread-id"):
        assert told[header].isprintable()
        assert "\n" not in told[header]
