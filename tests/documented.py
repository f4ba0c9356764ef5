"""Every endpoint and parameter of the documents mockdock was created from, and its state.

The state is found by asking: a request with a parameter is parsed, one without, and one
with a wrong value. ``python -m tests.documented`` prints the table of the README.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from mockdock.app import App
from mockdock.engine import Engine
from mockdock.observe import Exchange
from mockdock.reply import Failure
from mockdock.request import Request
from mockdock.scenario import load
from tests.conformance.asgi import exchange

__all__ = ["ENDPOINTS", "Endpoint", "State", "state_of", "table"]

State = Literal["heeded", "checked", "ignored", "taken"]
Body = Mapping[str, Any]

_PROJECT = "25a0b7d9-86cf-448d-8395-66e9073d876f"
_MESSAGES = [{"role": "user", "content": "Hi"}]
_TOOLS = [
    {
        "type": "function",
        "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
    }
]
_FUNCTIONS = [{"name": "look", "parameters": {"type": "object", "properties": {}}}]


@dataclass(frozen=True)
class Endpoint:
    """An endpoint of a document, as it is asked with nothing but what it needs.

    ``parameters`` give each parameter of its body a right value and a wrong one;
    ``needs`` what has to be there for a parameter to mean anything. ``headers`` and
    ``paths`` do the same for headers and for parts of the path; None is left out.
    """

    provider: str
    method: str
    path: str
    shown: str
    body: Body = field(default_factory=dict)
    parameters: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    needs: Mapping[str, Body] = field(default_factory=dict)
    sent: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    paths: Mapping[str, tuple[str, str]] = field(default_factory=dict)


_CHAT = {
    "messages": (_MESSAGES * 2, "Hi"),
    "model": ("gpt-4o-mini", 1),
    "frequency_penalty": (0.5, 3),
    "logit_bias": ({"1": 5}, {"x": 5}),
    "logprobs": (True, "yes"),
    "top_logprobs": (2, 21),
    "max_tokens": (5, 0),
    "presence_penalty": (0.5, 3),
    "response_format": ({"type": "json_object"}, {"type": "xml"}),
    "seed": (7, "seven"),
    "stop": (["."], 1),
    "stream": (True, "yes"),
    "temperature": (0, 3),
    "top_p": (0, 2),
    "tools": (_TOOLS, {}),
    "tool_choice": ("required", "perhaps"),
    "user": ("u-1", 1),
    "function_call": ("none", 1),
    "functions": (_FUNCTIONS, {}),
}
_NEEDS: Mapping[str, Body] = {
    "top_logprobs": {"logprobs": True},
    "response_format": {"messages": [{"role": "user", "content": "Answer as JSON"}]},
    "tool_choice": {"tools": _TOOLS},
    "parallel_tool_calls": {"tools": _TOOLS},
    "function_call": {"functions": _FUNCTIONS},
    "stream_options": {"stream": True},
    "reasoning_effort": {"model": "gpt-5-mini"},
}
_ASKED: Body = {"model": "gpt-4o", "messages": _MESSAGES}
_REGION = {"region": ("us", "mars")}
_BEARER = {"Authorization": ("Bearer sk-other", None)}
_SENT = {"x-project-id": _PROJECT, "x-admin-key": "k", "x-thread-id": "t"}
_WINDOW = {
    "start_time_us": (1_693_062_345_678, -1),
    "end_time_us": (1_693_082_345_678, "now"),
    "period": ("last_month", "last_decade"),
}
_NEW_MODEL: Body = {
    "model_name": "my-model",
    "description": "A model",
    "provider_info_id": "e2e9129b-6661-4eeb-80a2-0c86964974c9",
    "project_id": _PROJECT,
    "model_type": "completions",
    "owner_name": "openai",
    "priority": 0,
}


def _langdb(
    method: str,
    path: str,
    *,
    body: Body | None = None,
    parameters: Mapping[str, tuple[Any, Any]] | None = None,
    project: bool = True,
    key: bool = True,
    **more: Any,
) -> Endpoint:
    """Give an endpoint of LangDB, most of which want a key, and a project in a header."""
    headers = {**(_BEARER if key else {}), **more.pop("headers", {})}
    if project:
        headers["X-Project-Id"] = ("another", None)
    return Endpoint(
        "LangDB",
        method,
        path,
        more.pop("shown", path),
        body or {},
        parameters or {},
        sent=_SENT,
        headers=headers,
        **more,
    )


_CHAT_OF_LANGDB = {
    **_CHAT,
    "n": (2, 0),
    "parallel_tool_calls": (False, "no"),
    "stream_options": ({"include_usage": True}, 1),
    "safety_identifier": ("s-1", 1),
    "prompt_cache_key": ("k-1", 1),
    "mcp_servers": ([{"server_url": "wss://x", "type": "ws"}], 1),
    "router": (
        {"type": "conditional", "routes": [{"name": "all", "targets": "openai/gpt-4o-mini"}]},
        1,
    ),
    "extra": ({"user": {"id": "7", "name": "mr"}}, 1),
    "response_format": ("json_object", "xml"),
}
_ACCOUNT_HEADERS = {
    "x-thread-id": ("0b9d2c3e-7d35-4f0b-9f57-6c0a1b2c3d4e", None),
    "x-thread-title": ("A title", None),
    "x-thread-public": ("1", None),
    "x-run-id": ("run-1", None),
    "x-label": ("nightly", None),
    "x-tags": ("env=prod", None),
}
_SHOWN = {
    "bedrock/x": "(a model)",
    "bedrock/x.per_input_token": "per_input_token",
    "bedrock/x.per_output_token": "per_output_token",
}
ENDPOINTS: Sequence[Endpoint] = (
    Endpoint(
        "Langdock",
        "POST",
        "/openai/{region}/v1/chat/completions",
        "/openai/{region}/v1/chat/completions",
        _ASKED,
        {
            **_CHAT,
            "reasoning_effort": ("high", "max"),
            "n": (2, 0),
            "service_tier": ("flex", 1),
            "parallel_tool_calls": (False, "no"),
            "stream_options": ({"include_usage": True}, 1),
        },
        _NEEDS,
        headers=_BEARER,
        paths=_REGION,
    ),
    Endpoint(
        "Langdock",
        "POST",
        "/openai/{region}/v1/embeddings",
        "/openai/{region}/v1/embeddings",
        {"model": "text-embedding-ada-002", "input": "Hi"},
        {
            "model": ("text-embedding-ada-002", "text-embedding-3-small"),
            "input": (["Hi", "there"], []),
            "encoding_format": ("base64", "hex"),
        },
        headers=_BEARER,
        paths=_REGION,
    ),
    Endpoint(
        "Langdock",
        "GET",
        "/openai/{region}/v1/models",
        "/openai/{region}/v1/models",
        headers=_BEARER,
        paths=_REGION,
    ),
    _langdb(
        "POST",
        "/v1/chat/completions",
        body=_ASKED,
        parameters=_CHAT_OF_LANGDB,
        needs={**_NEEDS, "router": {"model": "router/dynamic"}},
        headers=_ACCOUNT_HEADERS,
    ),
    _langdb(
        "POST",
        "/v1/embeddings",
        body={"model": "text-embedding-3-small", "input": "Hi"},
        parameters={
            "model": ("text-embedding-ada-002", 1),
            "input": (["Hi", "there"], []),
            "encoding_format": ("base64", "hex"),
            "dimensions": (8, 1537),
        },
    ),
    _langdb(
        "POST",
        "/threads",
        body={"limit": 10, "offset": 0},
        parameters={"limit": (5, 0), "offset": (5, -1)},
    ),
    _langdb("GET", "/threads/{thread_id}/messages", paths={"thread_id": ("one", "another")}),
    _langdb("GET", "/threads/{thread_id}/cost", paths={"thread_id": ("one", "another")}),
    _langdb("POST", "/analytics", parameters=_WINDOW),
    _langdb(
        "POST",
        "/analytics/summary",
        body={"groupBy": ["provider"]},
        parameters={
            **_WINDOW,
            "groupBy": (["model"], ["colour"]),
            "tag_keys": (["env"], "env"),
        },
        needs={"tag_keys": {"groupBy": ["tag"]}},
    ),
    _langdb("POST", "/usage/total", parameters=_WINDOW),
    _langdb(
        "POST",
        "/usage/models",
        parameters={
            "start_time_us": _WINDOW["start_time_us"],
            "end_time_us": _WINDOW["end_time_us"],
            "min_unit": ("day", "week"),
        },
    ),
    _langdb("GET", "/pricing", project=False, key=False),
    _langdb("GET", "/models", project=False, key=False),
    _langdb(
        "POST",
        "/admin/models",
        project=False,
        body=_NEW_MODEL,
        parameters={
            **dict.fromkeys(("model_name", "description", "project_id"), ("other", 1)),
            "provider_info_id": ("f2e9129b-6661-4eeb-80a2-0c86964974c9", "none"),
            "public": (True, "yes"),
            "request_response_mapping": ("openai-compatible", 1),
            "model_type": ("embeddings", 1),
            "input_token_price": (0.00001, -1),
            "output_token_price": (0.00003, -1),
            "context_size": (128_000, 0),
            "capabilities": (["tools"], "tools"),
            "input_types": (["text"], "text"),
            "output_types": (["text"], "text"),
            "tags": (["new"], "new"),
            "type_prices": ({"text_generation": 0.00002}, 1),
            "mp_price": (0.5, -1),
            "owner_name": ("acme", 1),
            "priority": (1, "high"),
            "model_name_in_provider": ("my-model-v1.2", 1),
            "parameters": ({"top_k": {"type": "int"}}, 1),
        },
        headers={"X-Admin-Key": ("another", None)},
    ),
    _langdb(
        "POST",
        "/projects/{project_id}/custom_prices",
        project=False,
        body={"bedrock/x": {"per_input_token": 1.0, "per_output_token": 2.0}},
        parameters={
            "bedrock/x": ({"per_input_token": 3.0, "per_output_token": 2.0}, 1),
            "bedrock/x.per_input_token": (3.0, -1),
            "bedrock/x.per_output_token": (3.0, -1),
        },
        paths={"project_id": (_PROJECT, "another")},
    ),
)


class Asked:
    """Asks an endpoint in process, and keeps what was understood."""

    def __init__(self) -> None:
        scenario = load({"mockdock": 1, "rules": [{"reply": "Hi"}]}).scenario
        self._seen: list[Exchange] = []
        self._app = App(Engine(scenario), observers=[self._seen.append])

    def __call__(
        self, endpoint: Endpoint, body: Body, paths: Mapping[str, str], headers: Mapping[str, str]
    ) -> Request | None:
        """Give the request as it was understood, None where it was refused."""
        path = endpoint.path.format(**paths)
        told = {
            "content-type": "application/json",
            "authorization": "Bearer sk-test",
            **endpoint.sent,
            **{name.lower(): value for name, value in headers.items()},
        }
        sent = json.dumps(body).encode() if endpoint.method == "POST" else b""
        given = {name: value for name, value in told.items() if value}
        exchange(self._app, endpoint.method, path, sent, given)
        seen = self._seen.pop()
        request, reply = seen.request, seen.reply
        lost = isinstance(reply, Failure) and reply.what != "thread"
        return None if lost or request is None else replace(request, body={}, raw=b"", headers={})


def state_of(asked: Asked, endpoint: Endpoint, name: str) -> State:
    """Find what becomes of a parameter, a header or a part of the path."""
    paths = {
        key: ("eu" if key == "region" else right) for key, (right, _) in endpoint.paths.items()
    }
    needed = {**endpoint.body, **endpoint.needs.get(name, {})}
    usual = asked(endpoint, needed, paths, {})
    if name in endpoint.paths:
        right, wrong = (
            asked(endpoint, needed, {**paths, name: value}, {}) for value in endpoint.paths[name]
        )
    elif name in endpoint.headers:
        given, other = endpoint.headers[name]
        right = asked(endpoint, needed, paths, {name: given})
        wrong = asked(endpoint, needed, paths, {name: other or ""})
    else:
        right, wrong = (
            asked(endpoint, _with(needed, name, value), paths, {})
            for value in endpoint.parameters[name]
        )
        assert right is not None, f"{endpoint.shown}: {name} is refused"
    if right is not None and name in right.ignored:
        return "ignored"
    if right != usual or (wrong is not None and wrong != right):
        return "heeded"
    return "taken" if wrong is not None else "checked"


def _with(body: Body, name: str, value: Any) -> Body:
    first, dot, rest = name.partition(".")
    if dot and first in body:
        return {**body, first: {**body[first], rest: value}}
    return {**body, name: value}


def table() -> str:
    """Write the table of the README."""
    lines = [
        "| Endpoint | Heeded | Checked, without effect | Ignored, and said so | Taken |",
        "|---|---|---|---|---|",
    ]
    asked = Asked()
    for endpoint in ENDPOINTS:
        states: dict[State, list[str]] = {each: [] for each in get_args(State)}
        for name in (*endpoint.paths, *endpoint.headers, *endpoint.parameters):
            shown = _SHOWN.get(name, name)
            states[state_of(asked, endpoint, name)].append(f"`{shown}`")
        cells = (", ".join(names) for names in states.values())
        where = f"{endpoint.provider} `{endpoint.method} {endpoint.shown}`"
        lines.append(f"| {where} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
