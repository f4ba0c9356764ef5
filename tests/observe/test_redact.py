"""Secrets are hidden by the name of a header, by their look, and by their value."""

from __future__ import annotations

import base64
import json

import pytest

from mockdock.observe import record, redact
from mockdock.observe.entry import Entry
from mockdock.reply import Failure, NearRule, Unmet
from tests.observe.helpers import exchange

OURS = "sk-mockdock-0123456789abcdef"


@pytest.mark.parametrize(
    "name",
    [
        "authorization",
        "proxy-authorization",
        "x-auth",
        "api-key",
        "x-api-key",
        "x-apikey",
        "x-amz-security-token",
        "x-mockdock-token",
        "cookie",
        "set-cookie",
        "x-client-secret",
        "x-password",
        "ocp-apim-subscription-key",
        "api_key",
        "x-access-key",
        "openai-key",
        "X-Functions-Key",
        "key",
        "x-idempotency-key",
    ],
)
def test_a_header_with_such_a_name_is_hidden(name: str) -> None:
    assert redact.headers({name: "anything"}) == {name: "[redacted]"}


@pytest.mark.parametrize(
    "name",
    [
        "content-type",
        "idempotency-key",
        "sec-websocket-key",
        "x-monkey",
        "x-ratelimit-limit-tokens",
        "user-agent",
        "x-request-id",
    ],
)
def test_other_headers_are_shown(name: str) -> None:
    assert redact.headers({name: "anything"}) == {name: "anything"}


def test_keys_of_ours_are_no_secrets() -> None:
    shown = {"authorization": f"Bearer {OURS}", "x-api-key": OURS}
    assert redact.headers(shown) == shown
    assert redact.secrets(shown) == ()
    assert redact.text(f"the key {OURS}") == f"the key {OURS}"


@pytest.mark.parametrize(
    "key",
    [
        "sk-proj-0123456789abcdef",
        "pk-lf-0123456789abcdef",
        "gsk_0123456789abcdef",
        "ghp_0123456789abcdef",
        "github_pat_0123456789abcdef",
        "AKIA0123456789abcdef",
        "AIza0123456789abcdef",
        "eyJhbGciOi.eyJzdWIiOi0123456789.c2lnbmF0dXJl",
    ],
)
def test_what_looks_like_a_key_is_hidden_in_any_text(key: str) -> None:
    assert redact.text(f"use ({key}) now") == "use ([redacted]) now"
    assert redact.headers({"user-agent": key}) == {"user-agent": "[redacted]"}


def test_values_of_secret_headers_are_found_as_texts_quote_them() -> None:
    """Whole, without the scheme, and cut as in a message; short ones only with the scheme."""
    long = "Bearer " + "x" * 100
    assert redact.secrets({"authorization": long}) == (long, "x" * 100, long[:80])
    assert redact.secrets({"authorization": "Bearer short"}) == ("Bearer short",)
    assert redact.secrets({"x-api-key": "short"}) == ()
    assert redact.secrets({"x-api-key": "quite-a-long-one"}) == ("quite-a-long-one",)
    assert redact.secrets({"accept": "application/json"}) == ()
    assert redact.text("was 'Bearer short'", ("Bearer short",)) == "was '[redacted]'"


@pytest.mark.parametrize(
    ("word", "found"), [("a-long-password", True), ("short", False)], ids=["long", "short"]
)
def test_the_password_of_basic_credentials_is_a_secret(word: str, found: bool) -> None:
    given = base64.b64encode(f"user:{word}".encode()).decode()
    assert (word in redact.secrets({"authorization": f"Basic {given}"})) is found


@pytest.mark.parametrize("given", ["no-base64-at-all!", "//////////////79"])
def test_odd_basic_credentials_are_hidden_as_they_are(given: str) -> None:
    assert redact.secrets({"authorization": f"Basic {given}"}) == (f"Basic {given}", given)


COMPANY = "my-company-key-abcdef123456"
ODD = 'a"key\\with/odd-letters\u00e9'


def test_a_known_secret_is_hidden_in_other_headers() -> None:
    given = {"x-note": f"a {COMPANY}", "x-other": "shown"}
    known = redact.secrets({"authorization": f"Bearer {COMPANY}"})
    assert redact.headers(given, known) == {"x-note": "a [redacted]", "x-other": "shown"}


@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_secret_in_escapes_of_json_is_hidden(ascii_only: bool) -> None:
    known = redact.secrets({"authorization": f"Bearer {ODD}"})
    raw = json.dumps({"a": f"it is {ODD} then"}, ensure_ascii=ascii_only)
    assert redact.text(raw, known) == '{"a": "it is [redacted] then"}'


@pytest.mark.parametrize(
    "written",
    [
        "my-company-key\\u002dabcdef123456",
        "\\u006dy-company-key-abcdef123456",
        r"my\\u002dcompany-key-abcdef123456",
        "m\0y\0-\0c\0o\0m\0p\0a\0n\0y\0-\0k\0e\0y\0-\0a\0b\0c\0d\0e\0f\0001\0002\0003\0004\0005\0006\0",
        "\\u0073k-proj-0123456789abcdef",
    ],
)
def test_a_text_in_which_a_secret_is_written_otherwise_is_hidden_whole(written: str) -> None:
    known = redact.secrets({"authorization": f"Bearer {COMPANY}"})
    assert redact.text(f'{{"a": "{written}", "b": 1}}', known) == "[redacted]"


def test_escapes_without_a_secret_are_shown() -> None:
    raw = r'{"a": "\u00e9 \n \\ \/ \ud83d\ude00 \u0041", "b": "\\\"x\\\""}'
    assert redact.text(raw, (COMPANY,)) == raw
    assert redact.text(raw) == raw


def test_a_key_behind_a_line_break_of_json_is_hidden_alone() -> None:
    raw = json.dumps("the key:\nsk-proj-0123456789abcdef\nis mine")
    assert redact.text(raw) == r'"the key:\n[redacted]\nis mine"'


def test_secrets_in_bytes_are_hidden() -> None:
    key = "sk-proj-0123456789abcdef"
    given = f"\u00e9 {COMPANY} {key} \u00fc{ODD}".encode() + b"\xff" + key.encode()
    known = redact.secrets({"authorization": f"Bearer {COMPANY}", "api_key": ODD})
    shown = "\u00e9 [redacted] [redacted] \u00fc[redacted]".encode() + b"\xff[redacted]"
    assert redact.data(given, known) == shown


def test_values_of_cookies_are_secrets() -> None:
    known = redact.secrets({"cookie": f"a=b; session={COMPANY}"})
    assert redact.text(f"{COMPANY}, a=b", known) == "[redacted], a=b"


def test_a_header_in_utf_8_is_found_in_texts() -> None:
    """Headers are read as latin-1, bodies as UTF-8."""
    word = "p\u00e4ssword-of-mine"
    known = redact.secrets({"x-password": word.encode().decode("latin-1")})
    assert redact.text(f"it is {word}", known) == "it is [redacted]"


def test_a_record_hides_the_value_of_a_header_wherever_it_turns_up() -> None:
    key = "a-key-of-no-known-form"
    unmet = (
        Unmet("headers.authorization", f"wanted exactly 'x', was 'Bearer {key}'", "x", key),
        Unmet("user", f"wanted 'hi', was '{key}'", "hi", f"I say {key}"),
        Unmet("turn", "wanted 2, was 1"),
    )
    reply = Failure("no_match", nearest=(NearRule("r", unmet),), cause=ValueError(key))
    made = exchange(
        headers={"authorization": f"Bearer {key}"}, body=f"I say {key}".encode(), reply=reply
    )
    hidden = record(Entry(1, made))
    assert key not in str(hidden)
    assert hidden["request"]["body"] == "I say [redacted]"
    assert hidden["reply"]["nearest"][0]["unmet"] == [
        {"name": "headers.authorization", "text": "[redacted]", "wanted": None, "found": None},
        {
            "name": "user",
            "text": "wanted 'hi', was '[redacted]'",
            "wanted": "hi",
            "found": "I say [redacted]",
        },
        {"name": "turn", "text": "wanted 2, was 1", "wanted": None, "found": None},
    ]
    assert str(record(Entry(1, made), secrets=True)).count(key) == 7
