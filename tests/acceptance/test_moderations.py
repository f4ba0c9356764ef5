"""Moderations as clients get them: the real SDK over a real socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from openai import (
    APIConnectionError,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    OpenAI,
    RateLimitError,
)

from mockdock import MockDock, VerificationError
from mockdock.observe import Exchange, record
from mockdock.observe.entry import Entry
from mockdock.observe.line import line
from mockdock.observe.report import exchanges as shown_exchanges
from tests.acceptance.conftest import Serve
from tests.openai_types import check_moderations

ClientOf = Callable[..., OpenAI]
IMAGE: Any = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def test_the_sdk_gets_verdicts(serve: Serve, client_of: ClientOf) -> None:
    made = client_of(serve()).moderations.create(input=["A nice day", "I want to kill them."])
    fine, bad = made.results
    assert made.model == "omni-moderation-latest"
    assert made.id.startswith("modr-")
    assert (fine.flagged, bad.flagged) == (False, True)
    assert bad.categories.violence
    assert bad.categories.harassment_threatening
    assert bad.category_scores.violence > 0.5 > fine.category_scores.violence
    assert bad.category_applied_input_types.violence == ["text"]


def test_a_text_and_an_image_get_one_verdict(serve: Serve, client_of: ClientOf) -> None:
    made = client_of(serve()).moderations.create(
        model="omni-moderation-2024-09-26", input=[{"type": "text", "text": "idiot"}, IMAGE]
    )
    (only,) = made.results
    assert only.categories.harassment
    assert only.category_applied_input_types.sexual == ["text", "image"]
    assert only.category_applied_input_types.hate == ["text"]


def test_older_models_answer_in_their_form(serve: Serve) -> None:
    body = {"model": "text-moderation-latest", "input": "x"}
    answer = httpx2.post(f"{serve().base_url}/moderations", json=body)
    assert check_moderations(answer.json()).model == "text-moderation-007"
    assert "openai-model" not in answer.headers
    assert answer.headers["openai-version"] == "2020-10-01"


def test_rules_flag_and_fail(serve: Serve, client_of: ClientOf) -> None:
    rules = [
        {"when": {"api": "moderations", "user": "spam"}, "reply": {"flagged": {"illicit": 0.8}}},
        {"when": {"api": "moderations", "user": "busy"}, "reply": {"error": "overloaded"}},
    ]
    client = client_of(serve({"mockdock": 1, "rules": rules}))
    (verdict,) = client.moderations.create(input="Buy spam").results
    assert verdict.categories.illicit
    assert verdict.category_scores.illicit == 0.8
    with pytest.raises(InternalServerError):
        client.moderations.create(input="busy")


def test_a_retry_of_the_sdk_gets_the_next_answer(serve: Serve, client_of: ClientOf) -> None:
    limited = {"error": "rate_limit", "retry_after": "1s"}
    rule = {"when": {"api": "moderations"}, "replies": [limited, {"flagged": ["hate"]}]}
    server = serve({"mockdock": 1, "rules": [rule]}, time_scale=0)
    made = client_of(server, max_retries=1).moderations.create(input="x")
    assert made.results[0].categories.hate


def test_a_model_that_does_not_judge_is_refused(serve: Serve, client_of: ClientOf) -> None:
    with pytest.raises(BadRequestError, match="Invalid value for 'model' = gpt-4o"):
        client_of(serve()).moderations.create(model="gpt-4o", input="x")


def test_limits_count_requests_only(serve: Serve, client_of: ClientOf) -> None:
    client = client_of(serve({"mockdock": 1, "limits": [{"rpm": 1, "tpm": 100}]}))
    raw = client.moderations.with_raw_response.create(input="word " * 1000)
    assert raw.headers["x-ratelimit-remaining-requests"] == "0"
    assert raw.headers["x-ratelimit-remaining-tokens"] == "100"
    with pytest.raises(RateLimitError, match=r"requests per min \(RPM\): Limit 1"):
        client.moderations.create(input="x")


@pytest.mark.parametrize("fault", ["connection_reset", "truncate"])
def test_faults_break_moderations(serve: Serve, client_of: ClientOf, fault: str) -> None:
    client = client_of(serve({"mockdock": 1, "faults": [fault]}))
    with pytest.raises(APIConnectionError):
        client.moderations.create(input="x")


def test_moderations_come_at_their_pace(serve: Serve, exchanges: list[Exchange]) -> None:
    server = serve({"mockdock": 1, "pacing": {"ttft": "10s"}}, time_scale=0)
    httpx2.post(f"{server.base_url}/moderations", json={"input": "x"})
    ((due, _),) = exchanges[0].timed()
    assert due == pytest.approx(10)


def test_an_exchange_is_a_line_a_record_and_a_report(
    serve: Serve, client_of: ClientOf, exchanges: list[Exchange]
) -> None:
    client_of(serve()).moderations.create(input=["murder", "tea"])
    (exchange,) = exchanges
    told = line(exchange)
    assert "otherwise" in told
    assert told.endswith("1 of 2 flagged")
    written = record(Entry(1, exchange))
    assert written["reply"]["flagged"] == [["violence"], []]
    assert written["usage"] is None
    shown = shown_exchanges([written])
    assert "input: murder" in shown
    assert "reply 1: violence" in shown
    assert "reply 2: not flagged" in shown


def test_a_dock_shows_what_was_judged() -> None:
    with MockDock() as dock, OpenAI(**dock.openai) as client:
        rule = dock.when(api="moderations", user="cat").reply(flagged=["hate"])
        client.moderations.create(input=["a cat", "x"])
        client.moderations.create(input=[{"type": "text", "text": "cat"}, IMAGE])
        first, last = dock.calls
        assert (first.request.user, first.request.inputs) == ("a cat\nx", ["a cat", "x"])
        assert last.request.user == "cat"
        assert first.reply.flagged == (("hate",), ("hate",))
        assert first.usage is None
        assert "hate" in repr(first)
        assert rule.count == 2


def test_a_function_judges() -> None:
    with MockDock() as dock, OpenAI(**dock.openai) as client:
        dock.when(api="moderations").respond_with(
            lambda request: {"flagged": ["hate"] if "x" in request.user else []}
        )
        assert client.moderations.create(input="x").results[0].flagged
        assert not client.moderations.create(input="y").results[0].flagged


def test_a_strict_dock_finds_what_no_rule_judges() -> None:
    def ask() -> None:
        with MockDock() as dock, OpenAI(**dock.openai) as client:
            dock.when(api="moderations", user="cat").reply(flagged="auto")
            client.moderations.create(input="cat")
            with pytest.raises(NotFoundError):
                client.moderations.create(input="dog")

    with pytest.raises(VerificationError, match="input: dog"):
        ask()
