"""The real openai-python, judged by its policy over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import openai
import pytest

from mockdock import Server
from mockdock.observe.audit import audit
from mockdock.policy import POLICIES, Policy
from mockdock.remote import RemoteVerbs
from tests.observe.audit.helpers import only

RETRIED: dict[str, Any] = {"retry_after": "20s"}
"""At time scale 0 this is a millisecond, and no test waits."""


@pytest.fixture
def server() -> Iterator[Server]:
    rules = [
        {"when": {"user": "limited"}, "per": "request",
         "replies": [{"error": "rate_limit", **RETRIED}, {"error": 503, **RETRIED}, "There."]},
        {"when": {"user": "down"}, "reply": {"error": "overloaded", **RETRIED}},
        {"when": {"user": "mistake"}, "reply": {"error": "bad_request"}},
        {"when": {"user": "long"},
         "reply": {"error": "rate_limit", "headers": {"retry-after": "121"}}},
        {"when": {"user": "asked"}, "per": "request",
         "replies": [{"error": 400, "should_retry": True, **RETRIED}, "There."]},
        {"when": {"user": "told"}, "reply": {"error": 503, "should_retry": False}},
        {"when": {"user": "well"}, "reply": "There."},
    ]  # fmt: skip
    with Server({"mockdock": 1, "rules": rules}, time_scale=0) as server:
        yield server


def ask(server: Server, user: str, **fields: Any) -> None:
    with openai.OpenAI(base_url=server.base_url, api_key="sk-test", **fields) as client:
        try:
            client.chat.completions.create(
                model="gpt-4o", messages=[{"role": "user", "content": user}]
            )
        except openai.APIStatusError:
            return


def judged(server: Server, policy: Policy) -> Any:
    return audit(RemoteVerbs(server.url).journal(None), policy)


def test_its_default_retries_pass_its_policy(server: Server) -> None:
    for user in ("limited", "limited", "down", "mistake", "long", "asked", "told", "well"):
        ask(server, user)
    found = judged(server, POLICIES["openai-python"])
    assert [(len(call.attempts), call.outcome) for call in found.calls] == [
        (3, "succeeded"),
        (3, "succeeded"),
        (3, "gave_up"),
        (1, "gave_up"),
        (1, "gave_up"),
        (2, "succeeded"),
        (1, "gave_up"),
        (1, "succeeded"),
    ]
    assert {link for call in found.calls for link in call.links} == {"first", "retry count"}
    assert {line.name: (line.verdict, line.seen) for line in found.lines} == {
        "max_attempts": ("ok", 7),
        "retry": ("ok", 7),
        "never": ("ok", 2),
        "retry_after": ("ok", 7),
        "backoff": ("not seen", 0),
        "cancelled_streams": ("not seen", 0),
    }


def test_a_client_without_retries_breaks_the_line_that_asks_for_them(server: Server) -> None:
    ask(server, "down", max_retries=0)
    found = judged(server, POLICIES["openai-python"])
    assert [line.name for line in found.failed] == ["retry"]
    assert only(found, "retry").examples[0].records == (1,)
    once = replace(POLICIES["openai-python"], max_attempts=1)
    assert judged(server, once).ok


def test_a_client_with_more_retries_breaks_the_line_that_counts_them(server: Server) -> None:
    ask(server, "down", max_retries=4)
    found = judged(server, POLICIES["openai-python"])
    assert [line.name for line in found.failed] == ["max_attempts"]
    assert found.failed[0].examples[0].text == "5 attempts, 3 are allowed"
