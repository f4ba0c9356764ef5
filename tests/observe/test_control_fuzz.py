"""Whatever is sent to the control API, it answers, and never with a defect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.observe.control import app as control_module
from mockdock.observe.control.operation import Operation
from mockdock.observe.control.routes import OPERATIONS
from tests.conformance.asgi import post
from tests.effort import examples
from tests.observe.control import Answer, Control

KEYS = ["", "one", "+1", "hello", "*", "a/b", "..", "\x00", "ü"]
SCENARIO_KEYS = [
    "mockdock",
    "rules",
    "reply",
    "replies",
    "when",
    "user",
    "text",
    "json",
    "file",
    "include",
    "times",
    "per",
    "after_last",
    "set_state",
    "error",
    "message",
    "retry_after",
    "headers",
    "tool_calls",
    "name",
    "arguments",
    "otherwise",
    "pacing",
    "ttft",
    "models",
    "auth",
    "keys",
    "seed",
    "matches",
    "contains",
    "state",
    "attempt",
    "turn",
    "body",
    "choices",
    "usage",
    "generate",
    "kind",
    "tokens",
]
OTHER_KEYS = [
    "seconds",
    "scenario",
    "called",
    "time_scale",
    "request",
    "attempt",
    "messages",
    "model",
    "order",
    "unused",
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["manual", "1s", "${user}", "${match.x}", "(", "auto", "fail", "rate_limit"])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*SCENARIO_KEYS, *OTHER_KEYS]) | st.text(max_size=4), inner, max_size=4
        )
    ),
    max_leaves=12,
)
RULES = st.fixed_dictionaries(
    {"reply": VALUES}, optional={"when": VALUES, "times": VALUES, "set_state": VALUES}
)
BODIES = (
    st.binary(max_size=40)
    | VALUES.map(json.dumps).map(str.encode)
    | RULES.map(json.dumps).map(str.encode)
    | st.lists(RULES, max_size=2).map(
        lambda rules: json.dumps({"mockdock": 1, "rules": rules}).encode()
    )
    | st.fixed_dictionaries({"seconds": LEAVES}).map(json.dumps).map(str.encode)
    | st.fixed_dictionaries({"request": VALUES, "attempt": LEAVES}).map(json.dumps).map(str.encode)
    | st.just(b"")
)
QUERIES = st.binary(max_size=20) | st.dictionaries(
    st.sampled_from(["session", "first", "after", "limit", "wait", "count", "unused", "x"]),
    st.text(max_size=5)
    | st.integers().map(str)
    | st.sampled_from(["true", "1e999", "nan", "9" * 400]),
    max_size=3,
).map(lambda pairs: urlencode(pairs).encode())
PATHS = st.sampled_from([operation.path for operation in OPERATIONS]) | st.text(max_size=10)
METHODS = st.sampled_from(["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", ""])


@pytest.fixture(scope="module", autouse=True)
def _no_waits() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(control_module, "_LONGEST_WAIT", 0.0)
        yield


@pytest.fixture(scope="module")
def control() -> Control:
    """One for all examples: what one leaves behind must not break the next."""
    return Control()


def check(answer: Answer) -> None:
    assert answer.status < 500, answer.raw
    if answer.status >= 400:
        assert answer.error["message"]
    elif answer.headers.get("content-type") == "application/json":
        assert isinstance(answer.json, dict)


@settings(deadline=None, max_examples=examples(300))
@given(path=PATHS, method=METHODS, key=st.sampled_from(KEYS), query=QUERIES, body=BODIES)
def test_any_request_is_answered(
    control: Control, path: str, method: str, key: str, query: bytes, body: bytes
) -> None:
    place = path.replace("{key}", key) if path.startswith("/") else f"/{path}"
    check(control.ask(method, place, body, query=query))


@settings(deadline=None, max_examples=examples(300))
@given(operation=st.sampled_from(OPERATIONS), key=st.sampled_from(KEYS), query=QUERIES, body=BODIES)
def test_any_body_and_query_of_any_operation_are_answered(
    control: Control, operation: Operation, key: str, query: bytes, body: bytes
) -> None:
    path = operation.path.replace("{key}", key)
    sent = body if operation.body is not None else b""
    check(control.ask(operation.method, path, sent, query=query))


@settings(deadline=None, max_examples=examples(100))
@given(
    headers=st.lists(
        st.tuples(
            st.sampled_from(
                ["host", "origin", "authorization", "content-length", "x-mockdock-session",
                 "sec-fetch-site", "x-mockdock-token"]
            ),
            st.text(st.characters(max_codepoint=255), max_size=12),
        ),
        max_size=5,
    ),
    peer=st.text(max_size=10),
)  # fmt: skip
@pytest.mark.parametrize("token", [None, "token"])
def test_any_headers_and_peers_are_answered(
    token: str | None, headers: list[tuple[str, str]], peer: str
) -> None:
    check(Control(token).ask("GET", "/rules", headers=headers, client=(peer, 1)))


@settings(deadline=None, max_examples=examples(100))
@given(
    scale=st.floats(min_value=0, allow_infinity=False) | st.just("manual"),
    seed=st.integers(),
    seconds=st.floats(min_value=0, max_value=1e9),
)
def test_whatever_was_set_clients_are_still_answered(
    scale: float | str, seed: int, seconds: float
) -> None:
    control = Control()
    check(control.ask("PATCH", "/settings", {"time_scale": scale, "seed": seed}))
    check(control.ask("POST", "/clock", {"seconds": seconds}))
    now = control.ask("GET", "/clock").json
    assert now["now"] is not None
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
    assert post(control.app, "/v1/chat/completions", body).status == 200
    check(control.ask("GET", "/journal"))
