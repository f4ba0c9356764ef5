"""Guards: what they read, and what a client is told of one that lets nothing pass (WIRE E)."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.app import App
from tests.dialects.langdb.posts import app_of, get, post, said

GUARDS: dict[str, Any] = {
    "lenient": "pass",
    "strict": "fail",
    "rude": {"contains": "idiot"},
    "digits": {"matches": "[0-9]{3}"},
    "out": {"stage": "output", "contains": "secret"},
    "mute": {"stage": "output", "verdict": "fail"},
}
PASSED = {"type": "boolean", "passed": False}


def guarded(*rules: Any, **more: Any) -> App:
    return app_of(*rules or ({"reply": "Hi"},), langdb={"guards": GUARDS}, **more)


def refused_by(name: str) -> dict[str, Any]:
    return {"message": f"Guard '{name}' not passed", "guard_id": name, "details": PASSED}


@pytest.mark.parametrize(
    ("guards", "text", "by"),
    [
        (["strict"], "Hello", "strict"),
        (["rude"], "You idiot", "rude"),
        (["lenient", "digits"], "call 112", "digits"),
        (["lenient", "digits", "strict"], "call 112", "digits"),
        ([{"id": "rude", "parameters": {"threshold": 1}}], "idiot", "rude"),
        ([{"id": "strict"}], "Hello", "strict"),
    ],
)
def test_a_request_is_refused_by_the_first_guard_it_does_not_pass(
    guards: list[Any], text: str, by: str
) -> None:
    refused = post(guarded(), text, extra={"guards": guards})
    assert (refused.status, refused.json()) == (446, refused_by(by))


@pytest.mark.parametrize("guards", [[], ["lenient"], ["rude", "digits", "out"], None])
def test_a_request_that_passes_all_is_answered(guards: list[str] | None) -> None:
    assert said(post(guarded(), extra={"guards": guards})) == "Hi"


def test_only_the_last_message_of_the_user_is_read() -> None:
    before = [{"role": "user", "content": "idiot"}, {"role": "assistant", "content": "idiot"}]
    messages = [*before, {"role": "user", "content": "Sorry"}]
    assert post(guarded(), messages=messages, extra={"guards": ["rude"]}).status == 200


@pytest.mark.parametrize("name", ["out", "mute"])
def test_an_answer_is_refused_by_a_guard_of_answers(name: str) -> None:
    app = guarded({"reply": {"choices": ["fine", "a secret"]}})
    refused = post(app, n=2, extra={"guards": [name]})
    assert (refused.status, refused.json()) == (446, refused_by(name))


def test_an_answer_that_passes_is_sent() -> None:
    app = guarded({"reply": {"text": "Hi"}}, {"reply": {"refusal": "a secret"}})
    assert said(post(app, "secret", extra={"guards": ["out"]})) == "Hi"


def test_a_refusal_of_the_model_is_read_as_well() -> None:
    app = guarded({"reply": {"refusal": "a secret"}})
    assert post(app, extra={"guards": ["out"]}).status == 446


def test_an_error_is_no_answer_to_read() -> None:
    assert post(guarded({"reply": {"error": 503}}), extra={"guards": ["mute"]}).status == 503


def test_a_stream_cannot_be_read_first() -> None:
    refused = post(guarded(), stream=True, extra={"guards": ["lenient", "out"]})
    told = {"error": "Output guardrails not supported in streaming"}
    assert (refused.status, refused.json()) == (400, told)
    assert post(guarded(), stream=True, extra={"guards": ["lenient"]}).status == 200


def test_an_unknown_guard_is_not_found_where_there_are_any() -> None:
    refused = post(guarded(), extra={"guards": ["lenient", "nope"]})
    assert (refused.status, refused.json()) == (
        404,
        {"error": "Guard not found", "guard_id": "nope"},
    )
    assert post(app_of({"reply": "Hi"}), extra={"guards": ["nope"]}).status == 200


def test_what_a_guard_refused_counts_as_failed_and_costs_nothing() -> None:
    app = guarded()
    post(app, extra={"guards": ["strict"]})
    (found,) = get(app, "/analytics/summary", {"groupBy": ["model"]})["summary"]
    assert (found["error_request_count"], found["total_cost"]) == (1, 0)


def test_lenient_requests_are_guarded_too() -> None:
    app = guarded(validation="lenient")
    assert post(app, extra={"guards": ["strict"]}).status == 446
    assert post(app, extra={"guards": "strict"}).status == 200


def test_a_prompt_is_refused_before_any_rule_is_used() -> None:
    app = guarded({"reply": "once", "times": 1}, {"reply": "twice"})
    post(app, extra={"guards": ["strict"]})
    assert said(post(app)) == "once"
