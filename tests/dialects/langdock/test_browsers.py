"""Requests from browsers: blocked by their Origin, and never given CORS headers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.asgi import app_of, post
from tests.dialects.langdock.talk import CHAT, MODELS, chat, golden, hello, send

ORIGIN = {"host": "localhost", "origin": "https://example.com"}
ALLOWED: dict[str, Any] = {"langdock": {"browsers": "allowed"}}


@pytest.mark.parametrize("origin", ["https://example.com", "http://localhost:3000", "null", ""])
def test_any_origin_is_blocked(origin: str) -> None:
    answer = chat(app_of(), hello(), headers={"origin": origin})
    assert answer.status == 403
    assert answer.body == golden("errors/browser.json")


def test_all_of_the_api_is_blocked() -> None:
    """The preflight too, which is what a browser asks first."""
    app = app_of()
    assert send(app, "GET", MODELS, headers=ORIGIN).status == 403
    preflight = {**ORIGIN, "access-control-request-method": "POST"}
    for path in (CHAT, "/openai/fr/v1/models", "/api/public/nothing"):
        answer = send(app, "OPTIONS", path, headers=preflight)
        assert (answer.status, answer.body) == (403, golden("errors/browser.json"))


def test_what_node_sends_is_no_browser() -> None:
    """Its fetch says sec-fetch-mode: cors, and no Origin."""
    node = {"sec-fetch-mode": "cors", "sec-fetch-site": "cross-site", "sec-fetch-dest": "empty"}
    assert chat(app_of({"reply": "Hi"}), hello(), headers=node).status == 200


def test_a_scenario_may_allow_them_and_still_no_cors_header_is_sent() -> None:
    """So that a page of another origin sees nothing of the answer."""
    app = app_of({"reply": "Hi"}, **ALLOWED)
    answers = [
        chat(app, hello(), headers={"origin": "https://example.com"}),
        send(app, "GET", MODELS, headers=ORIGIN),
        send(app, "OPTIONS", CHAT, headers=ORIGIN),
    ]
    assert [each.status for each in answers] == [200, 200, 405]
    assert not any(name.startswith("access-control") for each in answers for name in each.headers)


def test_other_dialects_are_not_concerned() -> None:
    app = app_of({"reply": "Hi"})
    assert post(app, "/v1/chat/completions", hello(), {"origin": "https://a.com"}).status == 200
