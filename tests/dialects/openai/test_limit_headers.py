"""How limits look on the wire of OpenAI: headers and bodies, byte for byte."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockdock.dialects.base import Envelope
from mockdock.dialects.openai.durations import go_duration, whole_milliseconds
from mockdock.dialects.openai.head import head
from mockdock.dialects.openai.render import frames
from mockdock.limit import RetryHeader, Standing, Standings
from mockdock.reply import Failure, ModelList
from mockdock.request import Request

ID = "0123456789abcdef0123456789abcdef"
ASKED = Request("openai", "chat", "gpt-4o")
LIMITED = Standings(Standing(10_000, 9_999, 0.006), Standing(50_000_000, 49_999_987, 0.0))
NOW = 1_700_000_000.0

RPM = Failure(
    "rate_limit", "gpt-3.5-turbo", measure="rpm", limit=3, used=3, requested=1, retry_after=20.0
)
TPM = Failure(
    "tokens_limit",
    "gpt-4o",
    measure="tpm",
    limit=30_000,
    used=29_937,
    requested=385,
    retry_after=0.644,
)


def pairs(reply: Any, standings: Standings | None, scale: float = 1.0) -> list[tuple[bytes, bytes]]:
    envelope = Envelope(ID, 1, 2, {}, scale, standings, NOW)
    return list(head(ASKED, reply, envelope).headers)


def told(reply: Any, standings: Standings | None = None, scale: float = 1.0) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in pairs(reply, standings, scale)}


def test_the_headers_are_those_that_were_recorded() -> None:
    """api.openai.com, 2026-03-31."""
    limits = [pair for pair in pairs(ModelList(()), LIMITED) if b"ratelimit" in pair[0]]
    assert limits == [
        (b"x-ratelimit-limit-requests", b"10000"),
        (b"x-ratelimit-limit-tokens", b"50000000"),
        (b"x-ratelimit-remaining-requests", b"9999"),
        (b"x-ratelimit-remaining-tokens", b"49999987"),
        (b"x-ratelimit-reset-requests", b"6ms"),
        (b"x-ratelimit-reset-tokens", b"0s"),
    ]


def test_of_what_has_no_limit_nothing_is_told() -> None:
    assert not any("ratelimit" in name for name in told(RPM))
    assert not any("ratelimit" in name for name in told(RPM, Standings()))
    names = [name for name in told(RPM, Standings(tokens=Standing(9, 8, 1.0))) if "limit" in name]
    assert names == [f"x-ratelimit-{part}-tokens" for part in ("limit", "remaining", "reset")]


@pytest.mark.parametrize("failure", [RPM, Failure("quota"), Failure("bad_request")])
def test_failures_tell_of_limits_too(failure: Failure) -> None:
    assert told(failure, LIMITED)["x-ratelimit-remaining-requests"] == "9999"


@pytest.mark.parametrize("failure", [Failure("auth"), Failure("missing_key")])
def test_who_has_no_key_is_told_of_no_limits(failure: Failure) -> None:
    assert not any("ratelimit" in name for name in told(failure, LIMITED))


@pytest.mark.parametrize(
    ("failure", "message", "kind", "code"),
    [
        (
            RPM,
            ("Rate limit reached for gpt-3.5-turbo in organization org-mockdock on requests per "
            "min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s. Visit "
            "https://platform.openai.com/account/rate-limits to learn more."),
            "requests",
            "rate_limit_exceeded",
        ),
        (
            Failure(
                "rate_limit", "gpt-4o", measure="rpd", limit=200, used=200, requested=1,
                retry_after=432.0,
            ),
            ("Rate limit reached for gpt-4o in organization org-mockdock on requests per day "
            "(RPD): Limit 200, Used 200, Requested 1. Please try again in 7m12s. Visit "
            "https://platform.openai.com/account/rate-limits to learn more."),
            "requests",
            "rate_limit_exceeded",
        ),
        (
            TPM,
            ("Rate limit reached for gpt-4o in organization org-mockdock on tokens per min (TPM): "
            "Limit 30000, Used 29937, Requested 385. Please try again in 644ms. Visit "
            "https://platform.openai.com/account/rate-limits to learn more."),
            "tokens",
            "rate_limit_exceeded",
        ),
        (
            Failure("request_too_large", "gpt-4o", measure="tpm", limit=30_000, used=30_601),
            ("Request too large for gpt-4o in organization org-mockdock on tokens per min (TPM): "
            "Limit 30000, Requested 30601. The input or output tokens must be reduced in order "
            "to run successfully. Visit https://platform.openai.com/account/rate-limits to learn "
            "more."),
            "tokens",
            "rate_limit_exceeded",
        ),
        (
            Failure("quota", "gpt-4o"),
            ("You exceeded your current quota, please check your plan and billing details. For "
            "more information on this error, read the docs: "
            "https://platform.openai.com/docs/guides/error-codes/api-errors."),
            "insufficient_quota",
            "insufficient_quota",
        ),
    ],
)  # fmt: skip
def test_the_bodies_are_those_of_pasted_errors(
    failure: Failure, message: str, kind: str, code: str
) -> None:
    (frame,) = frames(ASKED, failure)
    assert frame.data.decode().strip() == (
        "{\n"
        '  "error": {\n'
        f'    "message": "{message}",\n'
        f'    "type": "{kind}",\n'
        '    "param": null,\n'
        f'    "code": "{code}"\n'
        "  }\n"
        "}"
    )
    assert head(ASKED, failure, Envelope(ID, 1, 2, {})).status == 429


def retry(failure: Failure, header: RetryHeader, scale: float = 1.0) -> dict[str, str]:
    given = Failure("rate_limit", retry_after=failure.retry_after, retry_header=header)
    return {name: value for name, value in told(given, None, scale).items() if "retry" in name}


@pytest.mark.parametrize(
    ("header", "twenty", "short"),
    [
        (
            "both",
            {"retry-after": "20", "retry-after-ms": "20000"},
            {"retry-after": "0.644", "retry-after-ms": "644"},
        ),
        ("seconds", {"retry-after": "20"}, {"retry-after": "0.644"}),
        ("ms", {"retry-after-ms": "20000"}, {"retry-after-ms": "644"}),
        (
            "date",
            {"retry-after": "Tue, 14 Nov 2023 22:13:40 GMT"},
            {"retry-after": "Tue, 14 Nov 2023 22:13:21 GMT"},
        ),
        ("none", {}, {}),
        (
            "lies",
            {"retry-after": "2", "retry-after-ms": "2000"},
            {"retry-after": "0.065", "retry-after-ms": "65"},
        ),
    ],
)
def test_a_refusal_says_when_to_come_back_as_chosen(
    header: RetryHeader, twenty: dict[str, str], short: dict[str, str]
) -> None:
    """2023-11-14 22:13:20 GMT is 1,700,000,000 seconds after 1970."""
    assert retry(RPM, header) == twenty
    assert retry(TPM, header) == short


def test_a_date_is_at_most_the_last_of_the_year_9999() -> None:
    """Scaled time goes further than dates do."""
    failure = Failure("rate_limit", retry_after=366 * 24 * 3600.0)
    assert retry(failure, "date", 1e6) == {"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}


def test_headers_tell_real_time_and_at_scale_0_the_least_an_sdk_obeys() -> None:
    assert retry(RPM, "both", 0.01) == {"retry-after": "0.2", "retry-after-ms": "200"}
    assert retry(RPM, "both", 0) == {"retry-after": "0.001", "retry-after-ms": "1"}
    limits = Standings(Standing(3, 0, 60.0))
    assert told(RPM, limits, 0.01)["x-ratelimit-reset-requests"] == "600ms"
    assert told(RPM, limits, 0)["x-ratelimit-reset-requests"] == "0s"


@given(st.floats(0.001, 1e6), st.floats(1e-6, 10))
def test_no_form_but_a_lie_tells_less_than_the_wait(wait: float, scale: float) -> None:
    failure = Failure("rate_limit", retry_after=wait)
    real = wait * scale * (1 - 1e-12)
    both = retry(failure, "both", scale)
    assert float(both["retry-after"]) >= real
    assert int(both["retry-after-ms"]) / 1000 >= real
    date = parsedate_to_datetime(retry(failure, "date", scale)["retry-after"]).timestamp()
    assert date - NOW >= real


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0s"), (0.006, "6ms"), (0.12, "120ms"), (1.0, "1s"), (1.1, "1.1s"), (2.3, "2.3s"),
        (59.999, "59.999s"), (60.0, "1m0s"), (360.0, "6m0s"), (86_400.0, "24h0m0s"),
        (3661.5, "1h1m1.5s"), (0.0000001, "1ms"), (20.0000001, "20.001s"),
    ],
)  # fmt: skip
def test_times_are_written_as_go_does(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text


@given(st.integers(0, 10**11))
def test_whole_milliseconds_stay_as_they_are(milliseconds: int) -> None:
    assert whole_milliseconds(milliseconds / 1000) == milliseconds


@given(st.floats(0, 1e8))
def test_milliseconds_are_never_too_few_but_for_what_floats_are_wrong_by(seconds: float) -> None:
    found = whole_milliseconds(seconds)
    assert found >= seconds * 1000 * (1 - 1e-14)
    assert found <= seconds * 1000 + 1
