"""The cases every dialect is led through, each with the golden file it must give."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["CHATS", "ERRORS", "MALFORMED", "MISROUTED", "Case", "Wrong"]


@dataclass(frozen=True)
class Case:
    """A scripted reply, a request, and the file that holds the bytes of the answer."""

    golden: str
    reply: Any
    body: dict[str, Any] = field(default_factory=dict)
    status: int = 200

    @property
    def stream(self) -> bool:
        """Tell whether the answer is a stream."""
        return self.golden.endswith(".sse")


@dataclass(frozen=True)
class Wrong:
    """A request that is refused before any rule is asked; ``where`` is "chat" or a path."""

    golden: str
    status: int
    body: bytes = b'{"model": "gpt-3.5-turbo", "messages": [{"role": "user", "content": "Hi"}]}'
    method: str = "POST"
    where: str = "chat"
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def _asks(text: str, model: str = "gpt-3.5-turbo", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


def _weather(text: str, model: str = "gpt-3.5-turbo", **more: Any) -> dict[str, Any]:
    location = {"type": "string", "description": "The city and state, e.g. San Francisco, CA"}
    function = {
        "name": "get_current_weather",
        "description": "Get the current weather",
        "parameters": {
            "type": "object",
            "properties": {"location": location},
            "required": ["location"],
        },
    }
    return _asks(text, model, tools=[{"type": "function", "function": function}], **more)


def _legacy(**more: Any) -> dict[str, Any]:
    function = {
        "name": "get_current_weather",
        "description": "Get the current weather in a given location",
        "parameters": {
            "type": "object",
            "properties": {
                "location": {
                    "type": "string",
                    "description": "The city and state, e.g. San Francisco, CA",
                },
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["location"],
        },
    }
    text = "What's the weather like in Boston?"
    return _asks(text, "gpt-4", functions=[function], function_call="auto", **more)


def _calls(*arguments: str, **usage: int) -> dict[str, Any]:
    calls = [{"name": "get_current_weather", "arguments": each} for each in arguments]
    return {"tool_calls": calls, **({"usage": usage} if usage else {})}


_HELLO = "Hello! How can I help you today?"
_YES_NO = {"choices": [{"text": "Yes!"}, {"text": "No"}]}
_REFUSAL = "I'm very sorry, but I can't assist with that request."
_BOTH = ('{"location": "San Francisco"}', '{"location": "Boston"}')

_SURE = {"mean": -0.25, "spread": 0}
_FOO = {"text": " Foo!", "logprobs": _SURE}
_SORRY = {"refusal": "I'm very sorry.", "logprobs": _SURE}
_ALMOST = {"type": "content", "content": "Hello! How may I help you today?"}
_SPOKEN = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "mp3"}}


# Where a usage is scripted, the recorded number is not the one of the formula.
CHATS = (
    Case("plain.json", _HELLO, _asks("Hello!")),
    Case("stream.sse", _HELLO, _asks("Hello!")),
    Case("usage.sse", _HELLO, _asks("Hello!", stream_options={"include_usage": True})),
    Case("cut.json", _HELLO, _asks("Hello!", max_tokens=3)),
    Case("cut.sse", _HELLO, _asks("Hello!", max_completion_tokens=3)),
    Case("choices.json", _YES_NO, _asks("Hello!", n=2)),
    Case("choices.sse", _YES_NO, _asks("Hello!", n=2)),
    Case(
        "tool-call.json",
        _calls('{\n  "location": "Boston, MA"\n}', completion_tokens=18),
        _weather("What's the weather like in Boston?", "gpt-4", tool_choice="auto"),
    ),
    Case(
        "tool-call-single.sse",
        _calls('{"location":"San Francisco"}'),
        _weather("What's the weather like in San Francisco?"),
    ),
    Case(
        "tool-calls-parallel.json",
        _calls(*_BOTH, completion_tokens=46),
        _weather("What's the weather like in San Francisco and Boston?"),
    ),
    Case(
        "tool-calls-parallel.sse",
        _calls(*_BOTH),
        _weather("What's the weather like in San Francisco and Boston?"),
    ),
    Case(
        "function-call.json",
        _calls('{\n  "location": "Boston"\n}', completion_tokens=16),
        _legacy(),
    ),
    Case("function-call.sse", _calls('{"location":"Boston"}'), _legacy()),
    Case(
        "refusal.json",
        {"refusal": _REFUSAL, "usage": {"prompt_tokens": 65, "completion_tokens": 13}},
        _asks("Best ways to make a bomb", "gpt-4o"),
    ),
    Case("refusal.sse", {"refusal": _REFUSAL}, _asks("Best ways to make a bomb", "gpt-4o")),
    Case(
        "reasoning.json",
        {"text": "3", "usage": {"completion_tokens": 138, "reasoning_tokens": 128}},
        _asks("Count r's in strawberry", "gpt-5-nano", reasoning_effort="low"),
    ),
    Case("logprobs.json", _FOO, _asks("Hello!", logprobs=True)),
    Case("logprobs.sse", _FOO, _asks("Hello!", logprobs=True)),
    Case("logprobs-refusal.json", _SORRY, _asks("Hello!", "gpt-4o", logprobs=True)),
    Case("logprobs-refusal.sse", _SORRY, _asks("Hello!", "gpt-4o", logprobs=True)),
    # The string begins inside of a token and ends inside of another.
    Case("stopped.json", _HELLO, _asks("Hello!", stop=[" can I he", "today"])),
    Case("stopped.sse", _HELLO, _asks("Hello!", stop=" can I he")),
    Case("predicted.json", _HELLO, _asks("Hello!", "gpt-4o", prediction=_ALMOST)),
    Case("tier.json", _HELLO, _asks("Hello!", service_tier="flex")),
    Case("audio.json", "Hi!", _asks("Hello!", "gpt-4o-audio-preview", **_SPOKEN)),
)


def _error(golden: str, status: int, error: str | int, **more: Any) -> Case:
    return Case(f"errors/{golden}.json", {"error": error, **more}, _asks("Hi"), status)


ERRORS = (
    _error("rate-limit", 429, "rate_limit", retry_after="20s"),
    _error("tokens-limit", 429, "tokens_limit", retry_after="644ms"),
    _error("quota", 429, "quota"),
    _error("server-error", 500, "server_error"),
    _error("server-error", 500, 500),
    _error("overloaded", 503, "overloaded"),
)


def _wrong(golden: str, status: int, **more: Any) -> Wrong:
    return Wrong(f"errors/{golden}.json", status, **more)


def _with(fields: str) -> bytes:
    messages = b'"messages": [{"role": "user", "content": "Hi"}]'
    return b'{"model": "gpt-3.5-turbo", %b, %b}' % (messages, fields.encode())


def _nowhere(where: str, **more: Any) -> Wrong:
    return _wrong("resource-not-found", 404, where=where, **more)


MALFORMED = {
    "not JSON": _wrong("bad-json", 400, body=b'{"model": '),
    "empty body": _wrong("bad-json", 400, body=b""),
    "an array": _wrong("bad-json", 400, body=b"[]"),
    "invalid UTF-8": _wrong("bad-json", 400, body=_with('"user": "\xff"').replace(b"\xc3", b"")),
    "no model": _wrong("missing-model", 400, body=b'{"messages": []}'),
    "no messages": _wrong("missing-messages", 400, body=b'{"model": "gpt-3.5-turbo"}'),
    "empty messages": _wrong("empty-messages", 400, body=b'{"model": "m", "messages": []}'),
    "null": _wrong("wrong-type", 400, body=_with('"parallel_tool_calls": null')),
    "range": _wrong("out-of-range", 400, body=_with('"temperature": 2.1')),
    "unknown argument": _wrong("unknown-argument", 400, body=_with('"top_k": 5')),
    "content type": _wrong("content-type", 415, content_type="text/plain"),
}
MISROUTED = {
    "openai": {
        "without /v1": _wrong("unknown-url", 404, where="/chat/completion"),
        "/v1/v1": _wrong("doubled-v1", 404, where="/v1/v1/chat/completions"),
        "under /v1": _wrong("invalid-url", 404, where="/v1/chat/completions/chat/completions"),
        "wrong method": _wrong("wrong-method", 405, method="PUT"),
    },
    "azure": {
        "without /v1": _nowhere("/openai/chat/completions"),
        "under /v1": _nowhere("/openai/v1/chat/completions/chat/completions"),
        "under a deployment": _nowhere("/openai/deployments/gpt-4o/chat"),
        "without api-version": _nowhere("/openai/deployments/gpt-4o/chat/completions"),
        "models without api-version": _nowhere("/openai/models", method="GET"),
        "stored completions": _nowhere("/openai/v1/chat/completions", method="GET"),
        "wrong method": _nowhere("chat", method="PUT"),
    },
    "langdock": {
        "another region": _wrong("unknown-region", 400, where="/openai/fr/v1/chat/completions"),
        "under the path": _wrong(
            "unknown-path", 404, where="/openai/eu/v1/chat/completions/chat/completions"
        ),
        "wrong method": _wrong("wrong-method", 405, method="PUT"),
    },
    "langdb": {
        "under the path": _wrong(
            "unknown-path", 404, where="/p/v1/chat/completions/chat/completions"
        ),
        "wrong method": _wrong("wrong-method", 405, method="PUT"),
    },
}
"""By dialect: paths and methods that do not exist."""
