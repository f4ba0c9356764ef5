"""Joins LangDB's streams, and gives both forms of an answer as they can be compared.

A stream names the model as it was asked for, has an id on every event of which the first
is that of a plain answer, and tells a refusal and the words of sound as text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["joined", "plain"]


def joined(events: Sequence[Any]) -> dict[str, Any]:
    """Join the events of a stream, checking their order."""
    for name in ("created", "model"):
        assert len({event[name] for event in events}) == 1, f"{name} differs between events"
    *said, last = events
    assert last["choices"] == []
    assert all("usage" not in event for event in said), "the usage comes last"
    choices: dict[int, dict[str, Any]] = {}
    for event in said:
        (choice,) = event["choices"]
        held = choices.setdefault(choice["index"], _nothing(choice["index"]))
        assert held["finish_reason"] is None, "nothing comes after the finish"
        _join(held, choice)
    assert all(each["finish_reason"] for each in choices.values())
    return {
        "id": events[0]["id"],
        "created": last["created"],
        "model": last["model"],
        "choices": [choices[index] for index in sorted(choices)],
        "usage": last["usage"],
    }


def plain(body: Mapping[str, Any]) -> dict[str, Any]:
    """Give of a plain answer what a stream tells too."""
    assert body["object"] == "chat.completion"
    return {
        "id": body["id"],
        "created": body["created"],
        "model": body["model"].removeprefix("openai/"),
        "choices": [_of_plain(choice) for choice in body["choices"]],
        "usage": body["usage"],
    }


def _nothing(index: int) -> dict[str, Any]:
    return {"index": index, "message": {"content": ""}, "finish_reason": None, "logprobs": None}


def _join(held: dict[str, Any], choice: Mapping[str, Any]) -> None:
    message, delta = held["message"], choice["delta"]
    message["content"] += delta.get("content", "")
    held["finish_reason"] = choice["finish_reason"]
    if choice["logprobs"] is not None:
        assert choice["logprobs"]["refusal"] is None
        known = held["logprobs"] or {"content": [], "refusal": None}
        entries = known["content"] + choice["logprobs"]["content"]
        held["logprobs"] = {"content": entries, "refusal": None}
    if "tool_calls" in delta:
        calls = delta["tool_calls"]
        assert [call["index"] for call in calls] == [*range(len(calls))]
        message["tool_calls"] = [
            {name: value for name, value in call.items() if name != "index"} for call in calls
        ]
    if "function_call" in delta:
        message["function_call"] = delta["function_call"]


def _of_plain(choice: Mapping[str, Any]) -> dict[str, Any]:
    said = choice["message"]
    audio = said.get("audio", {}).get("transcript")
    likely = choice.get("logprobs")
    entries = likely and (likely["content"] or likely["refusal"])
    calls = {name: said[name] for name in ("tool_calls", "function_call") if said.get(name)}
    return {
        "index": choice["index"],
        "message": {"content": said["content"] or said.get("refusal") or audio or "", **calls},
        "finish_reason": choice["finish_reason"],
        "logprobs": {"content": entries, "refusal": None} if entries else None,
    }
