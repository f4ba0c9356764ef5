"""Joins the chunks of a stream into what a plain answer would have said."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

__all__ = ["joined", "plain", "without_ids"]

_TOP = ("id", "created", "model", "service_tier", "system_fingerprint")
_WRITTEN = {"function": "arguments", "custom": "input"}


def joined(events: Sequence[Any]) -> dict[str, Any]:
    """Join the chunks of a stream that was asked for its usage, checking their order."""
    assert {event["object"] for event in events} == {"chat.completion.chunk"}
    for name in _TOP:
        assert len({event.get(name) for event in events}) == 1, f"{name} differs between chunks"
    *chunks, last = events
    assert all(chunk["usage"] is None for chunk in chunks), "the usage comes last"
    assert last["choices"] == []
    messages: dict[int, dict[str, Any]] = defaultdict(dict)
    finishes: dict[int, Any] = {}
    logprobs: dict[int, Any] = {}
    for chunk in chunks:
        (choice,) = chunk["choices"]
        index, message = choice["index"], messages[choice["index"]]
        assert index not in finishes, "nothing comes after the finish"
        assert ("role" in choice["delta"]) == (not message), "the role comes once, first"
        likely = choice.get("logprobs", "none")
        if index not in logprobs:
            logprobs[index] = likely
        else:
            logprobs[index] = _join_logprobs(logprobs[index], likely)
        _join(message, choice["delta"])
        if choice.get("finish_reason") is not None:
            assert choice["delta"] == {}
            finishes[index] = choice["finish_reason"]
    assert sorted(finishes) == sorted(messages)
    choices = [
        {
            "index": index,
            "message": _whole(messages[index]),
            "logprobs": logprobs[index],
            "finish_reason": finishes[index],
        }
        for index in sorted(messages)
    ]
    return {**_top(last), "choices": choices, "usage": last["usage"]}


def _top(body: dict[str, Any]) -> dict[str, Any]:
    """Give what an answer says beside its choices; not every dialect tells of a tier."""
    return {name: body.get(name) for name in _TOP}


def _join_logprobs(held: Any, more: Any) -> Any:
    """Put the entries of a chunk behind those held; null has none, left out stays left out."""
    assert (held == "none") == (more == "none")
    if more is None or more == "none":
        return held
    assert held is not None, "the first chunk of a choice says what is listed"
    assert {field for field in held if held[field] is None} == {
        field for field in more if more[field] is None
    }
    return {field: None if held[field] is None else held[field] + more[field] for field in held}


def _whole(message: dict[str, Any]) -> dict[str, Any]:
    """Give a joined message as a plain one: its audio in one piece."""
    whole = {"refusal": None, **message}
    if "audio" in message:
        whole["audio"] = {**message["audio"], "data": b64encode(message["audio"]["data"]).decode()}
    return whole


def _join_audio(message: dict[str, Any], part: dict[str, Any]) -> None:
    audio = message.setdefault("audio", {"id": part.get("id"), "data": b"", "transcript": ""})
    assert "expires_at" not in audio, "nothing comes after the end of the audio"
    assert part.get("id") == (None if "expires_at" in part else audio["id"])
    (field,) = set(part) - {"id"}
    if field == "data":
        audio[field] += b64decode(part[field], validate=True)
    elif field == "transcript":
        assert not audio["data"], "words come before their sound"
        audio[field] += part[field]
    else:
        audio[field] = part[field]


def _join(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for field, value in delta.items():
        if field == "audio":
            _join_audio(message, value)
        elif field == "tool_calls":
            (part,) = value
            _join_call(message.setdefault("tool_calls", []), part)
        elif field == "function_call" and field in message:
            assert set(value) == {"arguments"}
            message[field]["arguments"] += value["arguments"]
        elif isinstance(message.get(field), str):
            message[field] += value
        else:
            assert field not in message, f"{field} is given twice"
            message[field] = value


def _join_call(calls: list[dict[str, Any]], part: dict[str, Any]) -> None:
    if part["index"] == len(calls):
        calls.append({name: part[name] for name in part if name != "index"})
        return
    assert part["index"] == len(calls) - 1, "calls come one after the other"
    kind = calls[-1]["type"]
    assert set(part) == {"index", kind}
    written = _WRITTEN[kind]
    assert set(part[kind]) == {written}
    calls[-1][kind][written] += part[kind][written]


def plain(body: dict[str, Any]) -> dict[str, Any]:
    """Give of a plain answer what a stream tells too; logprobs left out are "none"."""
    assert body["object"] == "chat.completion"
    choices = [
        {
            **choice,
            "message": {n: v for n, v in choice["message"].items() if n != "annotations"},
            "logprobs": choice.get("logprobs", "none"),
        }
        for choice in body["choices"]
    ]
    return {**_top(body), "choices": choices, "usage": body["usage"]}


def without_ids(told: dict[str, Any]) -> dict[str, Any]:
    """Leave out what two requests to one server never share: ids, also those of calls."""
    choices = [
        {**choice, "message": {**choice["message"], **_anonymous(choice["message"])}}
        for choice in told["choices"]
    ]
    return {**told, "id": "", "choices": choices}


def _anonymous(message: dict[str, Any]) -> dict[str, Any]:
    nameless: dict[str, Any] = {}
    if "tool_calls" in message:
        nameless["tool_calls"] = [{**call, "id": ""} for call in message["tool_calls"]]
    if "audio" in message:
        nameless["audio"] = {**message["audio"], "id": ""}
    return nameless
