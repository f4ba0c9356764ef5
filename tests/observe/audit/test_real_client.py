"""The real openai-python, judged by its policy over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2 as httpx
import openai
import pytest
from msgspec.structs import replace

from mockdock import Server
from mockdock.delivery import ManualClock
from mockdock.observe.audit import audit
from mockdock.policy import POLICIES, Policy
from mockdock.remote import RemoteVerbs
from tests.observe.audit.helpers import only

RETRIED: dict[str, Any] = {"retry_after": "20s"}
"""At time scale 0 this is a millisecond, and no test waits: nor is any wait judged."""


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
        "retry_after": ("not seen", 0),
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


def test_many_clients_that_are_told_to_wait_at_time_scale_0_are_no_herd(server: Server) -> None:
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: ask(server, "limited"), range(40)))
    found = judged(server, Policy())
    assert found.figures.retries == 80
    assert found.ok, found.failed


def test_the_same_on_two_servers_one_after_the_other_is_two_calls() -> None:
    scenario = {"mockdock": 1, "rules": [{"reply": {"error": 400}}]}
    made = []
    for _ in range(2):
        with Server(scenario, clock=ManualClock()) as server:
            ask(server, "hello")
            made += server.verbs.journal(None)
    assert [each["number"] for each in made] == [1, 1]
    found = audit(made)
    assert [len(call.attempts) for call in found.calls] == [1, 1]
    assert found.ok


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("cut_arguments", "succeeded"),
        ({"type": "truncate", "after": {"tokens": 1000}}, "succeeded"),
        ({"type": "invalid_json", "after": {"tokens": 1000}}, "succeeded"),
        ("invalid_json", "spoiled"),
        ("empty_choices", "spoiled"),
    ],
    ids=str,
)
def test_a_fault_spoils_a_call_only_where_it_changed_the_reply(
    fault: Any, outcome: str, *, stream: bool
) -> None:
    scenario = {"mockdock": 1, "faults": [fault], "rules": [{"reply": "Hello there."}]}
    with Server(scenario, time_scale=0) as server:
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
        httpx.post(f"{server.base_url}/chat/completions", json={**body, "stream": stream})
        assert [call.outcome for call in audit(server.verbs.journal(None)).calls] == [outcome]
