"""What LangDB's requests have beyond OpenAI's, or short of them."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.request import Request
from tests.conformance.asgi import app_of, ask
from tests.dialects.langdb.talk import Talk
from tests.observe.helpers import kept_here


def parsed(talk: Talk) -> Request:
    """Give the last request as it was understood."""
    request = kept_here(talk.app.journal.entries())[-1].exchange.request
    assert request is not None
    return request


@pytest.mark.parametrize("form", ["text", "json_object"])
def test_a_response_format_may_be_a_word(form: str) -> None:
    talk = Talk(app_of())
    sent = talk.chat("As json", response_format=form)
    assert sent.status == 200
    spelled = Talk(app_of())
    assert spelled.chat("As json", response_format={"type": form}).status == 200
    assert parsed(talk).response_format == parsed(spelled).response_format
    assert parsed(talk).body["response_format"] == form
    assert f'"response_format": "{form}"'.encode() in parsed(talk).raw


def test_another_word_is_no_format() -> None:
    answer = Talk(app_of()).chat(response_format="xml")
    assert answer.status == 400
    wanted = "Invalid value for 'response_format': 'xml', expected 'text' or 'json_object'."
    assert answer.json() == {"error": wanted}


def test_lenient_validation_takes_any_format_and_any_length() -> None:
    talk = Talk(app_of(validation="lenient"))
    assert talk.chat(response_format="xml").status == 200
    body = {"model": "text-embedding-3-large", "input": "Hi", "dimensions": 2000}
    assert talk.post("/v1/embeddings", body).status == 200


@pytest.mark.parametrize(("top", "status"), [(0, 400), (1, 200), (20, 200), (21, 400), (None, 200)])
def test_likely_tokens_are_counted_from_one(top: int | None, status: int) -> None:
    answer = Talk(app_of()).chat(logprobs=True, top_logprobs=top)
    assert answer.status == status


EXTRAS: dict[str, Any] = {
    "mcp_servers": [{"server_url": "wss://example.com", "type": "ws"}],
    "provider_specific": {"top_k": 5},
    "thinking": {"type": "enabled"},
}


@pytest.mark.parametrize("name", EXTRAS)
def test_what_is_for_a_provider_goes_on_to_it(name: str) -> None:
    talk = Talk(app_of())
    assert talk.chat(**{name: EXTRAS[name]}).status == 200
    assert parsed(talk).body[name] == EXTRAS[name]


def test_a_user_that_is_no_object_is_refused() -> None:
    answer = Talk(app_of()).chat(extra={"user": "me"})
    assert answer.status == 400
    assert answer.json() == {"error": "Invalid type for 'extra.user': expected an object."}


@pytest.mark.parametrize(("length", "status"), [(1, 200), (1536, 200), (1537, 400), (0, 400)])
def test_an_embedding_has_at_most_1536_numbers(length: int, status: int) -> None:
    """Also of a model that makes longer ones."""
    body = {"model": "text-embedding-3-large", "input": "Hi", "dimensions": length}
    answer = Talk(app_of()).post("/v1/embeddings", body)
    assert answer.status == status
    if length == 1537:
        wanted = "Invalid value for 'dimensions': 1537 is above 1536."
        assert answer.json() == {"error": wanted}
    elif status == 200:
        assert len(answer.json()["data"][0]["embedding"]) == length


def test_an_embedding_without_a_length_has_that_of_its_model() -> None:
    body = {"model": "text-embedding-3-small", "input": "Hi"}
    answer = Talk(app_of()).post("/v1/embeddings", body)
    assert len(answer.json()["data"][0]["embedding"]) == 1536


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings"])
@pytest.mark.parametrize(
    ("sent", "content_type", "status"),
    [(b"{", "application/json", 400), (b"{}", "text/plain", 415)],
)
def test_a_body_that_is_no_json(path: str, sent: bytes, content_type: str, status: int) -> None:
    headers = {"x-project-id": "p", "content-type": content_type}
    answer = ask(app_of(), "POST", path, sent, headers)
    assert answer.status == status
    if status == 400:
        assert answer.json() == {"error": "Failed to parse JSON"}
    else:
        assert answer.json()["error"].startswith("Unsupported content type: 'text/plain'.")
