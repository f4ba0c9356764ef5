"""The Vercel AI SDK in Node, through ``@ai-sdk/openai`` and ``@ai-sdk/openai-compatible``.

``node/ai-sdk.mjs`` runs all cases in one process for each of the two, and prints what came
of them.
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
    run = subprocess.run(
        ["node", "ai-sdk.mjs", url, provider],
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
