"""LangDB's words for failures: an object with one text, and no more.

Of the source of its open gateway (8f3a206): the words for JSON that cannot be read, for
an unknown model (500), for rate limits (429, plain text), for a cost limit (400) and for
guards (446, 404). What
a model's provider refuses is told in that provider's words. Of its specification: the
code and message of what enterprises ask for. ASSUMED, for want of any source: the words
of 401, 403, 404 and 405, and that a project has to be named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus

import orjson

from mockdock.dialects.base import Call
from mockdock.dialects.openai import failures as openai
from mockdock.question import CreateModel, SetPrices
from mockdock.reply import Failure, FailureKind
from mockdock.request import Request

__all__ = [
    "bad_request",
    "body",
    "enterprise",
    "is_text",
    "misroute",
    "missing_project",
    "oversize",
    "status",
]

_ENTERPRISE = "enterprise"
"""The type of failures whose body has a code and a message."""


def bad_request(message: str, param: str | None = None) -> Failure:
    """Build a 400."""
    return Failure("bad_request", message=message, param=param)


def missing_project(call: Call) -> Failure:
    """Refuse a call that names no project; clients of OpenAI are told their base URL."""
    hint = "langdb: {project: ...} of a scenario names one for those that do not"
    message = "Missing required header: X-Project-Id"
    if call.operation in ("chat", "embeddings") and not call.path.startswith("/v1/"):
        message += f" (mockdock: this path is LangDB's; OpenAI's base URL is {call.base_url}/v1)"
    return Failure(
        "bad_request",
        message=message,
        headers={"x-mockdock-hint": hint, "x-mockdock-base-url": f"{call.base_url}/v1"},
    )


def enterprise(status: int, message: str) -> Failure:
    """Build a failure of what enterprises ask for."""
    return Failure("bad_request", status=status, message=message, type=_ENTERPRISE)


def misroute(call: Call, methods: frozenset[str]) -> Failure:
    """Refuse a path or a method that does not exist."""
    if methods:
        allowed = ", ".join(sorted(methods))
        message = f"Method Not Allowed: {call.method} {call.path}, which takes {allowed}"
        return Failure("wrong_method", message=message, headers={"allow": allowed})
    return Failure("invalid_url", message=f"Not Found: {call.method} {call.path}")


def oversize(limit: int) -> Failure:
    """Refuse a body of more than ``limit`` bytes."""
    return openai.oversize(limit)


def status(failure: Failure) -> int:
    """Give the HTTP status of a failure."""
    if failure.status is not None:
        return failure.status
    words = _WORDS.get(failure.kind)
    return openai.tell(failure).status if words is None else words[0]


def _is_enterprise(request: Request | None, failure: Failure) -> bool:
    """Tell whether the body has a code: that of what enterprises ask for."""
    account = None if request is None else request.account
    asked = None if account is None else account.question
    return failure.type == _ENTERPRISE or isinstance(asked, CreateModel | SetPrices)


def is_text(request: Request | None, failure: Failure) -> bool:
    """Tell whether the body is plain text."""
    if _is_enterprise(request, failure):
        return False
    return failure.kind in _TEXTS and status(failure) == HTTPStatus.TOO_MANY_REQUESTS


def body(request: Request | None, failure: Failure) -> bytes:
    """Give the error body."""
    message = _message(failure)
    if _is_enterprise(request, failure):
        return orjson.dumps({"code": status(failure), "message": message})
    if is_text(request, failure):
        return message.encode("utf-8", "surrogatepass")
    if failure.kind == "guard" and status(failure) == _NOT_PASSED:
        details = {"type": "boolean", "passed": False}
        told = {"message": message, "guard_id": failure.what, "details": details}
        return orjson.dumps(told)
    named = {"guard_id": failure.what} if failure.kind == "no_guard" else {}
    return orjson.dumps({"error": message, **named})


def _message(failure: Failure) -> str:
    words = _WORDS.get(failure.kind)
    own = failure.status is not None and (words is None or failure.status != words[0])
    if failure.message is not None or words is None or own:
        return openai.tell(failure).message
    return words[1](failure)


_Words = tuple[int, Callable[[Failure], str]]


def _not_there(failure: Failure) -> str:
    return "Thread not found" if failure.what == "thread" else "Not Found"


_NOT_PASSED = 446
_LIMITED: _Words = (429, lambda _: "API call limit exceeded")
_TEXTS = frozenset({"rate_limit", "tokens_limit", "request_too_large"})
_WORDS: Mapping[FailureKind, _Words] = {
    "rate_limit": _LIMITED,
    "tokens_limit": _LIMITED,
    "request_too_large": _LIMITED,
    "quota": (400, lambda _: "Token usage limit exceeded"),
    "model_not_found": (500, lambda failure: f"Model {failure.model} not found"),
    "not_found": (404, _not_there),
    "guard": (_NOT_PASSED, lambda failure: f"Guard '{failure.what}' not passed"),
    "no_guard": (404, lambda _: "Guard not found"),
    "auth": (401, lambda _: "Unauthorized"),
    "missing_key": (401, lambda _: "Unauthorized"),
    "permission": (403, lambda _: "Forbidden"),
}
