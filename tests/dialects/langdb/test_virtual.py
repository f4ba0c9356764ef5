"""Virtual models: configurations that are saved by a name."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.app import App
from tests.dialects.langdb.posts import app_of, get, post, route, routed, said

BOT: dict[str, Any] = {
    "model": "openai/gpt-4o-mini",
    "messages": [{"content": "You are kind."}, {"role": "user", "content": "Before"}],
    "parameters": {"temperature": 0, "max_tokens": 2, "extra": {"guards": ["strict"]}},
}
ROUTER = {"type": "conditional", "routes": [route("openai/gpt-4.1", name="saved")]}


def bots(*rules: Any, **more: Any) -> App:
    virtual = {
        "support-bot": BOT,
        "saved-router": {"model": "router/dynamic", "parameters": {"router": ROUTER}},
        **more.pop("virtual", {}),
    }
    return app_of(*rules, langdb={"virtual_models": virtual, **more})


@pytest.mark.parametrize("name", ["langdb/support-bot", "support-bot"])
def test_the_model_behind_a_name_answers(name: str) -> None:
    app = bots({"when": {"model": "openai/gpt-4o-mini"}, "reply": "Hi"})
    answer = post(app, model=name)
    assert said(answer) == "Hi"
    assert answer.json()["model"] == "openai/gpt-4o-mini"
    assert answer.headers["x-model-name"] == "openai/gpt-4o-mini"
    used = get(app, "/analytics/summary", {"groupBy": ["provider", "model"]})["summary"]
    assert [each["tag_tuple"] for each in used] == [["openai", "gpt-4o-mini"]]


def test_its_messages_come_before_those_of_the_request() -> None:
    app = bots({"when": {"system": {"equals": "You are kind."}, "turn": 2}, "reply": "Kindly"})
    answer = post(app, "Hello", model="langdb/support-bot")
    assert said(answer) == "Kindly"
    kept = get(app, f"/threads/{answer.headers['x-thread-id']}/messages")
    assert [each["content"] for each in kept] == ["You are kind.", "Before", "Hello", "Kindly"]


def test_its_parameters_hold_where_the_request_has_none() -> None:
    app = bots({"reply": "one two three four five six"})
    assert post(app, model="support-bot").json()["usage"]["completion_tokens"] == 2
    asked = post(app, model="support-bot", max_tokens=4)
    assert asked.json()["usage"]["completion_tokens"] == 4


def test_extras_of_both_hold_and_the_request_wins() -> None:
    app = bots({"reply": "Hi"}, guards={"strict": "fail", "loose": "pass"})
    user = {"user": {"id": "7"}}
    assert post(app, model="support-bot", extra=user).status == 446
    assert post(app, model="support-bot", extra={"guards": ["loose"], **user}).status == 200


def test_its_user_is_the_user_of_the_request() -> None:
    parameters = {"extra": {"user": {"id": "saved"}}}
    app = bots({"reply": "Hi"}, virtual={"a": {"model": "gpt-4o", "parameters": parameters}})
    post(app, model="a")
    post(app, model="a", extra={"user": {"id": "own"}})
    users = get(app, "/analytics/summary", {"groupBy": ["user"]})["summary"]
    assert [each["tag_tuple"] for each in users] == [["own"], ["saved"]]
    wrong = {"extra": {"user": 3}}
    app = bots({"reply": "Hi"}, virtual={"a": {"model": "gpt-4o", "parameters": wrong}})
    refused = post(app, model="a")
    assert (refused.status, refused.headers["x-mockdock-param"]) == (400, "extra.user")


def test_other_names_of_langdb_are_unknown_where_there_are_any() -> None:
    refused = post(bots(), model="langdb/other")
    assert (refused.status, refused.json()) == (500, {"error": "Model langdb/other not found"})
    assert post(app_of({"reply": "Hi"}), model="langdb/other").status == 200


def test_what_is_wished_for_behind_a_name_is_none_of_it() -> None:
    refused = post(bots(), model="langdb/support-bot:mock-503")
    assert refused.status == 503


def test_a_rule_sees_the_body_as_it_was_sent() -> None:
    app = bots({"when": {"body": {"model": "support-bot"}}, "reply": "as sent"})
    assert said(post(app, model="support-bot")) == "as sent"


def test_a_router_can_be_saved() -> None:
    answer = post(bots({"reply": "Hi"}), model="langdb/saved-router")
    assert answer.headers["x-model-name"] == "openai/gpt-4.1"
    assert answer.headers["x-mockdock-route"] == "saved"


def test_a_route_may_lead_to_a_virtual_model() -> None:
    answer = routed(bots({"when": {"system": "kind"}, "reply": "Kindly"}), route("support-bot"))
    assert said(answer) == "Kindly"
    assert answer.headers["x-model-name"] == "openai/gpt-4o-mini"


def test_routers_that_lead_to_each_other_end() -> None:
    loop = {"type": "conditional", "routes": [route("langdb/a")]}
    virtual = {"a": {"model": "router/a", "parameters": {"router": loop}}}
    refused = post(bots(virtual=virtual), model="langdb/a")
    assert (refused.status, refused.json()) == (500, {"error": "Max depth reached"})


@pytest.mark.parametrize("path", ["/models", "/v1/models"])
def test_they_are_listed_after_all_others(path: str) -> None:
    listed = get(bots(), path)["data"]
    assert [(each["id"], each["owned_by"]) for each in listed[-2:]] == [
        ("langdb/support-bot", "langdb"),
        ("langdb/saved-router", "langdb"),
    ]
    assert len(listed) == len(get(app_of(), path)["data"]) + 2


def test_their_price_is_that_of_their_model() -> None:
    prices = {each["model"]: each["price"] for each in get(bots(), "/pricing")}
    assert prices["support-bot"] == prices["gpt-4o-mini"]


def test_they_work_in_a_closed_catalogue() -> None:
    app = app_of(
        {"reply": "Hi"},
        models=["gpt-4o"],
        langdb={"virtual_models": {"a": {"model": "openai/gpt-4o"}}},
    )
    assert said(post(app, model="langdb/a")) == "Hi"


def test_a_request_without_a_model_or_messages_is_refused_as_ever() -> None:
    refused = post(bots(), model=None)
    assert (refused.status, refused.json()) == (
        400,
        {"error": "you must provide a model parameter"},
    )
    refused = post(bots(), model="support-bot", messages="none")
    assert refused.status == 400
    assert refused.headers["x-mockdock-param"] == "messages"
