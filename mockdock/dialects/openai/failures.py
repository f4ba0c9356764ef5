"""OpenAI's own words for every failure: status, message, type, param, code.

The wordings are those of pasted and recorded errors. Assumed, for want of a
record: 405, 408, 413, 415, and the generic 400.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus

from mockdock.dialects.base import Call
from mockdock.dialects.openai.durations import go_duration
from mockdock.dialects.openai.embeddings_failures import EMBEDDING_WORDS
from mockdock.dialects.openai.failed import INVALID, Told
from mockdock.limit import Measure
from mockdock.reply import Failure, FailureKind

__all__ = ["ORGANIZATION", "Told", "misroute", "oversize", "tell"]

ORGANIZATION = "org-mockdock"
_LIMITS_URL = "Visit https://platform.openai.com/account/rate-limits to learn more."
_DOCS_URL = "https://platform.openai.com/docs/api-reference/"
_KEYS_URL = "https://platform.openai.com/account/api-keys"
_SHORT_KEY = 11


def tell(failure: Failure) -> Told:
    """Word a failure; what it sets itself wins over the words of its kind."""
    usual = _WORDS[failure.kind](failure)
    status = failure.status or usual.status
    message, kind = usual.message, usual.type
    if status != usual.status:
        message = _phrase(status)
        kind = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else INVALID
    return Told(
        status,
        message if failure.message is None else failure.message,
        failure.type or kind,
        failure.param or usual.param,
        failure.code or usual.code,
        usual.edge,
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"HTTP {status}"


def misroute(call: Call, methods: frozenset[str]) -> Failure:
    """Refuse a path that does not exist, or a method it does not have.

    ``methods`` are those the path has, empty for an unknown path. Paths beside
    ``/v1`` are refused by the edge, with the right base URL in a header.
    """
    if methods:
        return Failure(
            "wrong_method",
            message=f"Not allowed to {call.method} on {call.path}. (HINT: Perhaps you meant to "
            "use a different HTTP method?)",
            headers={"allow": ", ".join(sorted(methods))},
        )
    where = f"{call.method} {call.path}"
    if not call.path.startswith("/v1/") or f"{call.path}/".startswith("/v1/v1/"):
        return Failure(
            "unknown_url",
            message=f"Unknown request URL: {where}. Please check the URL for typos, or see the "
            f"docs at {_DOCS_URL}.",
            headers={"x-mockdock-base-url": f"{call.base_url}/v1"},
        )
    return Failure("invalid_url", message=f"Invalid URL ({where})")


def oversize(limit: int) -> Failure:
    """Refuse a body of more than ``limit`` bytes."""
    return Failure(
        "too_large",
        message=f"Maximum content size limit ({limit}) exceeded.",
        headers={"connection": "close"},
    )


_MEASURES: dict[Measure, str] = {
    "rpm": "requests per min (RPM)",
    "rpd": "requests per day (RPD)",
    "tpm": "tokens per min (TPM)",
    "tpd": "tokens per day (TPD)",
    "concurrent": "concurrent requests",
}


def _rate(failure: Failure, usual: Measure, numbers: tuple[int, int, int], wait: str) -> str:
    """Word a refusal: the numbers of a limit, else those of a pasted error."""
    found = (failure.limit, failure.used, failure.requested)
    pairs = zip(found, numbers, strict=True)
    limit, used, requested = (known if mine is None else mine for mine, known in pairs)
    after = wait if failure.retry_after is None else go_duration(failure.retry_after)
    of_model = f" for {failure.model}" if failure.model else ""
    return (
        f"Rate limit reached{of_model} in organization {ORGANIZATION} on "
        f"{_MEASURES[failure.measure or usual]}: Limit {limit}, Used {used}, "
        f"Requested {requested}. Please try again in {after}. {_LIMITS_URL}"
    )


def _rate_limit(failure: Failure) -> Told:
    message = _rate(failure, "rpm", (3, 3, 1), "20s")
    return Told(429, message, "requests", None, "rate_limit_exceeded")


def _tokens_limit(failure: Failure) -> Told:
    message = _rate(failure, "tpm", (30000, 29937, 385), "644ms")
    return Told(429, message, "tokens", None, "rate_limit_exceeded")


def _request_too_large(failure: Failure) -> Told:
    limit = 30000 if failure.limit is None else failure.limit
    used = 30601 if failure.used is None else failure.used
    measure = _MEASURES[failure.measure or "tpm"]
    return Told(
        429,
        f"Request too large for {failure.model} in organization {ORGANIZATION} on {measure}: "
        f"Limit {limit}, Requested {used}. The input or output tokens must be reduced in "
        f"order to run successfully. {_LIMITS_URL}",
        "tokens",
        None,
        "rate_limit_exceeded",
    )


def _quota(_: Failure) -> Told:
    return Told(
        429,
        "You exceeded your current quota, please check your plan and billing details. For more "
        "information on this error, read the docs: "
        "https://platform.openai.com/docs/guides/error-codes/api-errors.",
        "insufficient_quota",
        None,
        "insufficient_quota",
    )


def _auth(failure: Failure) -> Told:
    return Told(
        401,
        f"Incorrect API key provided: {_masked(failure.key)}. You can find your API key at "
        f"{_KEYS_URL}.",
        INVALID,
        None,
        "invalid_api_key",
    )


def _masked(key: str) -> str:
    if len(key) <= _SHORT_KEY:
        return key
    return f"{key[:7]}{'*' * (len(key) - 11)}{key[-4:]}"


def _missing_key(_: Failure) -> Told:
    return Told(
        401,
        "You didn't provide an API key. You need to provide your API key in an Authorization "
        "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field "
        "(with blank username) if you're accessing the API from your browser and are prompted for "
        f"a username and password. You can obtain an API key from {_KEYS_URL}.",
        INVALID,
        None,
        None,
    )


def _unknown_model(failure: Failure) -> Told:
    return Told(
        404,
        f"The model `{failure.model}` does not exist or you do not have access to it.",
        INVALID,
        None,
        "model_not_found",
    )


def _no_stored(failure: Failure) -> Told:
    named = f" with id '{failure.what}'" if failure.what else ""
    return Told(404, f"Chat completion{named} not found.", INVALID, None, None)


def _no_such_cursor(failure: Failure) -> Told:
    what = "message" if failure.what == "messages" else "stored chat completion"
    message = f"Invalid value for 'after': expected the ID of a {what}."
    return Told(400, message, INVALID, "after", "invalid_value")


def _context_length(failure: Failure) -> Told:
    shares = failure.shares
    if "prompt" in shares:
        message = (
            f"This model's maximum context length is {failure.limit} tokens, however you requested "
            f"{failure.used} tokens ({shares['prompt']} in your prompt; "
            f"{shares.get('completion', 0)} for the completion). Please reduce your prompt; or "
            "completion length."
        )
        return Told(400, message, INVALID, None, None)
    requested = f"your messages resulted in {failure.used} tokens"
    parts = [f"{tokens} in the {part}" for part, tokens in shares.items()]
    if "completion" in shares:
        requested = f"you requested {failure.used} tokens"
    if len(shares) > 1:
        requested += f" ({', '.join(parts) if len(parts) == 2 else _listed(parts, 'and')})"  # noqa: PLR2004
    reduce = _listed([*shares] or ["messages"], "or")
    return Told(
        400,
        f"This model's maximum context length is {failure.limit} tokens. However, {requested}. "
        f"Please reduce the length of the {reduce}.",
        INVALID,
        "messages",
        "context_length_exceeded",
    )


def _listed(words: Sequence[str], last: str) -> str:
    """Write a list as the service does: "a and b", "a, b, and c"."""
    if len(words) <= 2:  # noqa: PLR2004
        return f" {last} ".join(words)
    return f"{', '.join(words[:-1])}, {last} {words[-1]}"


def _fixed(
    status: int, message: str, kind: str = INVALID, code: str | None = None, *, edge: bool = False
) -> Callable[[Failure], Told]:
    told = Told(status, message, kind, None, code, edge)
    return lambda _: told


_WORDS: dict[FailureKind, Callable[[Failure], Told]] = {
    "rate_limit": _rate_limit,
    "tokens_limit": _tokens_limit,
    "request_too_large": _request_too_large,
    "quota": _quota,
    "overloaded": _fixed(
        503,
        "That model is currently overloaded with other requests. You can retry your request, or "
        "contact us through our help center at help.openai.com if the error persists.",
        "server_error",
    ),
    "server_error": _fixed(
        500,
        "The server had an error while processing your request. Sorry about that!",
        "server_error",
    ),
    "timeout": _fixed(408, "Request timed out.", "timeout"),
    "auth": _auth,
    "missing_key": _missing_key,
    "permission": _fixed(
        403,
        "Country, region, or territory not supported",
        "request_forbidden",
        "unsupported_country_region_territory",
    ),
    "not_found": _unknown_model,
    "model_not_found": _unknown_model,
    "bad_request": _fixed(400, "Your request was malformed or missing some required parameters."),
    "context_length": _context_length,
    "content_filter": _fixed(
        400,
        "Invalid prompt: your prompt was flagged as potentially violating our usage policy. "
        "Please try again with a different prompt: "
        "https://platform.openai.com/docs/guides/reasoning#advice-on-prompting",
        code="invalid_prompt",
    ),
    "no_match": _fixed(404, "No rule matches this request.", code="mockdock_no_match"),
    "exhausted": _fixed(404, "The rule has no reply left.", code="mockdock_exhausted"),
    "no_stored": _no_stored,
    "no_such_cursor": _no_such_cursor,
    "not_a_fine_tune": _fixed(403, "You have insufficient permissions for this operation."),
    "unknown_url": _fixed(404, "Unknown request URL.", code="unknown_url", edge=True),
    "invalid_url": _fixed(404, "Invalid URL"),
    "wrong_method": _fixed(405, "Not allowed."),
    "guard": _fixed(446, "A guard did not let it pass."),
    "no_guard": _fixed(404, "Guard not found"),
    "too_large": _fixed(413, "Maximum content size limit exceeded."),
    **EMBEDDING_WORDS,
}
