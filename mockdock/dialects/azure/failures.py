"""Azure's words for failures: those of its front door, and OpenAI's for what the model refuses.

Recorded: the 401 and the unknown deployment. Pasted: the two 429s, the content filter,
the firewall's 403, the 404 of a path or without an api-version, and the 408. Assumed,
for want of a record: that a wrong method is that 404 as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from mockdock.dialects.azure.hints import beside
from mockdock.dialects.base import Call
from mockdock.dialects.openai import failures as openai
from mockdock.reply import Failure, FailureKind
from mockdock.request import Request

__all__ = ["body", "misroute", "nowhere", "oversize", "status"]

_ACCESS_DENIED = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a "
    "valid key for an active subscription and use a correct regional API endpoint for your "
    "resource."
)
_NO_DEPLOYMENT = (
    "The API deployment for this resource does not exist. If you created the deployment within "
    "the last 5 minutes, please wait a moment and try again."
)
_FIREWALL = "Access denied due to Virtual Network/Firewall rules."
_FILTERED = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management "
    "policy. Please modify your prompt and retry. To learn more about our content filtering "
    "policies please read our documentation: https://go.microsoft.com/fwlink/?linkid=2198766"
)
_QUOTA = "https://aka.ms/oai/quotaincrease"
_NEWEST = "2024-10-21"
"""The version that errors name where a client named none."""
_MINUTE = 60
_OPERATIONS = {
    "chat": "ChatCompletions_Create",
    "completions": "Completions_Create",
    "embeddings": "Embeddings_Create",
    "models": "Models_List",
}
"""What errors call what was asked for."""
_DOINGS = {
    "chat": "chatCompletion",
    "chat/completions": "chatCompletion",
    "completions": "completion",
}
"""What a model is said not to do."""


def nowhere(**headers: str) -> Failure:
    """Refuse what there is not: a path, a method, or a call without its api-version."""
    return Failure("unknown_url", headers=headers)


def misroute(call: Call, _: frozenset[str]) -> Failure:
    """Refuse a path or a method that does not exist, which are one to Azure."""
    return nowhere(**beside(call))


def oversize(limit: int) -> Failure:
    """Refuse a body of more than ``limit`` bytes."""
    return openai.oversize(limit)


def status(failure: Failure) -> int:
    """Give the HTTP status of a failure."""
    if failure.kind == "wrong_model" and failure.status is None:
        return 400
    return openai.tell(failure).status


def body(request: Request | None, failure: Failure) -> bytes:
    """Give the error body; what a failure sets itself wins over the words of its kind.

    As recorded and pasted: the front door writes compact JSON, two of its errors with
    a blank before the message, the backend JSON indented by two spaces.
    """
    words = _WORDS.get(failure.kind)
    if words is None:
        return orjson.dumps(openai.tell(failure).body(), option=orjson.OPT_INDENT_2)
    error = words(request, failure)
    if str(error["code"]).isdigit():
        error["code"] = str(status(failure))
    for name in ("message", "type", "param", "code"):
        own = getattr(failure, name)
        if own is not None:
            error[name] = own
    if failure.kind in _INDENTED:
        return orjson.dumps({"error": error}, option=orjson.OPT_INDENT_2)
    told = orjson.dumps({"error": error})
    return told.replace(b'"message":', b'"message": ', 1) if failure.kind in _SPACED else told


_Words = Callable[[Request | None, Failure], dict[str, Any]]


def _plain(code: str, message: str) -> _Words:
    return lambda *_: {"code": code, "message": message}


def _too_many(what: str) -> _Words:
    def words(request: Request | None, failure: Failure) -> dict[str, Any]:
        operation, version = _OPERATIONS["chat"], _NEWEST
        if request is not None:
            operation = _OPERATIONS.get(request.api, operation)
            version = request.version or version
        wait = _MINUTE if failure.retry_after is None else max(1, math.ceil(failure.retry_after))
        message = (
            f"Requests to the {operation} Operation under Azure OpenAI API version "
            f"{version} have exceeded {what} rate limit of your current OpenAI S0 pricing tier. "
            f"Please retry after {wait} second{'s' * (wait != 1)}. Please go here: {_QUOTA} if "
            "you would like to further increase the default rate limit."
        )
        return {"code": "429", "message": message}

    return words


def _filtered(_: Request | None, failure: Failure) -> dict[str, Any]:
    safe = {"filtered": False, "severity": "safe"}
    return {
        "message": _FILTERED,
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": status(failure),
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {
                "hate": safe,
                "jailbreak": {"filtered": True, "detected": True},
                "self_harm": safe,
                "sexual": safe,
                "violence": safe,
            },
        },
    }


def _no_deployment(_: Request | None, __: Failure) -> dict[str, Any]:
    return {
        "type": "invalid_request_error",
        "code": "DeploymentNotFound",
        "message": _NO_DEPLOYMENT,
    }


def _wrong_model(_: Request | None, failure: Failure) -> dict[str, Any]:
    """Refuse an operation that a model does not do (graphrag#1557, langchainjs#2633)."""
    operation = _DOINGS.get(failure.what, failure.what)
    return {
        "code": "OperationNotSupported",
        "message": f"The {operation} operation does not work with the specified model, "
        f"{failure.model}. Please choose different model and try again. You can learn more about "
        "which models can be used with each operation here: "
        "https://go.microsoft.com/fwlink/?linkid=2197993.",
    }


_WORDS: Mapping[FailureKind, _Words] = {
    "wrong_model": _wrong_model,
    "auth": _plain("401", _ACCESS_DENIED),
    "missing_key": _plain("401", _ACCESS_DENIED),
    "permission": _plain("403", _FIREWALL),
    "model_not_found": _no_deployment,
    "not_found": _no_deployment,
    "rate_limit": _too_many("call"),
    "tokens_limit": _too_many("token"),
    "request_too_large": _too_many("token"),
    "timeout": _plain("Timeout", "The operation was timeout."),
    "content_filter": _filtered,
    "unknown_url": _plain("404", "Resource not found"),
}
"""What Azure says itself, in words of its own."""
_SPACED = frozenset({"permission", "unknown_url"})
_INDENTED = frozenset({"model_not_found", "not_found"})
