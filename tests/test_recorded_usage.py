"""Recorded requests through the whole product: usage is what the service reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mockdock.content.catalogue import load as load_catalogue
from mockdock.content.tokens import encoding_for
from mockdock.dialects import Call
from mockdock.dialects.openai import openai
from mockdock.engine import Engine
from mockdock.reply import Completion
from mockdock.request import Request
from mockdock.scenario import load

RECORDED = json.loads((Path(__file__).parent / "data" / "recorded-usage.json").read_text())["pairs"]
LEGACY = {"name": "get_current_weather", "arguments": '{\n  "location": "Boston"\n}'}


def answered(pair: dict[str, Any]) -> dict[str, Any]:
    """Script the recorded answer. The data set leaves the legacy call out; it is added here."""
    reply: dict[str, Any] = {"reasoning": pair["reasoning_tokens"] or 0}
    calls = [LEGACY] if "function_call" in pair["request"] else pair["tool_calls"]
    if calls:
        return {**reply, "tool_calls": calls}
    return {**reply, "text": pair["content"].replace("${", "$${")}


def test_there_are_twelve_pairs() -> None:
    assert len(RECORDED) == 12


@pytest.mark.parametrize("pair", RECORDED, ids=lambda pair: pair["source"])
@pytest.mark.parametrize("stream", [False, True])
def test_usage_is_what_was_recorded(pair: dict[str, Any], stream: bool) -> None:
    """From the wire request, through parse, decide and compose, to usage."""
    body = {"model": pair["model"], "stream": stream, **pair["request"]}
    call = Call("chat", "POST", "", {}, {}, json.dumps(body).encode(), "")
    request = openai.parse(call)
    assert isinstance(request, Request)
    engine = Engine(load({"mockdock": 1, "rules": [{"reply": answered(pair)}]}).scenario)
    reply = engine.compose(request, engine.decide(request), 0)
    assert isinstance(reply, Completion)
    assert reply.usage.prompt_tokens == pair["prompt_tokens"]
    assert reply.usage.completion_tokens == pair["completion_tokens"]
    assert reply.usage.total_tokens == pair["prompt_tokens"] + pair["completion_tokens"]


@pytest.mark.parametrize(
    "name",
    [
        *(model.id for model in load_catalogue().all()),
        "davinci-002",
        "gpt-oss-120b",
        "text-embedding-foo",
        "gpt-35-turbo",
        "openai/gpt-4",
        "ft:gpt-3.5-turbo:org::id",
        "my-own-model",
    ],
)
def test_the_encoding_that_counts_is_that_of_the_one_table(name: str) -> None:
    """Known or not, a model's tokens are counted as tiktoken's table says."""
    assert load_catalogue().resolve(name).encoding == encoding_for(name)
