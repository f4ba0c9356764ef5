"""What is remembered from one request to the next changes no byte of any answer or record."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any

from mockdock import arrival
from mockdock.app import App
from mockdock.delivery import ManualClock
from mockdock.dialects.openai import completion, events, terms
from mockdock.engine import compose
from mockdock.observe import record
from tests.conformance.asgi import app_of, ask
from tests.observe.helpers import kept_here

_ID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}")
_FAILED = 400
_PATHS = (
    *("/v1/chat/completions",) * 4,
    "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
    "/openai/eu/v1/chat/completions",
)
_TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
_TEXTS = ("Hi", "Say more", "gr\u00fc\u00dfe \U0001f600", "x" * 5000, "")
_RULES: tuple[dict[str, Any], ...] = (
    {
        "when": {"user": "more"},
        "replies": ["One.", {"text": "Two, ${user}"}],
        "after_last": "cycle",
    },
    {"when": {"model": "gpt-4o-mini", "turn": 2}, "reply": {"error": "overloaded"}},
    {"when": {"headers": {"x-kind": "a"}}, "reply": {"text": "By header", "headers": {"x-a": "b"}}},
    {"name": "usual", "reply": "Nothing else " * 30},
)
_LIMITS = [{"per": ["key", "model"], "rpm": 40, "tpm": 9000}, {"per": ["key"], "rpd": 90}]


def message(rng: Random) -> Any:
    """Make a message, a wrong one now and then."""
    role = rng.choice(["user", "user", "system", "assistant", "developer", "tool", "nobody", 7, []])
    content = rng.choice([*_TEXTS, *_TEXTS, None, 3, [{"type": "text", "text": "part"}], []])
    made: dict[str, Any] = {"role": role, "content": content}
    if rng.random() < 0.1:
        made[rng.choice(["name", "extra", "tool_call_id"])] = "n"
    if rng.random() < 0.05:
        del made[rng.choice(["role", "content"])]
    return made if rng.random() < 0.97 else rng.choice([None, "Hi", []])


def body(rng: Random) -> bytes:
    """Make a body, mostly one that is valid."""
    if rng.random() < 0.03:
        return rng.choice([b"{", b"[]", b"", b'{"model":1}'])
    plain = {"role": "user", "content": rng.choice(_TEXTS)}
    many = rng.choice([1, 1, 2, 3, 0])
    messages = [plain if rng.random() < 0.8 else message(rng) for _ in range(many)]
    asked: dict[str, Any] = {
        "model": rng.choice(["gpt-4o", "gpt-4o-mini", "o3", "gpt-4"]),
        "messages": messages if rng.random() < 0.97 else None,
    }
    more: dict[str, list[Any]] = {
        "temperature": [0, 1, 9],
        "max_tokens": [3, 500, 0],
        "stop": ["else", ["One", "x"]],
        "n": [2, 3],
        "stream": [True],
        "tools": [[_TOOL]],
        "logprobs": [True],
        "seed": [1, 2],
        "response_format": [{"type": "json_object"}],
        "unknown": [1],
    }
    for name, values in more.items():
        if rng.random() < 0.08:
            asked[name] = rng.choice(values)
    return json.dumps(asked).encode()


def pairs(rng: Random) -> dict[str, str]:
    """Make headers; keys name sessions too."""
    given = {"content-type": "application/json"}
    key = rng.choice(["sk-one", "sk-two", "sk-mockdock-own"])
    if rng.random() < 0.95:
        given |= {"authorization": f"Bearer {key}", "api-key": key}
    if rng.random() < 0.2:
        given["x-kind"] = rng.choice(["a", "b"])
    if rng.random() < 0.1:
        given["x-stainless-retry-count"] = rng.choice(["0", "1", "2"])
    return given


def forget(app: App) -> None:
    """Forget everything that another request could profit from."""
    arrival._known.clear()
    terms._known.clear()
    completion._known._known.clear()
    events._known._known.clear()
    compose.usage_of.cache_clear()
    app.engine.trails._known.clear()
    for rule in app.engine.rules:
        rule.said.clear()
    for tariff in app.engine.prepared.tariffs.values():
        tariff._known.clear()


def told(asked: list[tuple[str, bytes, dict[str, str]]], *, warm: bool) -> tuple[list[Any], Any]:
    """Ask a server everything; give its answers and its records."""
    app = app_of(*_RULES, limits=_LIMITS, seed=7, clock=ManualClock())
    answers = []
    for number, (path, sent, headers) in enumerate(asked, 1):
        if not warm:
            forget(app)
        answer = ask(app, "POST", path, sent, headers)
        answers.append((answer.status, _masked(answer.status, (answer.headers, answer.body))))
        if number % 50 == 0:
            app.sessions.base.clock.advance(13)
    assert bool(app.engine.trails) is warm
    entries = kept_here(app.journal.entries())
    records = [{**record(entry), "era": 0} for entry in entries]
    return answers, [_masked(each["status"], each) for each in records]


def _masked(status: int, told: object) -> str:
    """Write what was told; the id of a request that nobody understood is another every time."""
    return _ID.sub("#", repr(told)) if status >= _FAILED else repr(told)


def test_a_warm_server_answers_as_one_that_remembers_nothing() -> None:
    rng = Random(20)
    drawn = [(rng.choice(_PATHS), body(rng), pairs(rng)) for _ in range(150)]
    asked = [rng.choice(drawn) for _ in range(600)]
    warm, records = told(asked, warm=True)
    cold, anew = told(asked, warm=False)
    assert warm == cold
    assert records == anew
    assert len(records) == len(asked)
    assert {200, 400, 429} <= {status for status, *_ in warm}
