"""Errors in Langdock's words: flat, or of OpenAI's form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conformance.asgi import app_of
from tests.dialects.langdock.talk import CHAT, chat, exchange, golden, hello, message, send

OPENAI: dict[str, Any] = {"langdock": {"errors": "openai"}}


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        ("rate_limit", 429, "Rate limit for public API exceeded"),
        ("tokens_limit", 429, "Rate limit for public API exceeded"),
        ("request_too_large", 429, "Rate limit for public API exceeded"),
        ("auth", 401, "The provided API key is invalid."),
        ("server_error", 500, "Internal Server Error"),
        (502, 502, "Bad Gateway"),
        (429, 429, "Rate limit for public API exceeded"),
        ("timeout", 408, "Request timed out."),
    ],
)
def test_the_words_are_those_of_the_vendors_specification_where_it_has_any(
    error: str | int, status: int, words: str
) -> None:
    answer = chat(app_of({"reply": {"error": error}}), hello())
    assert answer.status == status
    assert answer.body == f'{{"message":"{words}"}}'.encode()


def test_what_a_scenario_says_itself_wins() -> None:
    scripted = {"error": "rate_limit", "message": "Slow down, ${model}."}
    assert message(chat(app_of({"reply": scripted}), hello("gpt-4o"))) == "Slow down, gpt-4o."


def test_openais_form_has_the_same_words() -> None:
    answer = chat(app_of({"reply": {"error": "rate_limit"}}, **OPENAI), hello())
    assert answer.status == 429
    assert answer.body == (
        b'{\n  "error": {\n    "message": "Rate limit for public API exceeded",\n'
        b'    "type": "requests",\n    "param": null,\n    "code": "rate_limit_exceeded"\n  }\n}'
    )


@pytest.mark.parametrize("setting", [{}, OPENAI], ids=["flat", "openai"])
def test_every_refusal_is_of_the_chosen_form(setting: dict[str, Any]) -> None:
    app = app_of(max_body=1000, **setting)
    refused = [
        chat(app, hello(temperature=3)),
        chat(app, hello(), "/openai/fr/v1/models"),
        chat(app, hello(), "/openai/eu/v1/nothing"),
        send(app, "PUT", "/openai/eu/v1/models"),
        chat(app, hello(), headers={"origin": "https://example.com"}),
        chat(app, b" " * 1001),
        chat(app, b"{"),
    ]
    assert [each.status for each in refused] == [400, 400, 404, 405, 403, 413, 400]
    for each in refused:
        assert list(each.json()) == (["error"] if setting else ["message"])


@pytest.mark.parametrize(
    ("name", "status", "settings", "body"),
    [
        ("unknown-model", 404, {"models": ["gpt-4o"]}, hello("gpt-9")),
        ("missing-model", 400, {}, {"messages": []}),
        ("missing-messages", 400, {}, {"model": "gpt-4o"}),
        ("empty-messages", 400, {}, {"model": "gpt-4o", "messages": []}),
        ("out-of-range", 400, {}, hello(temperature=2.1)),
        ("unknown-argument", 400, {}, hello(top_k=5)),
        ("bad-json", 400, {}, b'{"model": '),
    ],
)
def test_what_the_backend_refuses_is_told_in_openais_words(
    name: str, status: int, settings: dict[str, Any], body: Any
) -> None:
    answer = chat(app_of(**settings), body)
    assert (answer.status, answer.body) == (status, golden(f"errors/{name}.json"))


def test_content_types_bodies_and_contexts_have_their_golden_files() -> None:
    typed = chat(app_of(), hello(), headers={"content-type": "text/plain"})
    assert (typed.status, typed.body) == (415, golden("errors/content-type.json"))
    large = chat(app_of(max_body=1000), b" " * 1001)
    assert (large.status, large.body) == (413, golden("errors/too-large.json"))
    scripted = app_of({"reply": {"error": "context_length"}})
    long = chat(scripted, hello("gpt-4"))
    assert (long.status, long.body) == (400, golden("errors/context-length.json"))


def test_an_author_who_says_when_to_come_back_is_heard() -> None:
    scripted = {"error": "rate_limit", "retry_after": "2s", "should_retry": True}
    headers = chat(app_of({"reply": scripted}), hello()).headers
    assert {"retry-after", "retry-after-ms", "x-should-retry"} <= set(headers)


@pytest.mark.parametrize(
    ("setting", "event"),
    [
        ({}, b'{"message":"Internal Server Error"}'),
        (
            OPENAI,
            (
                b'{"error": {"message": "Internal Server Error","type": "server_error",'
                b'"param": null,"code": null}}'
            ),
        ),
    ],
    ids=["flat", "openai"],
)
def test_an_error_in_the_middle_of_a_stream_has_the_same_form(
    setting: dict[str, Any], event: bytes
) -> None:
    reply = {"text": "one two three", "faults": [{"type": "error_event", "after": {"chunks": 2}}]}
    body = json.dumps(hello(stream=True)).encode()
    answer = exchange(app_of({"reply": reply}, **setting), "POST", CHAT, body, {})
    assert answer.status == 200
    last = answer.body.removesuffix(b"\n\n").rpartition(b"\n\n")[2]
    assert last == b"data: " + event
