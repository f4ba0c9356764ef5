"""The joined stream of every dialect says what its plain answer says."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conformance.adapters import ADAPTERS, Adapter
from tests.conformance.asgi import app_of, post


def joined(events: list[Any]) -> dict[str, Any]:
    """Join the chunks of a stream into the choices and the usage of a plain answer."""
    assert len({(e["id"], e["created"], e["model"], e["object"]) for e in events}) == 1
    messages: dict[int, dict[str, Any]] = defaultdict(dict)
    finishes: dict[int, str] = {}
    usage = None
    for event in events:
        assert usage is None, "the usage comes last"
        usage = event.get("usage")
        assert bool(usage) == (event["choices"] == [])
        for choice in event["choices"]:
            index, message = choice["index"], messages[choice["index"]]
            assert index not in finishes, "nothing comes after the finish"
            assert ("role" in choice["delta"]) == (not message), "the role comes once, first"
            _join(message, choice["delta"])
            if choice["finish_reason"] is not None:
                assert choice["delta"] == {}
                finishes[index] = choice["finish_reason"]
    assert sorted(finishes) == sorted(messages)
    choices = [{"message": messages[i], "finish_reason": finishes[i]} for i in sorted(messages)]
    return {"choices": choices, "usage": usage}


def _join(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for field, value in delta.items():
        if field == "tool_calls":
            (part,) = value
            calls = message.setdefault("tool_calls", [])
            if part["index"] == len(calls):
                calls.append({name: part[name] for name in part if name != "index"})
            else:
                assert part["index"] == len(calls) - 1, "calls come one after the other"
                assert set(part) == {"index", "function"}
                calls[-1]["function"]["arguments"] += part["function"]["arguments"]
        elif isinstance(message.get(field), str):
            message[field] += value
        else:
            message[field] = value


def plain(body: dict[str, Any]) -> dict[str, Any]:
    """Give of a plain answer what a stream tells too."""
    choices = [
        {
            "message": {
                name: value for name, value in choice["message"].items() if name != "annotations"
            },
            "finish_reason": choice["finish_reason"],
        }
        for choice in body["choices"]
    ]
    return {"choices": choices, "usage": body["usage"]}


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="$"), max_size=60)
calls = st.fixed_dictionaries(
    {"name": st.sampled_from(["find", "get_weather"]), "arguments": texts}
)
parts = st.one_of(
    st.fixed_dictionaries({"text": texts}),
    st.fixed_dictionaries({"refusal": texts}),
    st.fixed_dictionaries({"tool_calls": st.lists(calls, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"text": texts, "tool_calls": st.lists(calls, min_size=1, max_size=3)}),
)
replies = st.one_of(parts, st.fixed_dictionaries({"choices": st.lists(parts, min_size=1)}))
limits: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.integers(1, 40).map(lambda most: {"max_tokens": most}),
    st.sampled_from(["a", "e", " ", "\n"]).map(lambda stop: {"stop": stop}),
)


@pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda adapter: adapter.name)
@settings(max_examples=150, deadline=None)
@given(
    reply=replies,
    limit=limits,
    n=st.integers(1, 3),
    model=st.sampled_from(["gpt-3.5-turbo", "gpt-4o", "gpt-5-nano"]),
    chunk=st.sampled_from(["token", "word", 5]),
)
def test_the_joined_stream_is_the_plain_answer(
    adapter: Adapter, reply: Any, limit: dict[str, Any], n: int, model: str, chunk: Any
) -> None:
    """Content, refusals, calls, finish reasons and usage; also when cut."""
    app = app_of({"reply": reply}, pacing={"chunk": chunk})
    body = {"model": model, "messages": [{"role": "user", "content": "?"}], "n": n, **limit}
    streamed = {**body, "stream": True, "stream_options": {"include_usage": True}}
    whole = post(app, adapter.chat, body).json()
    told = plain(whole)
    for choice in told["choices"]:
        for call in choice["message"].get("tool_calls", ()):
            call["id"] = "ID"
    together = joined(post(app, adapter.chat, streamed).events())
    for choice in together["choices"]:
        message = choice["message"]
        message.setdefault("refusal", None)
        for call in message.get("tool_calls", ()):
            call["id"] = "ID"
    assert together == told
