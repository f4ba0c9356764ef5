"""From HTTP to a request: a deployment stands for a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from msgspec import structs

from mockdock.dialects.azure.failures import nowhere
from mockdock.dialects.azure.hints import near
from mockdock.dialects.base import Call, Sent
from mockdock.dialects.openai.body import json_object
from mockdock.dialects.openai.embeddings_parse import parse_embeddings
from mockdock.dialects.openai.parse import parse as parse_openai
from mockdock.dialects.openai.parse import parse_chat
from mockdock.dialects.openai.texts_parse import parse_texts
from mockdock.reply import Failure
from mockdock.request import Request

__all__ = ["parse"]

_VERSION = "api-version"
_OF_MODELS: Mapping[str, Callable[..., Request | Failure]] = {
    "chat": parse_chat,
    "completions": parse_texts,
    "embeddings": parse_embeddings,
}
"""What parses the operations that a deployment does."""


def parse(call: Call) -> Request | Failure:
    """Parse a call of any operation.

    The deployment is in the path, or, where that is ``/openai/v1``, the model of the
    body. Any other path wants an api-version.
    """
    version = next((value for name, value in call.query if name == _VERSION), "")
    if not version and not call.path.startswith("/openai/v1/"):
        return nowhere(**{"x-mockdock-warning": f"the query lacks {_VERSION}"})
    parsed = _named(call) if call.operation in _OF_MODELS else parse_openai(call)
    return replace(parsed, version=version) if isinstance(parsed, Request) else parsed


def _named(call: Call) -> Request | Failure:
    if "deployment" in call.params:
        return _deployed(call, call.params["deployment"])
    body = json_object(call)
    if isinstance(body, Failure):
        return body
    call, name = structs.replace(call, sent=Sent(body)), body.get("model")
    if isinstance(name, str) and name:
        return _deployed(call, name)
    return _OF_MODELS[call.operation](call)


def _deployed(call: Call, deployment: str) -> Request | Failure:
    """Parse a request to a deployment; without any declared, each stands for its name.

    So do unknown ones under lenient validation.
    """
    known = call.gateways.azure.deployments
    model = deployment if known is None else known.get(deployment)
    if model is None and not call.lenient:
        return Failure("model_not_found", deployment, headers=near(deployment, known or ()))
    parsed = _OF_MODELS[call.operation](call, model=model or deployment)
    return replace(parsed, deployment=deployment)
