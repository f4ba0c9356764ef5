"""Every refusal of the table, in process: plainly, and where a stream was asked for."""

from __future__ import annotations

import json
import re
import uuid
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from mockdock.app import App
from tests.conformance.asgi import Answer, app_of, ask
from tests.conformance.errors import ACCEPTED, CHAT, REFUSED, Refused, chat

HEADERS = {"host": "localhost", "content-type": "application/json", "authorization": "Bearer sk-x"}

each_row = pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.name)


@cache
def application(settings: str) -> App:
    """Make an application once for all rows with these settings."""
    chosen: dict[str, Any] = json.loads(settings)
    return app_of(*chosen.pop("rules", ()), **chosen)


def send(row: Refused, body: Any, validation: str = "strict") -> Answer:
    settings = {**row.settings, "validation": validation}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    app = application(json.dumps(settings))
    return ask(app, row.method, row.path, data, {**HEADERS, **row.headers})


def check(row: Refused, answer: Answer) -> None:
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()["error"]
    if row.pattern:
        assert re.fullmatch(row.message, error["message"])
    else:
        assert error["message"] == row.message
    assert answer.status == row.status
    assert (error["type"], error["param"], error["code"]) == (row.type, row.param, row.code)


def test_names_are_unique() -> None:
    names = [row.name for row in REFUSED]
    assert sorted(names) == sorted(set(names))


@each_row
def test_a_request_is_refused_in_the_services_words(row: Refused) -> None:
    check(row, send(row, row.body))


STREAMED = [row for row in REFUSED if row.stream and not isinstance(row.body, bytes)]


@pytest.mark.parametrize("row", STREAMED, ids=lambda row: row.name)
def test_a_stream_is_refused_before_it_begins(row: Refused) -> None:
    check(row, send(row, {**row.body, "stream": True}))


@each_row
def test_a_refusal_is_of_the_recorded_form(row: Refused) -> None:
    """Keys in wire order, indented by two; 401s with their own headers."""
    answer = send(row, row.body)
    keys = ["message", "type", "param", "code"]
    if row.code == "unknown_url":
        keys = ["type", "code", "message", "param"]
    assert list(answer.json()["error"]) == keys
    assert answer.body.startswith(b'{\n  "error": {\n    "')
    if row.status == 401:
        assert answer.headers["www-authenticate"] == 'Bearer realm="OpenAI API"'
        assert str(uuid.UUID(answer.headers["x-request-id"])) == answer.headers["x-request-id"]
        assert "openai-version" not in answer.headers
    else:
        assert re.fullmatch("req_[0-9a-f]{32}", answer.headers["x-request-id"])


LENIENT = [
    row for row in REFUSED if row.path == CHAT and row.status == 400 and row.name != "bad JSON"
]


@pytest.mark.parametrize("row", LENIENT, ids=lambda row: row.name)
def test_lenient_validation_refuses_none_of_it(row: Refused) -> None:
    assert send(row, row.body, "lenient").status == 200


@pytest.mark.parametrize("body", ACCEPTED.values(), ids=ACCEPTED)
def test_what_the_service_takes_is_taken(body: Any) -> None:
    app = application("{}")
    for stream in (False, True):
        sent = {**body, "stream": True} if stream else body
        answer = ask(app, "POST", CHAT, json.dumps(sent).encode(), HEADERS)
        assert answer.status == 200, answer.body


@pytest.mark.parametrize(
    "authorization", ["Bearer sk-right", "bearer   sk-right ", "Basic OnNrLXJpZ2h0"]
)
def test_a_key_is_taken_as_a_token_or_as_a_password(authorization: str) -> None:
    app = app_of(auth={"keys": ["sk-right"]})
    headers = {**HEADERS, "authorization": authorization}
    assert ask(app, "POST", CHAT, json.dumps(chat()).encode(), headers).status == 200


ORDER: list[tuple[str, dict[str, Any], str | None]] = [
    ("a model comes before an unknown argument", {"top_k": 1}, None),
    ("an unknown argument before a wrong type", {"model": "gpt-4o", "top_k": 1, "n": "x"}, None),
    ("a wrong type before an unknown model", chat("x", n="x"), "n"),
    ("an unknown model before what contradicts", chat("x", top_logprobs=1), None),
    (
        "a refused value before missing content",
        chat("o3", temperature=0, messages=[{"role": "user"}]),
        "temperature",
    ),
    ("a refused parameter before a refused value", chat("gpt-5", stop="x", temperature=0), "stop"),
    ("what contradicts before what does not fit", chat("tiny", top_logprobs=1), "top_logprobs"),
]


@pytest.mark.parametrize(("why", "body", "param"), ORDER, ids=[row[0] for row in ORDER])
def test_of_two_faults_the_first_in_the_services_order_is_told(
    why: str, body: dict[str, Any], param: str | None
) -> None:
    models = ["gpt-4o", "gpt-5", "o3", {"id": "tiny", "context_window": 1}]
    app = app_of(models=models)
    error = ask(app, "POST", CHAT, json.dumps(body).encode(), HEADERS).json()["error"]
    assert error["param"] == param, error


FIELDS = (
    "messages functions tools parallel_tool_calls max_completion_tokens n temperature top_p "
    "presence_penalty frequency_penalty logprobs top_logprobs user seed safety_identifier "
    "prompt_cache_key prompt_cache_retention service_tier stream store metadata verbosity"
)
"""The order in which wrong types were told by the live API, field after field."""


def test_of_wrong_types_the_first_field_is_told() -> None:
    names = FIELDS.split()
    app = application("{}")
    for earlier, later in pairwise(names):
        body = {**chat(), later: [[]], earlier: [[]]}
        error = ask(app, "POST", CHAT, json.dumps(body).encode(), HEADERS).json()["error"]
        assert error["param"].partition("[")[0] == earlier
