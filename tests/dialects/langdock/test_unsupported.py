"""Parameters that Langdock does not support: ignored and told of, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.observe import Exchange, line
from tests.conformance.adapters import normalised
from tests.conformance.asgi import app_of
from tests.dialects.langdock.talk import chat, golden, hello, message

EACH: dict[str, Any] = {
    "n": 2,
    "service_tier": "flex",
    "parallel_tool_calls": False,
    "stream_options": {"include_usage": True, "include_obfuscation": True},
}
WEATHER = {"type": "function", "function": {"name": "get_weather"}}
BOTH = {"tool_calls": [{"name": "get_weather"}, {"name": "get_weather"}]}
REJECT: dict[str, Any] = {"langdock": {"unsupported": "reject"}}


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("name", EACH)
def test_an_ignored_parameter_changes_nothing_and_is_told_of(name: str, *, stream: bool) -> None:
    """Not even where the reply is made up: its choices, usage, tier and padding are the same."""
    for rules in ([{"reply": "Hi"}], []):
        without = chat(app_of(*rules), hello(stream=stream))
        answer = chat(app_of(*rules), hello(stream=stream, **{name: EACH[name]}))
        assert answer.headers["x-mockdock-ignored"] == name
        assert answer.headers["x-mockdock-warning"] == f"{name} is not supported and was ignored"
        assert "x-mockdock-ignored" not in without.headers
        assert answer.status == without.status == 200
        if rules:
            assert normalised(answer.body) == normalised(without.body)
        assert b"obfuscation" not in answer.body
        assert (b'"usage"' in answer.body) is not stream


def test_several_are_named_in_the_order_of_the_documents() -> None:
    seen: list[Exchange] = []
    app = app_of({"reply": "Hi"}, observers=[seen.append])
    answer = chat(app, hello(stream_options=None, service_tier="auto", n=1, stream=True))
    assert answer.headers["x-mockdock-ignored"] == "n, service_tier"
    assert "warning: n is not supported and was ignored" in line(seen[0])
    assert "warning: service_tier is not supported and was ignored" in line(seen[0])


def test_two_calls_contradict_nothing_where_parallel_tool_calls_does_not_count() -> None:
    answer = chat(app_of({"reply": BOTH}), hello(tools=[WEATHER], parallel_tool_calls=False))
    assert len(answer.json()["choices"][0]["message"]["tool_calls"]) == 2
    assert "though" not in answer.headers["x-mockdock-warning"]


def test_conditions_still_see_what_was_sent() -> None:
    app = app_of({"when": {"body": {"n": 3}}, "reply": "three"}, otherwise="fail")
    assert chat(app, hello(n=3)).status == 200


def test_what_is_ignored_is_not_even_checked() -> None:
    odd: dict[str, Any] = {
        "n": "many",
        "service_tier": 7,
        "parallel_tool_calls": None,
        "stream_options": [],
    }
    answer = chat(app_of({"reply": "Hi"}), hello(**odd))
    assert answer.status == 200
    assert answer.headers["x-mockdock-ignored"] == "n, service_tier, stream_options"


def test_it_is_ignored_by_lenient_validation_too() -> None:
    answer = chat(app_of({"reply": "Hi"}, validation="lenient"), hello(n=2, unknown=1))
    assert len(answer.json()["choices"]) == 1
    assert answer.headers["x-mockdock-ignored"] == "n"


def test_a_failure_tells_of_it_too() -> None:
    answer = chat(app_of({"reply": {"error": 500}}), hello(n=2))
    assert (answer.status, answer.headers["x-mockdock-ignored"]) == (500, "n")


@pytest.mark.parametrize(
    ("reply", "name"), [("plain", "tier.json"), ("stream", "usage.sse")], ids=["tier", "usage"]
)
def test_the_golden_files_are_those_without_the_parameter(reply: str, name: str) -> None:
    assert golden(name) == golden(f"{reply}.{name.rpartition('.')[2]}")


@pytest.mark.parametrize("name", EACH)
def test_one_parameter_is_refused_where_the_scenario_wants_it(name: str) -> None:
    answer = chat(app_of({"reply": "Hi"}, **REJECT), hello(**{name: EACH[name]}))
    assert answer.status == 400
    assert message(answer) == f"Unsupported parameter: '{name}' is not supported."
    assert answer.headers["x-mockdock-param"] == name


def test_several_are_refused_together() -> None:
    body = hello(stream=True, stream_options={"include_usage": True}, n=1)
    answer = chat(app_of({"reply": "Hi"}, **REJECT), body)
    assert answer.status == 400
    assert answer.body == golden("errors/unsupported.json")


def test_null_and_nothing_are_not_refused() -> None:
    app = app_of({"reply": "Hi"}, **REJECT)
    nulls: dict[str, Any] = dict.fromkeys(EACH)
    answer = chat(app, hello(**nulls))
    assert answer.status == 200
    assert "x-mockdock-ignored" not in answer.headers


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"n": 2, "model": 3}', b'{"n": 2}'])
def test_other_faults_are_refused_as_ever(body: bytes) -> None:
    assert chat(app_of(**REJECT), body).status == 400
    assert chat(app_of(), body).status == 400
