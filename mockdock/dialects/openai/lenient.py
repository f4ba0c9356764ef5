"""Lenient validation: what cannot be read is left out, the rest stays."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from mockdock.dialects.openai.paths import Step, steps
from mockdock.dialects.openai.wire import MOST_MESSAGES, ChatRequest

__all__ = ["DEFAULT_MODEL", "validate_leniently"]

DEFAULT_MODEL = "gpt-4o-mini"
"""Answers for a lenient request that names no model."""

_ROUNDS = 20
_MOST_PAIRS = 10_000


def validate_leniently(body: dict[str, Any]) -> ChatRequest:
    """Validate a body after mending, in place, what is wrong with it.

    Unknown fields and odd values of optional fields are dropped, a message of
    an unknown role counts as the user's, missing content as empty, a missing
    model as ``DEFAULT_MODEL``; of too many messages the last ones are taken.
    Raises ValidationError when nothing helps.
    """
    _shorten(body)
    for _ in range(_ROUNDS):
        try:
            return ChatRequest.model_validate(body)
        except ValidationError as error:
            for each in reversed(error.errors(include_url=False)):
                _mend(body, each["type"], steps(body, each["loc"]))
    return ChatRequest.model_validate(body)


def _shorten(body: dict[str, Any]) -> None:
    """Drop at once what would be found wrong a million times."""
    for name in body.keys() - ChatRequest.model_fields.keys():
        del body[name]
    if isinstance(messages := body.get("messages"), list):
        body["messages"] = messages[-MOST_MESSAGES:]
    for name in ("metadata", "logit_bias"):
        if isinstance(value := body.get(name), dict) and len(value) > _MOST_PAIRS:
            del body[name]


def _mend(body: dict[str, Any], kind: str, path: tuple[Step, ...]) -> None:
    match path:
        case ("model",):
            body["model"] = DEFAULT_MODEL
        case ("messages",):
            body["messages"] = [{"role": "user", "content": ""}]
        case ("messages", int(index)) if kind.startswith("union_tag"):
            body["messages"][index]["role"] = "user"
        case ("messages", int(index)):
            body["messages"][index] = {"role": "user", "content": str(body["messages"][index])}
        case ("messages", int(index), str(field)) if kind == "missing":
            body["messages"][index][field] = ""
        case ("messages", int(index), "content"):
            content = body["messages"][index]["content"]
            body["messages"][index]["content"] = str(content) if content else ""
        case _:
            _drop(body, path if kind != "missing" else path[:-1])


def _drop(body: Any, path: tuple[Step, ...]) -> None:
    """Delete the value at ``path``, or the nearest thing above that is there."""
    value = body
    for step in path[:-1]:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return
    last = path[-1]
    if isinstance(value, dict):
        value.pop(last, None)
    elif isinstance(value, list) and isinstance(last, int) and last < len(value):
        del value[last]
