"""What is said of a key that the language does not have in its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mockdock.scenario.base import Complaint, nearest, shown
from mockdock.scenario.conditions import When
from mockdock.scenario.models import Rule, Scenario
from mockdock.scenario.replies import CONTENT, ErrorSpec, ReplySpec
from mockdock.scenario.seldom import Seldom

__all__ = ["is_tag", "unknown_key"]

_TAG = re.compile(r"<\w+>")
_SAID = "did you mean 'reply'?"
_WORDS = "did you mean 'text'?"
_PACE = "pacing: {ttft: 300ms}"
_MEANT: Mapping[type[BaseModel], Mapping[str, str]] = {
    Rule: {
        "answer": _SAID,
        "content": _SAID,
        "response": _SAID,
        "responses": "did you mean 'replies'?",
        "match": "did you mean 'when'?",
        "status": "write reply: {error: 429}",
        "delay": f"write reply: {{text: Hello!, {_PACE}}}",
    },
    ReplySpec: {
        "content": _WORDS,
        "response": _WORDS,
        "status": "an error is written with its status, such as error: 429",
        "delay": f"write {_PACE}",
        "match": "conditions belong under the rule's 'when'",
    },
    ErrorSpec: {
        "content": "did you mean 'message'?",
        "status": "write it as the error, such as error: 429",
    },
    When: {
        "content": "did you mean 'user'?",
        "message": "did you mean 'user'?",
        "match": "write user: {matches: ...}",
    },
}
"""What is meant by words that are right elsewhere."""


def is_tag(part: str | int) -> bool:
    """Tell whether a part of a place only tells which of several models is meant."""
    return isinstance(part, str) and _TAG.fullmatch(part) is not None


def unknown_key(place: tuple[str | int, ...]) -> Complaint:
    """Complain about the key at the end of a place, which may have tags in it."""
    key, models = place[-1], _models_at(place[:-1])
    if models == {ErrorSpec} and key in CONTENT:
        return Complaint(f"{shown(key)} and 'error' exclude each other", on_key=True)
    return Complaint(f"unknown key {shown(key)}", _hint(key, models), on_key=True)


def _hint(key: str | int, models: set[type[BaseModel]]) -> str:
    for model in models:
        if meant := _MEANT.get(model, {}).get(str(key)):
            return meant
    known = _keys(models)
    if models == {Rule} and key in _keys({ReplySpec, ErrorSpec}):
        return f"{shown(key)} belongs into the reply, such as reply: {{{_beside(key)}{key}: ...}}"
    if models == {ReplySpec}:
        if key in ErrorSpec.model_fields:
            return "an error has the key 'error'"
        return _nearest_of(key, [*sorted(known), "error"])
    return _nearest_of(key, sorted(known))


def _beside(key: str | int) -> str:
    """Give what an example needs besides a key, to be a whole reply."""
    if key == "error" or key in CONTENT:
        return ""
    return "text: Hello!, " if key in _keys({ReplySpec}) else "error: 429, "


def _nearest_of(key: str | int, known: list[str]) -> str:
    return nearest(key, known) or (f"one of: {', '.join(known)}" if known else "")


def _keys(models: set[type[BaseModel]]) -> set[str]:
    return {info.alias or name for model in models for name, info in model.model_fields.items()}


def _models_at(place: tuple[str | int, ...]) -> set[type[BaseModel]]:
    """Walk from the scenario down to a mapping, and give what it may be."""
    models: set[type[BaseModel]] = {Scenario}
    for part in place:
        if is_tag(part):
            models = {model for model in models if f"<{model.__name__}>" == part}
        elif isinstance(part, str):
            below = {
                found
                for model in models
                for name, info in model.model_fields.items()
                if part in (name, info.alias)
                for found in _models(info)
            }
            models = below or models
    return models


def _models(info: FieldInfo) -> Iterator[type[BaseModel]]:
    yield from _named(info.annotation)
    yield from (each.model for each in info.metadata if isinstance(each, Seldom))


def _named(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _named(inner)
