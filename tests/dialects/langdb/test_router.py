"""Conditional routers: which route is taken, who answers, and what is refused."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from mockdock.dialects.langdb.extras import RouterBody
from mockdock.dialects.langdb.router import route as route_of
from mockdock.ledger import Books
from mockdock.reply import Failure
from mockdock.routing import Metrics
from tests.dialects.langdb.posts import app_of, get, post, route, routed, said

EXTRA = {
    "user": {"id": "7", "tags": ["coding", "vip"], "age": 30},
    "variables": {"region": {"name": "eu"}, "beta": True, "nothing": None},
}
NOT_FOUND = {"error": "Metric router error: No conditional route matched"}


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        (None, True),
        ({}, True),
        ({"all": [{"extra.user.id": {"$eq": "7"}}]}, True),
        ({"all": [{"extra.user.id": "7"}]}, True),
        ({"all": [{"extra.user.id": 7}]}, False),
        ({"all": [{"extra.user.id": "7"}, {"extra.user.age": 31}]}, False),
        ({"all": []}, True),
        ({"any": []}, False),
        ({"any": [{"extra.user.id": "8"}, {"extra.user.age": 30}]}, True),
        ({"any": [{"extra.user.id": "8"}, {"extra.user.age": 31}]}, False),
        ({"all": [{"extra.user.id": "7"}], "any": [{"extra.user.id": "8"}]}, False),
        ({"extra.user.id": {"$eq": "7"}}, True),
        ({"extra.user.id": {"$eq": "7"}, "extra.user.age": 31}, False),
        ({"all": [{"extra.user.id": "7", "extra.user.age": 31}]}, False),
        ({"extra.user.id": {"$neq": "8"}}, True),
        ({"extra.user.id": {"$ne": "7"}}, False),
        ({"extra.user.id": {"$in": ["6", "7"]}}, True),
        ({"extra.user.id": {"in": ["6"]}}, False),
        ({"extra.user.age": {"$gt": 29, "$lt": 31}}, True),
        ({"extra.user.age": {"$gt": 30}}, False),
        ({"extra.user.age": {"$gte": 30, "$lte": 30}}, True),
        ({"extra.user.age": {"$lt": "31"}}, False),
        ({"extra.user.id": {"$lt": "8"}}, True),
        ({"extra.variables.beta": {"$eq": True}}, True),
        ({"extra.variables.beta": {"$eq": 1}}, False),
        ({"extra.variables.region.name": "eu"}, True),
        ({"extra.variables.region.name.more": "eu"}, False),
        ({"extra.variables.nothing": {"$neq": "x"}}, False),
        ({"extra.nobody.id": {"$neq": "x"}}, False),
        ({"extra.user.tier": "coding"}, True),
        ({"extra.user.tiers": {"$contains": "vip"}}, True),
        ({"extra.user.tags": {"contains": "none"}}, False),
        ({"extra.user.id": {"$contains": "7"}}, False),
        ({"metadata.region": "eu"}, True),
        ({"metadata.user.id": "7"}, True),
        ({"metadata.user.name": "7"}, False),
        ({"headers.X-Tier": "gold"}, True),
        ({"headers.x-none": {"$neq": "gold"}}, False),
        ({"temperature": {"$lt": 1}}, True),
        ({"pre_request.guard.result": True}, False),
    ],
)
def test_a_route_is_taken_when_its_conditions_hold(conditions: Any, *, holds: bool) -> None:
    more = {} if conditions is None else {"conditions": conditions}
    answer = routed(
        app_of({"reply": "Hi"}),
        route("openai/gpt-4.1", name="first", **more),
        route("openai/gpt-4o"),
        extra=EXTRA,
        temperature=0.5,
        metadata={"region": "eu"},
        headers={"x-tier": "gold"},
    )
    assert answer.headers["x-mockdock-route"] == ("first" if holds else "r")
    name = "openai/gpt-4.1" if holds else "openai/gpt-4o"
    assert answer.headers["x-model-name"] == name
    assert answer.json()["model"] == name


def test_a_tier_of_the_user_wins_over_the_first_tag() -> None:
    """As in the example of the specification, whose user has a tier, and tags."""
    premium = route("openai/gpt-4.1", name="p", conditions={"extra.user.tier": "premium"})
    user = {"id": "7", "tier": "premium", "tags": ["coding", "software"]}
    answer = routed(app_of({"reply": "Hi"}), premium, extra={"user": user})
    assert answer.headers["x-mockdock-route"] == "p"


def test_the_example_of_the_specification_is_answered() -> None:
    example = {
        "messages": [{"role": "user", "content": "Write a haiku about recursion."}],
        "temperature": 0.8,
        "max_tokens": 1000,
        "top_p": 0.9,
        "frequency_penalty": 0.1,
        "presence_penalty": 0.2,
        "stream": False,
        "response_format": "json_object",
        "mcp_servers": [{"server_url": "wss://your-mcp-server.com/ws?config=x", "type": "ws"}],
        "extra": {
            "guards": ["word_count_validator_bd4bdnun", "toxicity_detection_4yj4cdvu"],
            "user": {"id": "7", "name": "mrunmay", "tier": "premium", "tags": ["coding"]},
        },
    }
    pool = {
        "$any": ["openai/gpt-4.1-mini", "xai/grok-4", "anthropic/claude-sonnet-4"],
        "filter": {"error_rate": {"$lt": 0.01}},
        "sort_by": "ttft",
        "sort_order": "min",
    }
    conditions = {"all": [{"extra.user.tier": {"$eq": "premium"}}]}
    app = app_of()
    answer = routed(
        app,
        route(pool, name="premium_user", conditions=conditions),
        route("openai/gpt-4.1-nano", name="basic_user"),
        **example,
    )
    assert answer.headers["x-mockdock-ignored"] == "mcp_servers"
    assert answer.headers["x-mockdock-route"] == "premium_user"
    assert isinstance(answer.json()["choices"][0]["message"]["content"], str)
    assert said(answer).startswith("{")


def test_everything_sees_the_model_that_was_chosen() -> None:
    app = app_of({"when": {"model": "openai/gpt-4.1-nano"}, "reply": "nano"})
    answer = routed(app, route("openai/gpt-4.1-nano"))
    assert said(answer) == "nano"
    assert answer.headers["x-provider-name"] == "openai"
    assert answer.json()["usage"]["cost"] > 0
    (thread,) = get(app, "/threads", {"limit": 9, "offset": 0})["data"]
    assert thread["model_name"] == "gpt-4.1-nano"
    stream = routed(app, route("openai/gpt-4.1-nano"), stream=True)
    assert b'"model":"openai/gpt-4.1-nano"' in stream.body


def test_no_route_is_an_error_of_the_gateway() -> None:
    app = app_of({"reply": "Hi"})
    closed = route(conditions={"extra.user.id": "8"})
    for answer in (routed(app), routed(app, closed), routed(app, closed, stream=True)):
        assert (answer.status, answer.json()) == (500, NOT_FOUND)


def test_a_router_without_routes_of_its_own_is_an_unknown_model() -> None:
    refused = post(app_of(), model="router/dynamic")
    told = {"error": "Model router/dynamic not found"}
    assert (refused.status, refused.json()) == (500, told)


def test_a_router_is_asked_whatever_the_model_is() -> None:
    answer = routed(app_of({"reply": "Hi"}), route("openai/gpt-4.1"), model="gpt-4o")
    assert answer.headers["x-model-name"] == "openai/gpt-4.1"


def test_what_is_wished_for_behind_the_name_of_a_router_is_met() -> None:
    app = app_of({"reply": "Hi"})
    pool = {"$any": ["gpt-4.1", "gpt-4o"]}
    for targets in ("openai/gpt-4.1", pool):
        answer = routed(app, route(targets), model="router/dynamic:mock-503")
        assert answer.status == 503
        assert answer.headers["x-mockdock-route"] == "r"


def test_the_chosen_model_judges_a_request() -> None:
    app = app_of({"reply": "Hi"}, models=["gpt-4o", "o3"])
    refused = routed(app, route("openai/o3"), temperature=0.5)
    assert refused.status == 400
    assert refused.headers["x-mockdock-param"] == "temperature"
    missing = routed(app, route("openai/gpt-4.1"))
    assert (missing.status, missing.json()) == (500, {"error": "Model openai/gpt-4.1 not found"})


UNKNOWN = "There are price, requests, latency, ttft, throughput, tps, error_rate."


@pytest.mark.parametrize(
    ("router", "param", "message"),
    [
        ([], "router", "Invalid type for 'router': expected an object, but got an array instead."),
        ({"routes": []}, "router.type", "Missing required parameter: 'router.type'."),
        (
            {"type": "conditional"},
            "router.routes",
            "Missing required parameter: 'router.routes'.",
        ),
        (
            {"type": "fallback", "routes": []},
            "router.type",
            "Invalid value: 'fallback'. Supported values are: 'conditional'.",
        ),
    ],
)
def test_a_router_of_a_wrong_form_is_refused(router: Any, param: str, message: str) -> None:
    for validation in ("strict", "lenient"):
        refused = post(app_of(validation=validation), model="router/dynamic", router=router)
        assert (refused.status, refused.json()) == (400, {"error": message})
        assert refused.headers["x-mockdock-param"] == param


@pytest.mark.parametrize(
    ("wrong", "at", "message"),
    [
        ({"targets": "x"}, "name", "Missing required parameter: 'router.routes[1].name'."),
        ({"name": "a"}, "targets", "Missing required parameter: 'router.routes[1].targets'."),
        (
            route(["gpt-4o"]),
            "targets",
            (
                "Invalid type for 'router.routes[1].targets': expected one of a string or object, "
                "but got an array instead."
            ),
        ),
        (
            route({"$any": []}),
            "targets.$any",
            (
                "Invalid 'router.routes[1].targets.$any': empty array. Expected an array with "
                "minimum length 1, but got an empty array instead."
            ),
        ),
        (
            route({"$any": ["a"], "sort_by": "beauty"}),
            "targets.sort_by",
            (
                "Invalid value: 'beauty'. Supported values are: 'price', 'ttft', 'throughput', "
                "'latency', 'tps', 'requests', and 'error_rate'."
            ),
        ),
        (
            route({"$any": ["a", "langdb/b"]}),
            "targets.$any[1]",
            "Invalid value: 'langdb/b'. A choice is among models.",
        ),
        (
            route({"$any": ["a"], "filter": {"beauty": {"$lt": 1}}}),
            "targets.filter.beauty",
            f"Unknown metric for routing: beauty. {UNKNOWN}",
        ),
        (
            route({"$any": ["a"], "filter": {"ttft": {"$lt": "1"}}}),
            "targets.filter.ttft",
            (
                "Invalid type for 'router.routes[1].targets.filter.ttft': expected a number to "
                "compare with."
            ),
        ),
        (
            route(conditions={"all": {"a": 1}}),
            "conditions.all",
            "Invalid type for 'router.routes[1].conditions.all': expected an array of conditions.",
        ),
        (
            route(conditions={"any": ["a"]}),
            "conditions.any[0]",
            "Invalid type for 'router.routes[1].conditions.any[0]': expected an object.",
        ),
        (
            route(conditions={"a": None}),
            "conditions.a",
            (
                "Invalid type for 'router.routes[1].conditions.a': expected a value, or an "
                'operator such as {"$eq": …}.'
            ),
        ),
        (
            route(conditions={"a": {"$like": "b"}}),
            "conditions.a",
            (
                "Unknown operator: '$like'. Supported operators are: $eq, $neq, $ne, $in, $lt, "
                "$gt, $lte, $gte, $contains."
            ),
        ),
        (
            route(conditions={"a": {"$in": "b"}}),
            "conditions.a.$in",
            "Invalid type for 'router.routes[1].conditions.a.$in': expected an array.",
        ),
    ],
)
def test_a_route_of_a_wrong_form_is_refused_even_if_another_is_taken(
    wrong: Any, at: str, message: str
) -> None:
    refused = routed(app_of({"reply": "Hi"}), route(), wrong)
    assert (refused.status, refused.json()) == (400, {"error": message})
    assert refused.headers["x-mockdock-param"] == f"router.routes[1].{at}"


def test_what_is_nested_too_deeply_is_refused() -> None:
    refused = routed(app_of(), route(), more=_nested(300))
    assert refused.status == 400
    assert refused.json() == {"error": "Invalid body: it is nested more than 250 levels deep."}
    conditions = {"more": {"$eq": _nested(100_000)}}
    router = {"type": "conditional", "routes": [route(conditions=conditions)]}
    wrong = route_of(RouterBody.model_validate(router), {"more": _nested(100_000)}, {})
    assert isinstance(wrong, Failure)
    assert wrong.message == "Invalid router: a value in it is nested too deeply."


def _nested(depth: int) -> list[Any]:
    deep: list[Any] = []
    for _ in range(depth):
        deep = [deep]
    return deep


@pytest.mark.parametrize(
    ("body", "param", "message"),
    [
        (
            {"mcp_servers": [{"type": "ws"}]},
            "mcp_servers[0].server_url",
            "Missing required parameter: 'mcp_servers[0].server_url'.",
        ),
        (
            {"mcp_servers": [{"server_url": "ws://x"}]},
            "mcp_servers[0].type",
            "Missing required parameter: 'mcp_servers[0].type'.",
        ),
        (
            {"mcp_servers": [{"server_url": "ws://x", "type": "stdio"}]},
            "mcp_servers[0].type",
            "Invalid value: 'stdio'. Supported values are: 'ws' and 'sse'.",
        ),
        (
            {"extra": {"guards": [3]}},
            "extra.guards[0]",
            (
                "Invalid type for 'extra.guards[0]': expected one of a string or object, but got "
                "an integer instead."
            ),
        ),
        (
            {"extra": {"guards": [{"parameters": {}}]}},
            "extra.guards[0].id",
            "Missing required parameter: 'extra.guards[0].id'.",
        ),
        (
            {"extra": {"user": {"tags": "coding"}}},
            "extra.user.tags",
            (
                "Invalid type for 'extra.user.tags': expected an array of strings, but got a "
                "string instead."
            ),
        ),
        (
            {"messages": [{"role": "developer", "content": "x"}]},
            "messages[0].role",
            (
                "Invalid value: 'developer'. Supported values are: 'system', 'assistant', 'user', "
                "and 'tool'."
            ),
        ),
        (
            {"tools": [{"type": "custom", "custom": {"name": "x"}}]},
            "tools[0].type",
            "Invalid value: 'custom'. Supported values are: 'function'.",
        ),
        (
            {"response_format": "yaml"},
            "response_format",
            "Invalid value for 'response_format': 'yaml', expected 'text' or 'json_object'.",
        ),
    ],
)
def test_a_body_that_the_specification_does_not_allow_is_refused(
    body: Any, param: str, message: str
) -> None:
    refused = post(app_of({"reply": "Hi"}), **body)
    assert (refused.status, refused.json()) == (400, {"error": message})
    assert refused.headers["x-mockdock-param"] == param
    lenient = app_of({"reply": "Hi"}, validation="lenient")
    assert post(lenient, **body).status == 200


def test_what_means_nothing_is_named() -> None:
    servers = [{"server_url": "ws://x", "type": "sse"}]
    guards = ["a", {"id": "b", "parameters": {"limit": 3}}]
    answer = post(app_of({"reply": "Hi"}), mcp_servers=servers, extra={"guards": guards})
    assert answer.headers["x-mockdock-ignored"] == "mcp_servers, extra.guards[].parameters"
    assert "x-mockdock-ignored" not in post(app_of({"reply": "Hi"}), mcp_servers=[]).headers


BROKEN = {"when": {"model": "openai/broken"}, "reply": {"error": 503}}
POOL = {"$any": ["openai/broken", "openai/gpt-4o", "openai/gpt-4.1"]}


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_fails_gives_way_to_the_next(*, stream: bool) -> None:
    app = app_of(BROKEN, {"reply": "Hi"})
    answer = routed(app, route(POOL, name="fall"), stream=stream)
    assert answer.status == 200
    assert answer.headers["x-model-name"] == "openai/gpt-4o"
    assert answer.headers["x-mockdock-route"] == "fall after openai/broken"


def test_the_last_models_error_is_told_where_all_fail() -> None:
    app = app_of(BROKEN, {"reply": {"error": 500, "message": "no luck"}})
    refused = routed(app, route(POOL))
    assert (refused.status, refused.json()) == (500, {"error": "no luck"})
    assert refused.headers["x-mockdock-route"] == "r after openai/broken, openai/gpt-4o"


def test_each_model_that_failed_counts_as_a_failed_request() -> None:
    app = app_of(BROKEN, {"reply": "Hi"})
    thread = routed(app, route(POOL), headers={"x-label": "L"}).headers["x-thread-id"]
    asked = {"groupBy": ["model", "label"]}
    groups = get(app, "/analytics/summary", asked)["summary"]
    told = [(*each["tag_tuple"], each["total_requests"], each["error_rate"]) for each in groups]
    assert told == [("broken", "L", 1, 100.0), ("gpt-4o", "L", 1, 0.0)]
    assert len(get(app, f"/threads/{thread}/messages")) == 2


def test_a_prompt_too_long_for_a_model_goes_on_to_the_next() -> None:
    models = [{"id": "small", "context_window": 10}, "gpt-4o"]
    app = app_of({"reply": "Hi"}, models=models)
    answer = routed(app, route({"$any": ["small", "gpt-4o"]}), messages=_words(50))
    assert answer.headers["x-mockdock-route"] == "r after openai/small"


def test_limits_are_no_fault_of_a_model() -> None:
    app = app_of({"reply": "Hi"}, limits=[{"rpm": 1, "per": "session"}])
    assert routed(app, route(POOL)).status == 200
    refused = routed(app, route(POOL))
    assert (refused.status, refused.body) == (429, b"API call limit exceeded")
    assert refused.headers["x-mockdock-route"] == "r"


def test_a_model_that_failed_gives_back_what_it_was_charged() -> None:
    app = app_of(BROKEN, {"reply": "Hi"}, limits=[{"concurrent": 1, "per": "session"}])
    for _ in range(2):
        assert said(routed(app, route(POOL))) == "Hi"


def test_an_outage_by_the_clock_goes_on_to_the_next() -> None:
    outage = {"at": "0s", "error": 503, "when": {"model": "openai/gpt-4o"}}
    app = app_of({"reply": "Hi"}, timeline=[outage])
    answer = routed(app, route({"$any": ["openai/gpt-4o", "openai/gpt-4.1"]}))
    assert answer.headers["x-mockdock-route"] == "r after openai/gpt-4o"


def test_no_more_than_nine_models_are_tried() -> None:
    app = app_of({"reply": {"error": 503}})
    answer = routed(app, route({"$any": [f"m{index}" for index in range(20)]}))
    assert answer.headers["x-mockdock-route"].endswith("openai/m6, openai/m7")


def test_models_that_are_not_there_are_passed_over() -> None:
    app = app_of({"reply": "Hi"}, models=["gpt-4o"])
    answer = routed(app, route({"$any": ["gpt-4.1", "gpt-4o"]}))
    assert answer.headers["x-mockdock-route"] == "r"
    assert answer.headers["x-model-name"] == "gpt-4o"
    for name in ("gpt-4.1", "xai/*"):
        refused = routed(app, route({"$any": [name]}))
        assert (refused.status, refused.json()) == (500, {"error": f"Model {name} not found"})


def test_the_books_are_asked_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[threading.Thread] = []

    def metrics(*_: object) -> Mapping[tuple[str, str], Metrics]:
        asked.append(threading.current_thread())
        return {}

    monkeypatch.setattr(Books, "metrics", metrics)
    app = app_of({"reply": "Hi"})
    assert routed(app, route({"$any": ["gpt-4o"], "sort_by": "ttft"})).status == 200
    assert [each is threading.main_thread() for each in asked] == [False]
    assert routed(app, route({"$any": ["gpt-4o"]})).status == 200
    assert len(asked) == 1


def _words(count: int) -> list[dict[str, str]]:
    return [{"role": "user", "content": "word " * count}]
