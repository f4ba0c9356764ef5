"""LangDB's error bodies: an object with one text, plain text, or a code and a message."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockdock.dialects.base import Call
from mockdock.dialects.langdb.failures import (
    body,
    enterprise,
    is_text,
    misroute,
    oversize,
    status,
)
from mockdock.dialects.openai import failures as openai
from mockdock.reply import Failure

LIMITED = b"API call limit exceeded"


@pytest.mark.parametrize(
    ("failure", "code", "told"),
    [
        (Failure("quota"), 400, "Token usage limit exceeded"),
        (Failure("model_not_found", "x"), 500, "Model x not found"),
        (Failure("not_found", what="thread"), 404, "Thread not found"),
        (Failure("not_found"), 404, "Not Found"),
        (Failure("auth"), 401, "Unauthorized"),
        (Failure("missing_key"), 401, "Unauthorized"),
        (Failure("permission"), 403, "Forbidden"),
        (Failure("permission", message="Project p not found"), 403, "Project p not found"),
        (Failure("bad_request", message="No."), 400, "No."),
        (Failure("auth", status=401), 401, "Unauthorized"),
        (Failure("quota", message="Mine"), 400, "Mine"),
    ],
)
def test_a_failure_is_one_text(failure: Failure, code: int, told: str) -> None:
    assert status(failure) == code
    assert json.loads(body(None, failure)) == {"error": told}
    assert not is_text(None, failure)


@pytest.mark.parametrize("kind", ["server_error", "overloaded", "context_length", "timeout"])
def test_what_a_provider_refuses_is_told_in_its_words(kind: Any) -> None:
    failure = Failure(kind, limit=8, used=9)
    told = openai.tell(failure)
    assert status(failure) == told.status
    assert json.loads(body(None, failure)) == {"error": told.message}


@pytest.mark.parametrize("kind", ["rate_limit", "tokens_limit", "request_too_large"])
def test_a_limit_is_plain_text(kind: Any) -> None:
    assert (status(Failure(kind)), body(None, Failure(kind))) == (429, LIMITED)
    assert body(None, Failure(kind, message="Slow \udcff")) == "Slow \udcff".encode(
        "utf-8", "surrogatepass"
    )
    other = Failure(kind, status=503)
    assert not is_text(None, other)
    assert list(json.loads(body(None, other))) == ["error"]


def test_another_status_has_openais_words() -> None:
    failure = Failure("auth", status=418)
    assert json.loads(body(None, failure)) == {"error": openai.tell(failure).message}


def test_enterprises_are_told_a_code_and_a_message() -> None:
    failure = enterprise(404, "Project p not found")
    assert status(failure) == 404
    assert body(None, failure) == b'{"code":404,"message":"Project p not found"}'


def test_a_path_and_a_method_that_do_not_exist() -> None:
    call = Call("", "DELETE", "/threads", {}, {}, b"", "http://localhost")
    nowhere = misroute(call, frozenset())
    assert (status(nowhere), nowhere.kind) == (404, "invalid_url")
    assert json.loads(body(None, nowhere)) == {"error": "Not Found: DELETE /threads"}
    wrong = misroute(call, frozenset({"POST", "GET"}))
    assert (status(wrong), wrong.headers) == (405, {"allow": "GET, POST"})
    told = "Method Not Allowed: DELETE /threads, which takes GET, POST"
    assert json.loads(body(None, wrong)) == {"error": told}


def test_a_body_that_is_too_large_is_refused_as_openai_does() -> None:
    assert oversize(7) == openai.oversize(7)
