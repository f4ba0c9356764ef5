"""What Azure adds to OpenAI's bodies: checked, and taken away for the types of OpenAI's package."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["as_openai", "without_filters"]

_PROMPT = {"hate", "jailbreak", "self_harm", "sexual", "violence"}
_CHOICE = (_PROMPT - {"jailbreak"}) | {"protected_material_code", "protected_material_text"}
_OF_ERROR = {"message", "type", "param", "code", "status", "innererror"}
_ERROR = 400


def as_openai(status: int, content_type: str, body: bytes) -> bytes:
    """Check an answer of Azure's, and give it as OpenAI would have written it."""
    if content_type.startswith("text/event-stream"):
        opening, *events = body.decode().split("\n\n")
        _check_opening(json.loads(opening.removeprefix("data: ")))
        return "\n\n".join(_event(each) for each in events).encode()
    told = json.loads(body)
    if status < _ERROR and _passed_on(told):
        return body
    if status < _ERROR:
        return json.dumps(without_filters(told)).encode()
    error = told["error"]
    assert {"message", "code"} <= set(error) <= _OF_ERROR
    kept = {name: error.get(name) for name in ("message", "param", "code")}
    return json.dumps({"error": {**kept, "type": error.get("type") or ""}}).encode()


def without_filters(told: dict[str, Any]) -> dict[str, Any]:
    """Take away what the filters say of a completion or a chunk, after a look at it."""
    _check_order(told)
    results = told.get("prompt_filter_results")
    if told["object"] != "text_completion":  # which an event of legacy completions is too
        assert (results is not None) == (told["object"] == "chat.completion")
    if results is not None:
        _check_prompts(results)
    choices = [_choice(choice) for choice in told.get("choices", ())]
    kept = {name: told[name] for name in told if name != "prompt_filter_results"}
    return {**kept, "choices": choices} if "choices" in told else kept


def _passed_on(told: dict[str, Any]) -> bool:
    """Tell embeddings, which Azure passes on in OpenAI's own order."""
    return told["object"] == "list" and "usage" in told


def _event(event: str) -> str:
    data = event.removeprefix("data: ")
    return f"data: {json.dumps(without_filters(json.loads(data)))}" if data[:1] == "{" else event


def _choice(choice: dict[str, Any]) -> dict[str, Any]:
    results = choice["content_filter_results"]
    assert set(results) in (set(), _CHOICE)
    found = [name for name in results if results[name]["filtered"]]
    assert bool(found) == (choice.get("finish_reason") == "content_filter")
    kept = {name: choice[name] for name in choice if name != "content_filter_results"}
    if {"delta", "message", "text"}.isdisjoint(kept):
        assert found, "a message is only left out where it was filtered"
        kept["message"] = {"role": "assistant", "content": None, "refusal": None}
    return kept


def _check_opening(event: dict[str, Any]) -> None:
    assert [*event] == ["choices", "created", "id", "model", "object", "prompt_filter_results"]
    assert [event[name] for name in [*event][:-1]] == [[], 0, "", "", ""]
    _check_prompts(event["prompt_filter_results"])


def _check_prompts(results: list[dict[str, Any]]) -> None:
    for at, prompt in enumerate(results):
        assert [*prompt] == ["prompt_index", "content_filter_results"]
        assert set(prompt["content_filter_results"]) == _PROMPT
        assert prompt["prompt_index"] == at


def _check_order(value: Any) -> None:
    """Check that keys come in alphabetical order, at any depth but below the prompt's results."""
    match value:
        case dict():
            assert [*value] == sorted(value)
            for name in value:
                if name != "prompt_filter_results":
                    _check_order(value[name])
        case list():
            for each in value:
                _check_order(each)
