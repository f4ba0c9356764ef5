"""Questions about an account: what is asked, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockdock.dialects.base import Call
from mockdock.dialects.langdb.questions import ask
from mockdock.gateways import Gateways, LangDB
from mockdock.question import (
    Account,
    Analyse,
    CreateModel,
    ListModels,
    ListThreads,
    Price,
    Question,
    ReadThread,
    SetPrices,
    SumUsage,
    SumUsageBy,
    Window,
)
from mockdock.reply import Failure
from mockdock.request import Request
from tests.conformance.asgi import app_of
from tests.dialects.langdb.talk import ADMIN, Talk, model_body
from tests.effort import examples

SECOND = 1_000_000
HEADERS = {"x-project-id": "p"}
POSTED = [
    "threads",
    "analytics",
    "summary",
    "usage",
    "usage.models",
    "admin.models",
    "custom_prices",
]


def call(operation: str, body: Any = None, **more: Any) -> Call:
    """Make a call of an operation on project "p"."""
    usual: dict[str, Any] = {"headers": HEADERS, "params": {}, "dialect": "langdb"}
    given = {**usual, **more}
    headers, params = given.pop("headers"), given.pop("params")
    method = "GET" if body is None else "POST"
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Call(operation, method, "/x", headers, params, sent, "http://localhost", **given)


def asked(operation: str, body: Any = None, **more: Any) -> Question:
    """Give the question of a call that is understood."""
    request = ask(call(operation, body, **more))
    assert isinstance(request, Request), request
    assert request.account is not None
    assert request.account.question is not None
    return request.account.question


def refused(operation: str, body: Any = None, **more: Any) -> Failure:
    """Give the refusal of a call."""
    failure = ask(call(operation, body, **more))
    assert isinstance(failure, Failure)
    return failure


PERIODS = {
    "last_minute": 60,
    "last15_minute": 900,
    "last_15_minutes": 900,
    "last_hour": 3600,
    "last3_hours": 3 * 3600,
    "last_3_hours": 3 * 3600,
    "last12_hours": 12 * 3600,
    "last_12_hours": 12 * 3600,
    "last_day": 86_400,
    "last_week": 7 * 86_400,
    "last_month": 30 * 86_400,
    "last_year": 365 * 86_400,
}


@pytest.mark.parametrize("period", PERIODS)
def test_a_period_wins_over_times(period: str) -> None:
    body = {"period": period, "start_time_us": 1, "end_time": 2}
    assert asked("analytics", body) == Analyse(Window(last_us=PERIODS[period] * SECOND))


@pytest.mark.parametrize(
    ("body", "window"),
    [
        ({}, Window()),
        ({"start_time": 5}, Window(start_us=5 * SECOND)),
        ({"start_time_us": 5, "start_time": 9}, Window(start_us=5)),
        ({"start_time": 1, "end_time_us": SECOND}, Window(start_us=SECOND, end_us=SECOND)),
        ({"end_time": 0}, Window(end_us=0)),
        ({"period": None, "end_time_us": None}, Window()),
        ({"unknown": 1}, Window()),
    ],
)
def test_times_are_in_seconds_or_microseconds(body: dict[str, Any], window: Window) -> None:
    assert asked("analytics", body) == Analyse(window)
    assert asked("usage", body) == SumUsage(window)
    assert asked("usage.models", body) == SumUsageBy(window, "hour")
    assert asked("summary", {**body, "groupBy": ["model"]}) == Analyse(window, ("model",))


@pytest.mark.parametrize("operation", ["analytics", "summary", "usage", "usage.models"])
@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"start_time_us": 2, "end_time_us": 1}, "end_time_us"),
        ({"period": "last_decade"}, "period"),
        ({"start_time": -1}, "start_time"),
        ({"start_time": 1.5}, "start_time"),
        ({"end_time": "1"}, "end_time"),
        ({"end_time": 10**12}, "end_time"),
    ],
)
def test_a_range_that_is_none(operation: str, body: dict[str, Any], param: str) -> None:
    failure = refused(operation, {"groupBy": ["model"], **body})
    assert (failure.kind, failure.param) == ("bad_request", param)


def test_a_group_is_named_once_and_tags_have_keys() -> None:
    body = {"groupBy": ["tag", "user", "tag"], "tag_keys": ["a", "b", "a"]}
    assert asked("summary", body) == Analyse(Window(), ("tag", "user"), ("a", "b"))
    failure = refused("summary", {"groupBy": ["tag"]})
    assert failure.message == "Missing required parameter: 'tag_keys', which groupBy 'tag' needs."


@pytest.mark.parametrize(
    "body",
    [{}, {"groupBy": []}, {"groupBy": ["color"]}, {"groupBy": "model"}, {"groupBy": ["model"] * 9}],
)
def test_groups_that_are_none(body: dict[str, Any]) -> None:
    assert (refused("summary", body).param or "").startswith("groupBy")


@pytest.mark.parametrize("unit", ["hour", "day", "month"])
def test_usage_comes_by_a_unit(unit: Any) -> None:
    assert asked("usage.models", {"min_unit": unit}) == SumUsageBy(Window(), unit)
    assert refused("usage.models", {"min_unit": f"{unit}s"}).param == "min_unit"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "limit"),
        ({"limit": 1}, "offset"),
        ({"limit": 0, "offset": 0}, "limit"),
        ({"limit": 1, "offset": -1}, "offset"),
        ({"limit": "1", "offset": 0}, "limit"),
        ({"limit": 2**63, "offset": 0}, "limit"),
    ],
)
def test_a_page_that_is_none(body: dict[str, Any], param: str) -> None:
    assert refused("threads", body).param == param


def test_a_page_and_a_thread() -> None:
    assert asked("threads", {"limit": 1, "offset": 2}) == ListThreads(1, 2)
    assert asked("messages", params={"thread_id": "t"}) == ReadThread("t")


def test_prices_are_floats_by_name() -> None:
    body = {"a/b": {"per_input_token": 1, "per_output_token": 0.5, "more": 1}}
    assert asked("custom_prices", body) == SetPrices({"a/b": Price(1.0, 0.5)})
    empty = refused("custom_prices", {})
    assert empty.message == "Expected prices of 1 to 10000 models, by their names."
    assert (empty.status, empty.type) == (400, "enterprise")


ADMIN_HEADERS = {**HEADERS, **ADMIN}


def test_a_model_has_decimal_prices() -> None:
    made = asked("admin.models", model_body(), headers=ADMIN_HEADERS)
    assert isinstance(made, CreateModel)
    assert str(made.new.input_token_price) == "0.00001"
    assert made.new.input_types == ("text", "image")
    body = model_body(input_token_price=None, output_token_price=None)
    free = asked("admin.models", body, headers=ADMIN_HEADERS)
    assert isinstance(free, CreateModel)
    assert (free.new.input_token_price, free.new.output_token_price) == (None, None)


REQUIRED = [
    *("model_name", "description", "provider_info_id", "project_id"),
    *("model_type", "owner_name", "priority"),
]


@pytest.mark.parametrize("name", REQUIRED)
def test_a_model_lacks_something(name: str) -> None:
    body = {field: value for field, value in model_body().items() if field != name}
    failure = refused("admin.models", body, headers=ADMIN_HEADERS)
    assert failure.message == f"Missing required parameter: '{name}'."
    assert (failure.status, failure.type) == (400, "enterprise")


@pytest.mark.parametrize(
    "wrong",
    [
        {"provider_info_id": "x"},
        {"priority": 1.5},
        {"input_token_price": -1},
        {"context_size": 0},
        {"model_name": ""},
        {"parameters": []},
    ],
)
def test_a_model_with_something_wrong(wrong: dict[str, Any]) -> None:
    failure = refused("admin.models", model_body(**wrong), headers=ADMIN_HEADERS)
    assert f"'{next(iter(wrong))}'" in str(failure.message)


@pytest.mark.parametrize(
    ("wanted", "sent", "message"),
    [
        ("", {}, "Missing header: X-Admin-Key"),
        ("right", {}, "Missing header: X-Admin-Key"),
        ("right", {"x-admin-key": "wrong"}, "Invalid X-Admin-Key"),
        ("right", {"x-admin-key": "\udcff"}, "Invalid X-Admin-Key"),
        ("right", {"x-admin-key": "right"}, None),
        ("", {"x-admin-key": "any"}, None),
    ],
)
def test_who_makes_models_has_the_key(
    wanted: str, sent: dict[str, str], message: str | None
) -> None:
    gateways = Gateways(langdb=LangDB(admin_key=wanted))
    found = ask(call("admin.models", model_body(), headers={**HEADERS, **sent}, gateways=gateways))
    if message is None:
        assert isinstance(found, Request)
    else:
        assert isinstance(found, Failure)
        assert (found.status, found.message) == (401, message)


@pytest.mark.parametrize("operation", POSTED)
def test_a_body_that_is_no_json(operation: str) -> None:
    for sent, status, message in (
        (b"{", 400, "Failed to parse JSON"),
        (b"[]", 400, "Failed to parse JSON"),
    ):
        failure = refused(operation, sent)
        assert (failure.status or 400, failure.message) == (status, message)
    headers = {**HEADERS, "content-type": "text/plain"}
    assert refused(operation, {}, headers=headers).status == 415


def test_what_is_public_needs_no_project() -> None:
    """Models and prices; a project that is named has to be there all the same."""
    for operation in ("models", "pricing"):
        request = ask(call(operation, headers={}))
        assert isinstance(request, Request)
        assert request.account is not None
        assert request.account.project == ""
        gateways = Gateways(langdb=LangDB(projects=("q",)))
        assert refused(operation, gateways=gateways).kind == "permission"
    assert refused("cost", params={"thread_id": "t"}, headers={}).kind == "bad_request"
    assert refused("custom_prices", {"a": {}}, headers={}).type == "enterprise"


def test_a_list_of_models_is_that_of_every_dialect() -> None:
    request = ask(call("models"))
    assert isinstance(request, Request)
    assert (request.api, request.account) == ("models", Account("p", question=ListModels()))
    other = ask(call("pricing"))
    assert isinstance(other, Request)
    assert other.api == "account"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
NAMES = [
    *("limit", "offset", "period", "start_time", "end_time_us", "groupBy", "tag_keys", "min_unit"),
    *REQUIRED,
    *("input_token_price", "type_prices", "mp_price", "parameters", "tags", "context_size"),
]
APP = Talk(app_of())


@settings(max_examples=examples(150), deadline=None)
@given(
    path=st.sampled_from(
        [
            *("/threads", "/analytics", "/analytics/summary", "/usage/total", "/usage/models"),
            *("/admin/models", "/projects/p/custom_prices"),
        ]
    ),
    body=st.dictionaries(st.sampled_from(NAMES), values, max_size=5)
    | st.just(model_body()).flatmap(
        lambda usual: st.dictionaries(st.sampled_from(NAMES), values, max_size=2).map(
            lambda odd: {**usual, **odd}
        )
    ),
)
def test_any_body_is_answered_or_refused(path: str, body: dict[str, Any]) -> None:
    """Never by a failure of ours; every answer is of the declared form."""
    assert APP.post(path, body, ADMIN).status in (200, 400)
