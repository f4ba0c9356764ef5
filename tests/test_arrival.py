"""What arrives with a request: headers that came several times."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockdock.arrival import headed, headers_of
from mockdock.dialects import DIALECTS
from tests.conformance.asgi import app_of, ask, scope_of
from tests.observe.helpers import kept_here

CHAT = "/v1/chat/completions"
ASKED: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}


def test_a_header_that_came_several_times_has_all_its_values() -> None:
    pairs = [(b"x-a", b"1"), (b"cookie", b"a=b"), (b"x-b", b"2"), (b"x-a", b"3, 4")]
    pairs += [(b"cookie", b"c=d"), (b"x-a", b"\xe9")]
    assert headers_of(scope_of("GET", "/", pairs)) == {
        "x-a": "1, 3, 4, \u00e9",
        "cookie": "a=b; c=d",
        "x-b": "2",
    }
    assert headers_of(scope_of("GET", "/", pairs[:3])) == {"x-a": "1", "cookie": "a=b", "x-b": "2"}


def test_headers_may_come_as_lists() -> None:
    """As some servers give them, Mangum among them."""
    scope = {"headers": [[b"x-a", b"1"], [b"authorization", b"Bearer sk-test"]]}
    for _ in range(2):
        headers, caller = headed(scope, DIALECTS[0])
        assert headers == {"x-a": "1", "authorization": "Bearer sk-test"}
        assert caller.key == "sk-test"


@pytest.mark.parametrize("wishes", [("429", "slicer"), ("slicer", "429"), ("slicer, 429",)])
def test_wishes_of_several_headers_compose_as_those_of_one(wishes: tuple[str, ...]) -> None:
    app = app_of({"reply": "Hi"})
    pairs = [(b"content-type", b"application/json"), (b"authorization", b"Bearer sk-test")]
    pairs += [(b"x-mockdock-fault", wish.encode()) for wish in wishes]
    answer = ask(app, "POST", CHAT, json.dumps(ASKED).encode(), pairs)
    assert (answer.status, answer.headers["x-mockdock-trouble"]) == (429, "request")
    (entry,) = kept_here(app.journal.entries())
    assert [fault.name for fault in entry.exchange.faults] == ["slicer"]


def test_a_model_that_wishes_for_nothing_and_too_many_wishes_are_refused() -> None:
    app = app_of({"reply": "Hi"})
    usual = {"content-type": "application/json", "authorization": "Bearer sk-test"}
    empty = {**ASKED, "model": "gpt-4o:mock-"}
    answer = ask(app, "POST", CHAT, json.dumps(empty).encode(), usual)
    assert (answer.status, "wishes for nothing" in answer.body.decode()) == (400, True)
    many = {**usual, "x-mockdock-fault": ",".join(["slicer"] * 17)}
    answer = ask(app, "POST", CHAT, json.dumps(ASKED).encode(), many)
    assert (answer.status, "at most 16 wishes" in answer.body.decode()) == (400, True)


def test_as_many_faults_as_there_can_be_are_no_defect() -> None:
    """They are nested in one another; beyond some hundreds Python gives up."""
    most = ["slicer"] * 64
    app = app_of(
        {"reply": {"text": "Hi", "faults": most}},
        faults=most,
        timeline=[{"at": "0s", "faults": most}],
    )
    headers = {"content-type": "application/json", "authorization": "Bearer sk-test"}
    headers["x-mockdock-fault"] = ",".join(["slicer"] * 16)
    answer = ask(app, "POST", CHAT, json.dumps(ASKED).encode(), headers)
    assert answer.status == 200
    (entry,) = kept_here(app.journal.entries())
    assert len(entry.exchange.faults) == 3 * 64 + 16
