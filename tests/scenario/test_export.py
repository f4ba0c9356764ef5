"""The language as JSON Schema."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from mockdock.scenario import Scenario
from mockdock.scenario.export import json_schema

SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

EVERYTHING: dict[str, Any] = {
    "mockdock": 1,
    "name": "all",
    "description": "everything there is",
    "seed": 3,
    "models": ["a", {"id": "b", "encoding": "o200k_base", "context_window": 9, "reasoning": True}],
    "validation": "lenient",
    "auth": {"keys": ["k"]},
    "pacing": {"ttft": "300ms", "itl": {"median": "1s", "sigma": 0.2, "max": "2s"}, "chunk": 3},
    "rules": [
        {
            "name": "r",
            "when": {
                "dialect": "openai",
                "api": "chat",
                "model": ["gpt-*", "o*"],
                "user": "x",
                "system": {"equals": "a", "contains": ["a"], "not": {"matches": "(b)"}},
                "turn": 2,
                "attempt": {"at_least": 1, "at_most": 3},
                "after_tool": True,
                "offers_tool": "get_*",
                "stream": False,
                "headers": {"a": True, "b": "x", "c": {"equals": "y"}},
                "body": {"metadata": {"a": [1, None]}},
                "state": {"a": None, "b": 1.5},
            },
            "replies": [
                "text",
                {"json": None, "usage": {"cached_tokens": 1}, "finish": "length"},
                {"file": "x.json", "headers": {"a": "b"}, "pacing": {"tps": 3.5}},
                {"choices": ["a", {"refusal": "b"}, {"generate": {"kind": "echo", "tokens": 3}}]},
                {"reasoning": 3, "tool_calls": [{"name": "f", "arguments": {"a": 1}, "id": "i"}]},
                {"error": "rate_limit", "retry_after": "20s", "should_retry": False},
                {"error": 503, "retry_after": "2s", "message": "m", "type": None},
            ],
            "per": "request",
            "after_last": "cycle",
            "times": 3,
            "set_state": {"a": True},
        },
        {"reply": "x", "when": {"model": "a", "user": {"contains": "b"}}},
    ],
    "otherwise": {"text": "x"},
}


def test_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_everything_valid_validates() -> None:
    Scenario.model_validate({**EVERYTHING, "include": "a.yaml"})
    VALIDATOR.validate({**EVERYTHING, "include": ["a.yaml"]})
    VALIDATOR.validate({**EVERYTHING, "include": "a.yaml"})


@pytest.mark.parametrize(
    "more",
    [
        {"rulez": []},
        {"mockdock": 2},
        {"otherwise": "something"},
        {"pacing": {"ttft": 300}},
        {"pacing": {"ttft": "300"}},
        {"rules": [{"name": "x"}]},
        {"rules": [{"reply": {"txt": "x"}}]},
        {"rules": [{"reply": {"error": "rate"}}]},
        {"rules": [{"reply": "x", "when": {"turn": -1}}]},
        {"rules": [{"reply": "x", "when": {"dialect": "openai_chat"}}]},
        {"rules": [{"reply": {"error": 500, "retry_after": "none"}}]},
        {"pacing": {"itl": {"median": "1s", "sigma": 10.5}}},
        {"rules": [{"reply": "x", "when": {"user": {"not_": "x"}}}]},
    ],
)
def test_wrong_scenarios_do_not(more: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid({"mockdock": 1, **more})


@pytest.mark.parametrize("word", ["auto", "fail", "echo", "lorem", {"error": 500}, None])
def test_otherwise_is_a_word_or_a_mapping(word: Any) -> None:
    VALIDATOR.validate({"mockdock": 1, "otherwise": word})


def test_every_key_is_described() -> None:
    """An editor can say what each key is for."""
    for name, part in {"Scenario": SCHEMA, **SCHEMA["$defs"]}.items():
        for key, value in part.get("properties", {}).items():
            assert value.get("description"), f"{name}.{key}"
            assert "title" not in value
