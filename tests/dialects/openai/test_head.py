"""Status and headers, as recorded from api.openai.com."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mockdock.dialects.base import Envelope
from mockdock.dialects.openai.head import head
from mockdock.reply import Choice, Completion, Failure, ModelCard, ModelList, Reply, Usage
from mockdock.request import Request

ID = "0123456789abcdef0123456789abcdef"
PLAIN = Request("openai", "chat", "gpt-4o")
STREAM = Request("openai", "chat", "gpt-4o", stream=True)


def completion(**more: Any) -> Completion:
    """Make an answer without words."""
    choice = Choice(0, (), None, (), "stop")
    return Completion("x" * 29, 1, "gpt-4o", (choice,), Usage(1, 0, 1), **more)


def headers(
    reply: Reply, request: Request | None = PLAIN, scale: float = 1.0, **extra: str
) -> dict[str, str]:
    """Give the headers of a reply, each name once."""
    envelope = Envelope(ID, 366, 42, extra, scale)
    pairs = head(request, reply, envelope).headers
    names = [name for name, _ in pairs]
    assert names == [name.lower() for name in names]
    assert len(names) == len(set(names))
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}


SERVED = {
    "access-control-expose-headers": "X-Request-ID",
    "openai-organization": "mockdock",
    "openai-processing-ms": "366",
    "openai-project": "proj_mockdock",
    "openai-version": "2020-10-01",
    "x-content-type-options": "nosniff",
    "x-openai-proxy-wasm": "v0.1",
    "x-request-id": f"req_{ID}",
}


@pytest.mark.parametrize(
    "reply", [completion(), ModelCard("m", 1, "o"), ModelList(()), Failure("quota")]
)
def test_json_replies_carry_the_recorded_headers(reply: Reply) -> None:
    assert headers(reply) == {
        **SERVED,
        "content-type": "application/json",
        "content-length": "42",
    }


def test_a_stream_has_its_type_and_no_length() -> None:
    assert headers(completion(), STREAM) == {
        **SERVED,
        "content-type": "text/event-stream; charset=utf-8",
    }


def test_a_failure_is_json_also_where_a_stream_was_asked() -> None:
    told = headers(Failure("rate_limit"), STREAM)
    assert (told["content-type"], told["content-length"]) == ("application/json", "42")


@pytest.mark.parametrize("kind", ["auth", "missing_key"])
def test_a_401_says_how_to_sign_in_and_little_else(kind: Any) -> None:
    assert headers(Failure(kind), None) == {
        "content-type": "application/json",
        "content-length": "42",
        "www-authenticate": 'Bearer realm="OpenAI API"',
        "x-request-id": "01234567-89ab-cdef-0123-456789abcdef",
    }


def test_the_edge_says_little_too() -> None:
    assert headers(Failure("unknown_url"), None) == {
        "content-type": "application/json",
        "content-length": "42",
        "x-request-id": f"req_{ID}",
    }


def test_the_status_is_200_or_that_of_the_failure() -> None:
    envelope = Envelope(ID, 0, 0, {})
    assert head(PLAIN, completion(), envelope).status == 200
    assert head(None, Failure("unknown_url"), envelope).status == 404
    assert head(PLAIN, Failure("server_error", status=529), envelope).status == 529


@pytest.mark.parametrize(
    ("wanted", "scale", "seconds", "milliseconds"),
    [
        (20.0, 1.0, "20", "20000"),
        (1.2, 1.0, "2", "1200"),
        (0.644, 1.0, "0.644", "644"),
        (0.28, 1.0, "0.28", "280"),
        (20.0, 0.01, "0.2", "200"),
        (35.0, 0.01, "0.35", "350"),
        (300.0, 0.07, "21", "21000"),
        (20.0, 0.0, "0.001", "1"),
        (0.0, 1.0, "0.001", "1"),
        (0.00001, 1.0, "0.001", "1"),
        (86400.0, 1.0, "86400", "86400000"),
    ],
)
def test_a_retry_is_asked_for_in_real_time(
    wanted: float, scale: float, seconds: str, milliseconds: str
) -> None:
    """At least a millisecond, since SDKs ignore 0; whole seconds from one second on."""
    told = headers(Failure("rate_limit", retry_after=wanted), scale=scale)
    assert (told["retry-after"], told["retry-after-ms"]) == (seconds, milliseconds)


def test_nothing_is_said_of_a_retry_unless_set() -> None:
    assert not [name for name in headers(Failure("rate_limit")) if "retry" in name]


@pytest.mark.parametrize(("wanted", "told"), [(True, "true"), (False, "false")])
def test_clients_are_told_whether_to_retry(wanted: bool, told: str) -> None:
    assert headers(Failure("quota", should_retry=wanted))["x-should-retry"] == told


def test_own_headers_replace_the_usual_ones() -> None:
    own = {"OpenAI-Version": "2030-01-01", "x-new": "é"}
    for reply in (completion(headers=own), Failure("quota", headers=own)):
        told = headers(reply, PLAIN, 1.0, **{"x-mockdock-rule": "r"})
        assert (told["openai-version"], told["x-new"]) == ("2030-01-01", "é")
        assert told["x-mockdock-rule"] == "r"
        assert told["x-request-id"] == f"req_{ID}"


def test_a_scripted_header_wins_over_ours() -> None:
    own = {"x-mockdock-rule": "mine"}
    for reply in (completion(headers=own), Failure("quota", headers=own)):
        assert headers(reply, PLAIN, 1.0, **{"x-mockdock-rule": "r"}) == {
            **headers(reply, PLAIN),
            "x-mockdock-rule": "mine",
        }


def test_a_scripted_header_wins_over_the_retry_of_the_failure() -> None:
    failure = Failure("rate_limit", retry_after=20, headers={"retry-after": "soon"})
    assert headers(failure)["retry-after"] == "soon"


def test_the_request_id_has_the_recorded_form() -> None:
    assert re.fullmatch(r"req_[0-9a-f]{32}", headers(completion())["x-request-id"])
