"""The Vercel AI SDK in Node, through ``@ai-sdk/openai`` and ``@ai-sdk/openai-compatible``.

``node/ai-sdk.mjs`` runs all cases in one process for each of the two, and prints what came
of them; ``node/langdock.mjs`` is the example of Langdock's documents.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from mockdock import Server
from mockdock.observe import Exchange
from tests.clients.needs import NODE

LIMITED = {"error": "rate_limit", "retry_after": "20s"}
SCENARIO = {
    "mockdock": 1,
    "rules": [
        {"when": {"user": {"equals": "limited"}}, "replies": [LIMITED, "Welcome back."]},
        {"when": {"user": {"equals": "always limited"}}, "reply": LIMITED},
        {
            "when": {"user": {"equals": "wrong"}},
            "reply": {"error": "bad_request", "message": "No.", "param": "messages"},
        },
    ],
}


@pytest.fixture(scope="module")
def exchanges() -> list[Exchange]:
    """Collect what both providers ask."""
    return []


@pytest.fixture(scope="module")
def url(exchanges: list[Exchange]) -> Iterator[str]:
    """Serve made-up answers and a few errors."""
    with Server(SCENARIO, observers=[exchanges.append]) as server:
        yield server.base_url


@pytest.fixture(scope="module", params=["openai", "compatible"])
def provider(request: pytest.FixtureRequest) -> str:
    """Name a provider package."""
    return str(request.param)


@pytest.fixture(scope="module")
def results(url: str, provider: str) -> dict[str, Any]:
    """Run all cases with one provider."""
    return run_in_node("ai-sdk.mjs", url, provider)


def run_in_node(*arguments: str) -> dict[str, Any]:
    """Run a script, and read the JSON it prints."""
    run = subprocess.run(
        ["node", *arguments],
        cwd=NODE,
        env={**os.environ, "AI_SDK_LOG_WARNINGS": "false"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_a_text(results: dict[str, Any]) -> None:
    text = results["text"]
    assert text["text"]
    assert text["finish"] == "stop"
    assert text["input"] == 8
    assert text["output"] > 0


def test_a_stream_is_the_text_in_parts(results: dict[str, Any]) -> None:
    """Usage comes with it: one asks for it by itself, the other is told to."""
    stream = dict(results["stream"])
    assert stream.pop("parts") > 5
    assert stream == results["text"]


@pytest.mark.parametrize("case", ["tools", "streamedTools"])
def test_a_tools_round_trip(case: str, results: dict[str, Any]) -> None:
    """Call, result, closing text: the loop ends by itself before its five steps."""
    first, last = results[case]["steps"]
    assert first["finish"] == "tool-calls"
    ((name, arguments),) = first["calls"]
    assert name == "weather"
    assert first["results"] == [f"21 degrees in {arguments['city']}"]
    assert last == {"finish": "stop", "calls": [], "results": []}
    assert first["results"][0] in results[case]["text"]


def test_a_streamed_tool_call_comes_in_parts(results: dict[str, Any]) -> None:
    parts = results["streamedTools"]["parts"]
    call = ["tool-input-start", "tool-input-delta", "tool-input-end", "tool-call", "tool-result"]
    assert [part for part in parts if part.startswith("tool-")] == call
    assert parts[-1] == "finish"


def test_a_forced_tool(results: dict[str, Any]) -> None:
    ((name, arguments),) = results["forcedTool"]
    assert name == "weather"
    assert arguments.keys() == {"city"}


@pytest.mark.parametrize("case", ["object", "output"])
def test_an_object(case: str, results: dict[str, Any]) -> None:
    """The SDK has validated it against the schema of zod."""
    assert results[case].keys() == {"name", "age", "mood"}


def test_a_streamed_object_grows(results: dict[str, Any]) -> None:
    streamed = results["streamedObject"]
    assert streamed["object"] == results["object"]
    assert streamed["partials"] > 2


def test_a_rate_limit_is_waited_out(
    results: dict[str, Any], provider: str, exchanges: list[Exchange]
) -> None:
    """It honours ``retry-after-ms``, and does not count its attempts aloud."""
    assert results["retry"]["text"] == "Welcome back."
    asked = [
        exchange.status
        for exchange in exchanges
        if exchange.session == provider
        and exchange.request is not None
        and exchange.request.user_text == "limited"
    ]
    assert asked == [429, 200]


def test_a_rate_limit_that_stays(results: dict[str, Any]) -> None:
    exhausted = results["exhausted"]
    assert exhausted["error"] == "AI_RetryError"
    assert exhausted["reason"] == "maxRetriesExceeded"
    assert exhausted["status"] == 429
    assert "Rate limit reached for gpt-4o" in exhausted["message"]


def test_a_refused_request_tells_why(results: dict[str, Any]) -> None:
    """The error body is read as OpenAI's, and nothing is tried again."""
    refused = results["refused"]
    assert refused["error"] == "AI_APICallError"
    assert (refused["status"], refused["message"], refused["retryable"]) == (400, "No.", False)
    assert refused["data"]["error"]["param"] == "messages"


def test_a_refused_stream_ends_in_an_error(results: dict[str, Any]) -> None:
    assert 400 in results["streamedRefusal"]
    assert "error" in results["streamedRefusal"]
    assert "text-delta" not in results["streamedRefusal"]


POEM = "In moonlit shadows soft they prowl,\nWith eyes aglow in night's dark cowl."
LANGDOCK = {
    "mockdock": 1,
    "rules": [
        {"when": {"dialect": "langdock", "user": "poem about cats"}, "reply": POEM},
        {"when": {"user": {"equals": "limited"}}, "replies": [LIMITED, "Welcome back."]},
    ],
}


@pytest.fixture(scope="module")
def asked() -> list[Exchange]:
    """Collect what the example of Langdock's documents asks."""
    return []


@pytest.fixture(scope="module")
def langdock(asked: list[Exchange]) -> Iterator[dict[str, Any]]:
    """Run the example of Langdock's documents, and what is near to it."""
    with Server(LANGDOCK, observers=[asked.append], time_scale=0) as server:
        yield run_in_node("langdock.mjs", f"{server.url}/openai/eu/v1")


def test_langdocks_example_gets_its_poem(langdock: dict[str, Any]) -> None:
    assert langdock["text"] == {"text": POEM, "finish": "stop", "input": 13}


@pytest.mark.parametrize("case", ["stream", "reasoningStream"])
def test_langdocks_example_streams_its_poem(langdock: dict[str, Any], case: str) -> None:
    """No usage: the SDK always sends stream_options, which Langdock does not support."""
    stream = langdock[case]
    assert "".join(stream["parts"]) == stream["text"] == POEM
    assert len(stream["parts"]) > 5
    assert stream["finish"] == "stop"
    assert "input" not in stream


def test_what_langdock_ignores_of_the_sdk_is_told(
    langdock: dict[str, Any], asked: list[Exchange]
) -> None:
    assert langdock["stream"]["text"] == POEM
    streams = [each for each in asked if each.request is not None and each.request.stream]
    assert {each.path for each in streams} == {"/openai/eu/v1/chat/completions"}
    told = {dict(each.head.headers)[b"x-mockdock-ignored"] for each in streams}
    assert told == {b"stream_options"}


def test_langdocks_limit_is_waited_out_though_its_body_is_flat(
    langdock: dict[str, Any], asked: list[Exchange]
) -> None:
    assert langdock["retry"] == "Welcome back."
    statuses = [
        each.status
        for each in asked
        if each.request is not None and each.request.user_text == "limited"
    ]
    assert statuses == [429, 200]


def test_langdocks_vectors(langdock: dict[str, Any]) -> None:
    assert langdock["vectors"] == {"lengths": [1536, 1536], "tokens": 3}


@pytest.mark.parametrize("case", ["letter", "letterPlain"])
def test_langdocks_example_to_the_letter_is_told_what_to_write(
    langdock: dict[str, Any], case: str
) -> None:
    """The SDK of today asks for the Responses API there; it tries once, and shows our words."""
    told = langdock[case]
    (refused,) = told if isinstance(told, list) else [told]
    assert (refused["error"], refused["status"], refused["retryable"]) == (
        "AI_APICallError",
        404,
        False,
    )
    assert refused["url"].endswith("/openai/eu/v1/responses")
    assert "with the Vercel AI SDK, write .chat(model)" in json.loads(refused["body"])["message"]
