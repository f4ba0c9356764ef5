"""Status and headers, as recorded from Azure OpenAI in March 2026."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.dialects.azure.head import head
from mockdock.dialects.base import Envelope
from mockdock.gateways import Azure, Gateways
from mockdock.limit import Standing, Standings
from mockdock.reply import Choice, Completion, Failure, ModelList, Reply, Usage
from mockdock.request import Request

ID = "0123456789abcdef0123456789abcdef"
PLAIN = Request("azure", "chat", "gpt-4o", deployment="openllmetry-testing")
STREAM = Request("azure", "chat", "gpt-4o", deployment="openllmetry-testing", stream=True)
STANDINGS = Standings(Standing(120, 119, 0.5), Standing(120_000, 119_986, 14 / 2000))
JSON = {"content-type": "application/json", "content-length": "42"}
GATE = {"apim-request-id": "01234567-89ab-cdef-0123-456789abcdef"}
LIMITS = {
    "x-ratelimit-abusepenalty-active": "False",
    "x-ratelimit-limit-requests": "120",
    "x-ratelimit-limit-tokens": "120000",
    "x-ratelimit-remaining-requests": "119",
    "x-ratelimit-remaining-tokens": "119986",
    "x-ratelimit-renewalperiod-requests": "60",
    "x-ratelimit-renewalperiod-tokens": "60",
    "x-ratelimit-reset-requests": "500",
    "x-ratelimit-reset-tokens": "7",
}
"""As recorded after one request of 120 per minute, with 14 tokens of 120,000."""
SERVED = {
    **GATE,
    "azureml-model-session": "d20260330170902-0e618f323d34",
    "skip-error-remapping": "true",
    "x-accel-buffering": "no",
    "x-content-type-options": "nosniff",
    "x-ms-deployment-name": "openllmetry-testing",
    "x-ms-is-spilled-over": "false",
    "x-ms-rai-invoked": "true",
    "x-ms-region": "East US 2",
    **LIMITS,
    "x-request-id": "fedcba98-7654-3210-fedc-ba9876543210",
}


def completion(**more: Any) -> Completion:
    """Make an answer without words."""
    return Completion(
        "x" * 29, 1, "gpt-4o", (Choice(0, (), None, (), "stop"),), Usage(1, 0, 1), **more
    )


def headers(
    reply: Reply, request: Request | None = PLAIN, extra: dict[str, str] | None = None, **more: Any
) -> dict[str, str]:
    """Give the headers of a reply, each name once."""
    envelope = Envelope(ID, 366, 42, extra or {}, **{"standings": STANDINGS, **more})
    pairs = head(request, reply, envelope).headers
    names = [name for name, _ in pairs]
    assert names == [name.lower() for name in names]
    assert len(names) == len(set(names))
    return {name.decode("ascii"): value.decode("ascii") for name, value in pairs}


def test_a_plain_answer_has_the_recorded_headers_in_their_order() -> None:
    told = headers(completion())
    assert told == {**JSON, **SERVED}
    assert [*told][2:] == sorted([*told][2:]) == [*SERVED]


def test_a_stream_has_its_type_and_no_length() -> None:
    told = headers(completion(), STREAM)
    assert told == {"content-type": "text/event-stream; charset=utf-8", **SERVED}


def test_a_list_is_of_no_deployment() -> None:
    told = headers(ModelList(()), Request("azure", "models"))
    assert SERVED.keys() - told.keys() == {"x-ms-deployment-name"}


def test_without_limits_nothing_is_told_of_any() -> None:
    assert headers(completion(), standings=None).keys() == (JSON | SERVED).keys() - LIMITS.keys()
    told = headers(completion(), standings=Standings(tokens=Standing(9, 8, 1.0, 86_400.0)))
    assert {name: value for name, value in told.items() if "ratelimit" in name} == {
        "x-ratelimit-abusepenalty-active": "False",
        "x-ratelimit-limit-tokens": "9",
        "x-ratelimit-remaining-tokens": "8",
        "x-ratelimit-renewalperiod-tokens": "86400",
        "x-ratelimit-reset-tokens": "1000",
    }


@pytest.mark.parametrize(
    ("scale", "period", "reset"), [(1.0, "60", "500"), (0.1, "6", "50"), (0.0, "60", "0")]
)
def test_times_are_the_clients(scale: float, period: str, reset: str) -> None:
    told = headers(completion(), time_scale=scale)
    assert told["x-ratelimit-renewalperiod-requests"] == period
    assert told["x-ratelimit-reset-requests"] == reset


REFUSED: dict[Any, dict[str, str]] = {
    "auth": {},
    "missing_key": {},
    "unknown_url": {},
    "permission": {
        "x-content-type-options": "nosniff",
        "policy-id": "ThrowExceptionDueToTrafficDenied",
    },
    "model_not_found": {"x-content-type-options": "nosniff", "x-ms-region": "East US 2"},
    "not_found": {"x-content-type-options": "nosniff", "x-ms-region": "East US 2"},
    "rate_limit": {
        "x-content-type-options": "nosniff",
        "policy-id": "DeploymentRatelimit-Call",
        "x-ms-region": "East US 2",
        **LIMITS,
    },
    "tokens_limit": {
        "x-content-type-options": "nosniff",
        "policy-id": "DeploymentRatelimit-Token",
        "x-ms-region": "East US 2",
        **LIMITS,
    },
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused_before_a_model_is_asked_tells_little(kind: Any) -> None:
    assert headers(Failure(kind), None) == {**JSON, **GATE, **REFUSED[kind]}


@pytest.mark.parametrize("kind", ["bad_request", "content_filter", "server_error", "quota"])
def test_what_the_backend_refuses_has_the_headers_of_an_answer(kind: Any) -> None:
    assert headers(Failure(kind), STREAM) == {**JSON, **SERVED}


def test_a_refusal_says_when_to_come_back() -> None:
    told = headers(Failure("rate_limit", retry_after=1.5, should_retry=False))
    assert (told["retry-after"], told["retry-after-ms"]) == ("2", "1500")
    assert told["x-should-retry"] == "false"


def test_own_headers_win_over_the_usual_ones() -> None:
    own = {"X-MS-Region": "Moon", "x-mine": "1"}
    for reply in (completion(headers=own), Failure("server_error", headers=own)):
        told = headers(reply, extra={"x-mockdock-rule": "r"})
        assert (told["x-ms-region"], told["x-mine"], told["x-mockdock-rule"]) == ("Moon", "1", "r")


@pytest.mark.parametrize("name", ["a\r\nset-cookie: b", "für", "x" * 5000, "\ud800"])
def test_odd_names_fit_into_a_header(name: str) -> None:
    request = Request("azure", "chat", "gpt-4o", deployment=name)
    told = headers(completion(), request, gateways=Gateways(Azure(region=name)))
    for header in ("x-ms-deployment-name", "x-ms-region"):
        assert told[header].isprintable()
        assert len(told[header]) <= 1000
