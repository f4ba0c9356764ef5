"""Azure's error bodies, byte for byte as they were recorded and pasted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockdock import resources
from mockdock.dialects.azure.failures import body, misroute, nowhere, oversize, status
from mockdock.dialects.base import Call
from mockdock.dialects.openai import failures as openai
from mockdock.reply import Failure
from mockdock.request import Request

CHAT = Request("azure", "chat", "gpt-4o", version="2024-02-01")
GOLDEN = resources.fixtures() / "azure" / "errors"


def error(failure: Failure, request: Request | None = CHAT) -> dict[str, Any]:
    """Give the error object."""
    found: dict[str, Any] = json.loads(body(request, failure))["error"]
    return found


@pytest.mark.parametrize(
    ("failure", "code", "golden"),
    [
        (Failure("auth", key="sk-secret"), 401, "incorrect-key"),
        (Failure("missing_key"), 401, "missing-key"),
        (Failure("permission"), 403, "firewall"),
        (Failure("model_not_found", "x"), 404, "unknown-model"),
        (Failure("not_found", "x"), 404, "unknown-model"),
        (nowhere(), 404, "resource-not-found"),
        (Failure("timeout"), 408, "timeout"),
        (Failure("content_filter"), 400, "content-filter"),
        (Failure("quota"), 429, "quota"),
        (Failure("server_error"), 500, "server-error"),
        (Failure("overloaded"), 503, "overloaded"),
    ],
)
def test_the_body_of_a_failure(failure: Failure, code: int, golden: str) -> None:
    assert status(failure) == code
    assert body(None, failure) == (GOLDEN / f"{golden}.json").read_bytes()


def test_some_of_them_are_as_long_as_the_recorded_content_lengths() -> None:
    """224 bytes of the 401, 90 of the 403, and 307 of a completion by a model that chats."""
    assert len(body(None, Failure("auth"))) == 224
    assert len(body(None, Failure("permission"))) == 90
    assert len(body(None, Failure("wrong_model", "gpt-35-turbo-16k", what="completions"))) == 307


@pytest.mark.parametrize(
    ("kind", "what"),
    [("rate_limit", "call"), ("tokens_limit", "token"), ("request_too_large", "token")],
)
@pytest.mark.parametrize(
    ("wait", "told"),
    [
        (None, "60 seconds"),
        (0.0, "1 second"),
        (0.644, "1 second"),
        (1.2, "2 seconds"),
        (86400.0, "86400 seconds"),
    ],
)
def test_a_limit_is_told_in_whole_seconds(
    kind: Any, what: str, wait: float | None, told: str
) -> None:
    assert error(Failure(kind, retry_after=wait)) == {
        "code": "429",
        "message": (
            "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version "
            f"2024-02-01 have exceeded {what} rate limit of your current OpenAI S0 pricing tier. "
            f"Please retry after {told}. Please go here: https://aka.ms/oai/quotaincrease if you "
            "would like to further increase the default rate limit."
        ),
    }


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (Request("azure", "chat"), "ChatCompletions_Create Operation under Azure OpenAI API v"),
        (
            Request("azure", "models"),
            "Models_List Operation under Azure OpenAI API version 2024-10",
        ),
        (Request("azure", "completions"), "to the Completions_Create Operation under Azure OpenAI"),
        (Request("azure", "stored"), "ChatCompletions_Create Operation under Azure OpenAI"),
        (None, "ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have"),
    ],
)
def test_a_limit_names_the_operation_and_the_version(request_: Request | None, told: str) -> None:
    assert told in error(Failure("rate_limit"), request_)["message"]


def test_what_a_failure_sets_itself_is_told() -> None:
    mine = {"message": "M", "type": "T", "param": "P", "code": "C"}
    for kind in ("auth", "content_filter", "model_not_found", "rate_limit", "quota"):
        told = error(Failure(kind, **mine))  # type: ignore[arg-type]
        assert {name: told[name] for name in mine} == mine


def test_a_status_of_its_own_is_the_code_where_that_is_a_number() -> None:
    assert error(Failure("auth", status=403))["code"] == "403"
    assert error(Failure("auth", status=403, code="mine"))["code"] == "mine"
    assert error(Failure("not_found", status=404))["code"] == "DeploymentNotFound"
    assert error(Failure("content_filter", status=422))["status"] == 422


@pytest.mark.parametrize("kind", ["no_match", "exhausted", "bad_request", "context_length"])
def test_what_the_front_door_has_no_words_for_is_told_in_openais(kind: Any) -> None:
    failure = Failure(kind, limit=8, used=9)
    assert json.loads(body(CHAT, failure)) == openai.tell(failure).body()
    assert body(CHAT, failure).startswith(b'{\n  "error": {\n    "message": "')


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/openai/chat/completions", "http://localhost/openai/v1"),
        ("/openai/", "http://localhost/openai/v1"),
        ("/openai/v1/nothing", None),
        ("/openai/deployments/x/nothing", None),
    ],
)
def test_who_is_beside_both_apis_is_told_the_newer_one(path: str, told: str | None) -> None:
    call = Call("", "GET", path, {}, {}, b"", "http://localhost")
    for methods in (frozenset[str](), frozenset({"POST"})):
        failure = misroute(call, methods)
        assert status(failure) == 404
        assert failure.headers.get("x-mockdock-base-url") == told


def test_a_large_body_is_refused_as_openai_does() -> None:
    assert oversize(10) == openai.oversize(10)


def test_a_model_that_does_not_do_what_is_asked_is_refused_with_the_operations_name() -> None:
    """As pasted in microsoft/graphrag#1557, for a chat."""
    failure = Failure("wrong_model", "text-embedding-3-small", what="chat")
    assert status(failure) == 400
    assert error(failure) == {
        "code": "OperationNotSupported",
        "message": (
            "The chatCompletion operation does not work with the specified model, "
            "text-embedding-3-small. Please choose different model and try again. You can learn "
            "more about which models can be used with each operation here: "
            "https://go.microsoft.com/fwlink/?linkid=2197993."
        ),
    }
    for what, told in {
        "embeddings": "embeddings",
        "completions": "completion",
        "chat/completions": "chatCompletion",
    }.items():
        assert error(Failure("wrong_model", "m", what=what))["message"].startswith(
            f"The {told} operation does not work with the specified model, m."
        )
    assert status(Failure("wrong_model", status=418)) == 418
