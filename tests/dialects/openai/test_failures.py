"""Every kind of failure, verbatim; what a failure sets itself wins."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from mockdock.dialects.base import Call
from mockdock.dialects.openai.failures import misroute, oversize, tell
from mockdock.reply import Failure, FailureKind

LIMITS = "Visit https://platform.openai.com/account/rate-limits to learn more."
INVALID = "invalid_request_error"

KINDS: dict[FailureKind, tuple[Failure, int, str, str, str | None, str | None]] = {
    "rate_limit": (
        Failure("rate_limit", model="gpt-3.5-turbo"),
        429,
        (
            "Rate limit reached for gpt-3.5-turbo in organization org-mockdock on requests per min "
            f"(RPM): Limit 3, Used 3, Requested 1. Please try again in 20s. {LIMITS}"
        ),
        "requests",
        None,
        "rate_limit_exceeded",
    ),
    "tokens_limit": (
        Failure("tokens_limit", model="gpt-4o"),
        429,
        (
            "Rate limit reached for gpt-4o in organization org-mockdock on tokens per min (TPM): "
            f"Limit 30000, Used 29937, Requested 385. Please try again in 644ms. {LIMITS}"
        ),
        "tokens",
        None,
        "rate_limit_exceeded",
    ),
    "request_too_large": (
        Failure("request_too_large", model="gpt-4o"),
        429,
        (
            "Request too large for gpt-4o in organization org-mockdock on tokens per min (TPM): "
            "Limit 30000, Requested 30601. The input or output tokens must be reduced in order to "
            f"run successfully. {LIMITS}"
        ),
        "tokens",
        None,
        "rate_limit_exceeded",
    ),
    "quota": (
        Failure("quota"),
        429,
        (
            "You exceeded your current quota, please check your plan and billing details. For more "
            "information on this error, read the docs: "
            "https://platform.openai.com/docs/guides/error-codes/api-errors."
        ),
        "insufficient_quota",
        None,
        "insufficient_quota",
    ),
    "overloaded": (
        Failure("overloaded"),
        503,
        (
            "That model is currently overloaded with other requests. You can retry your request, "
            "or contact us through our help center at help.openai.com if the error persists."
        ),
        "server_error",
        None,
        None,
    ),
    "server_error": (
        Failure("server_error"),
        500,
        "The server had an error while processing your request. Sorry about that!",
        "server_error",
        None,
        None,
    ),
    "timeout": (Failure("timeout"), 408, "Request timed out.", "timeout", None, None),
    "auth": (
        Failure("auth", key="sk-abcdefghwxyz"),
        401,
        (
            "Incorrect API key provided: sk-abcd****wxyz. You can find your API key at "
            "https://platform.openai.com/account/api-keys."
        ),
        INVALID,
        None,
        "invalid_api_key",
    ),
    "missing_key": (
        Failure("missing_key"),
        401,
        (
            "You didn't provide an API key. You need to provide your API key in an Authorization "
            "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password "
            "field (with blank username) if you're accessing the API from your browser and are "
            "prompted for a username and password. You can obtain an API key from "
            "https://platform.openai.com/account/api-keys."
        ),
        INVALID,
        None,
        None,
    ),
    "permission": (
        Failure("permission"),
        403,
        "Country, region, or territory not supported",
        "request_forbidden",
        None,
        "unsupported_country_region_territory",
    ),
    "not_found": (
        Failure("not_found", model="x"),
        404,
        "The model `x` does not exist or you do not have access to it.",
        INVALID,
        None,
        "model_not_found",
    ),
    "model_not_found": (
        Failure("model_not_found", model="x"),
        404,
        "The model `x` does not exist or you do not have access to it.",
        INVALID,
        None,
        "model_not_found",
    ),
    "bad_request": (
        Failure("bad_request"),
        400,
        "Your request was malformed or missing some required parameters.",
        INVALID,
        None,
        None,
    ),
    "context_length": (
        Failure("context_length", limit=8192, used=8227),
        400,
        (
            "This model's maximum context length is 8192 tokens. However, your messages resulted "
            "in 8227 tokens. Please reduce the length of the messages."
        ),
        INVALID,
        "messages",
        "context_length_exceeded",
    ),
    "content_filter": (
        Failure("content_filter"),
        400,
        (
            "Invalid prompt: your prompt was flagged as potentially violating our usage policy. "
            "Please try again with a different prompt: "
            "https://platform.openai.com/docs/guides/reasoning#advice-on-prompting"
        ),
        INVALID,
        None,
        "invalid_prompt",
    ),
    "no_match": (
        Failure("no_match"),
        404,
        "No rule matches this request.",
        INVALID,
        None,
        "mockdock_no_match",
    ),
    "exhausted": (
        Failure("exhausted"),
        404,
        "The rule has no reply left.",
        INVALID,
        None,
        "mockdock_exhausted",
    ),
    "no_stored": (
        Failure("no_stored", what="chatcmpl-x"),
        404,
        "Chat completion with id 'chatcmpl-x' not found.",
        INVALID,
        None,
        None,
    ),
    "no_such_cursor": (
        Failure("no_such_cursor", what="list"),
        400,
        "Invalid value for 'after': expected the ID of a stored chat completion.",
        INVALID,
        "after",
        "invalid_value",
    ),
    "not_a_fine_tune": (
        Failure("not_a_fine_tune", "gpt-4o"),
        403,
        "You have insufficient permissions for this operation.",
        INVALID,
        None,
        None,
    ),
    "unknown_url": (
        Failure("unknown_url"),
        404,
        "Unknown request URL.",
        INVALID,
        None,
        "unknown_url",
    ),
    "invalid_url": (Failure("invalid_url"), 404, "Invalid URL", INVALID, None, None),
    "wrong_method": (Failure("wrong_method"), 405, "Not allowed.", INVALID, None, None),
    "too_large": (
        Failure("too_large"),
        413,
        "Maximum content size limit exceeded.",
        INVALID,
        None,
        None,
    ),
    "wrong_model": (
        Failure("wrong_model", "gpt-4o", what="embeddings"),
        403,
        "You are not allowed to generate embeddings from this model",
        INVALID,
        None,
        None,
    ),
    "guard": (
        Failure("guard", what="toxicity"),
        446,
        "A guard did not let it pass.",
        INVALID,
        None,
        None,
    ),
    "no_guard": (
        Failure("no_guard", what="toxicity"),
        404,
        "Guard not found",
        INVALID,
        None,
        None,
    ),
    "bad_input": (
        Failure("bad_input"),
        400,
        (
            "'$.input' is invalid. Please check the API reference: "
            "https://platform.openai.com/docs/api-reference."
        ),
        INVALID,
        None,
        None,
    ),
    "input_too_long": (
        Failure("input_too_long", what="22", limit=8192, used=9000),
        400,
        "Invalid 'input[22]': maximum input length is 8192 tokens.",
        INVALID,
        None,
        None,
    ),
    "inputs_too_long": (
        Failure("inputs_too_long", limit=300_000, used=416_735),
        400,
        "Requested 416735 tokens, max 300000 tokens per request",
        "max_tokens_per_request",
        None,
        "max_tokens_per_request",
    ),
}


def test_every_kind_has_a_row() -> None:
    assert set(KINDS) == set(get_args(FailureKind))


@pytest.mark.parametrize("row", KINDS.values(), ids=KINDS)
def test_every_kind_has_openais_own_words(row: Any) -> None:
    failure, status, message, kind, param, code = row
    told = tell(failure)
    assert told.status == status
    assert told.body() == {
        "error": {"message": message, "type": kind, "param": param, "code": code}
    }


def test_keys_come_in_wire_order_and_the_edge_has_its_own() -> None:
    assert list(tell(Failure("quota")).body()["error"]) == ["message", "type", "param", "code"]
    edge = tell(Failure("unknown_url")).body()["error"]
    assert list(edge) == ["type", "code", "message", "param"]


def test_what_a_failure_sets_itself_wins() -> None:
    told = tell(
        Failure("quota", status=402, message="Pay.", type="billing", param="card", code="no_money")
    )
    assert told.status == 402
    assert told.body()["error"] == {
        "message": "Pay.",
        "type": "billing",
        "param": "card",
        "code": "no_money",
    }


def test_a_request_that_is_too_large_tells_the_limit_it_met() -> None:
    message = tell(Failure("request_too_large", model="m", limit=10, used=0)).message
    assert "for m in organization" in message
    assert "Limit 10, Requested 0. The input" in message


def test_a_message_may_be_empty() -> None:
    assert tell(Failure("quota", message="")).message == ""


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (418, "I'm a Teapot", INVALID),
        (422, "Unprocessable", INVALID),
        (502, "Bad Gateway", "server_error"),
        (504, "Gateway Timeout", "server_error"),
        (529, "HTTP 529", "server_error"),
    ],
)
def test_another_status_has_its_own_phrase_and_type(status: int, message: str, kind: str) -> None:
    told = tell(Failure("server_error" if status >= 500 else "bad_request", status=status))
    assert told.status == status
    assert told.message.startswith(message)
    assert told.type == kind


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("sk-abcdefghwxyz", "sk-abcd****wxyz"),
        ("sk-proj-" + "0" * 40 + "WXYZ", "sk-proj" + "*" * 41 + "WXYZ"),
        ("sk-abcd1wxyz", "sk-abcd*wxyz"),
        ("sk-abcdwxyz", "sk-abcdwxyz"),
        ("short", "short"),
        ("", ""),
    ],
)
def test_a_key_is_shown_by_head_and_tail(key: str, shown: str) -> None:
    message = tell(Failure("auth", key=key)).message
    assert message.startswith(f"Incorrect API key provided: {shown}. You can find")


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0s"),
        (0.0001, "1ms"),
        (0.006, "6ms"),
        (0.12, "120ms"),
        (0.28, "280ms"),
        (0.644, "644ms"),
        (0.9999, "1s"),
        (1, "1s"),
        (1.5, "1.5s"),
        (2.007, "2.007s"),
        (20, "20s"),
        (20.1234, "20.124s"),
        (59.9999, "1m0s"),
        (60, "1m0s"),
        (61.1, "1m1.1s"),
        (360, "6m0s"),
        (3600, "1h0m0s"),
        (86400 + 61, "24h1m1s"),
    ],
)
def test_a_wait_is_written_as_go_does(seconds: float, written: str) -> None:
    for kind in ("rate_limit", "tokens_limit"):
        message = tell(Failure(kind, retry_after=seconds)).message
        assert f"Please try again in {written}. Visit" in message


# --- routes -----------------------------------------------------------------------------------


def lost(method: str, path: str, *methods: str) -> Failure:
    """Refuse a path; ``methods`` are those it has."""
    return misroute(Call("", method, path, {}, {}, b"", "https://mock:1"), frozenset(methods))


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "/chat/completions",
        "/v1",
        "/v1/v1",
        "/v1/v1/chat/completions",
        "/v2/models",
        "/v1x",
    ],
)
def test_the_edge_refuses_what_is_not_under_v1(path: str) -> None:
    failure = lost("POST", path)
    told = tell(failure)
    assert told.status == 404
    assert told.body() == {
        "error": {
            "type": INVALID,
            "code": "unknown_url",
            "message": f"Unknown request URL: POST {path}. Please check the URL for typos, or see "
            "the docs at https://platform.openai.com/docs/api-reference/.",
            "param": None,
        }
    }
    assert told.edge
    assert failure.headers == {"x-mockdock-base-url": "https://mock:1/v1"}


@pytest.mark.parametrize("path", ["/v1/", "/v1/chat", "/v1/v1beta/x", "/v1/chat/completions/v1"])
def test_the_api_refuses_what_it_does_not_have(path: str) -> None:
    failure = lost("GET", path)
    told = tell(failure)
    assert (told.status, told.code, told.edge) == (404, None, False)
    assert told.message == f"Invalid URL (GET {path})"
    assert failure.headers == {}


def test_a_method_a_path_does_not_have() -> None:
    failure = lost("POST", "/v1/models", "GET", "DELETE")
    told = tell(failure)
    assert told.status == 405
    assert told.message == (
        "Not allowed to POST on /v1/models. (HINT: Perhaps you meant to use a different HTTP "
        "method?)"
    )
    assert (told.type, told.param, told.code) == (INVALID, None, None)
    assert failure.headers == {"allow": "DELETE, GET"}


def test_a_body_above_the_limit() -> None:
    failure = oversize(26214400)
    assert tell(failure).status == 413
    assert tell(failure).message == "Maximum content size limit (26214400) exceeded."
    assert failure.headers == {"connection": "close"}
