"""A golden file for each endpoint of the documents, byte for byte.

Written from the examples and schemas of the specification; figures were worked out from
the traffic below. Ids of messages and models are made up.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockdock import resources
from mockdock.dialects.langdb import langdb
from tests.conformance.adapters import normalised
from tests.conformance.asgi import Answer, app_of, ask
from tests.dialects.langdb.talk import ADMIN, HI, LeapingClock, Talk, model_body

PROJECT = "55f4a12b-74c8-4294-8e4b-537f13fc3861"
THREAD = "25a0b7d9-86cf-448d-8395-66e9073d876f"
BEGAN = 1738146300.736
"""2025-01-29 10:25:00.736, as in the specification's example of a message."""
SYSTEM = {"role": "system", "content": "Be brief."}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": CITY}}
PARTS = [{"type": "text", "text": "And the"}, {"type": "text", "text": " weather?"}]
WEATHER = {"name": "get_weather", "id": "call_1", "arguments": {"city": "Lima"}}
RULES: list[dict[str, Any]] = [
    {
        "when": {"user": "weather"},
        "reply": {
            "tool_calls": [WEATHER],
            "usage": {"prompt_tokens": 60, "completion_tokens": 20},
        },
    },
    {"when": {"user": "Fail"}, "reply": {"error": "server_error"}},
    {"when": {"api": "chat"}, "reply": "Hello there!"},
]
USER = {"id": "7", "name": "mrunmay", "tags": ["coding", "software"]}


GOLDEN = {
    "chat": "plain.json",
    "embeddings": "embedding-float.json",
    "models": "models.json",
    "threads": "threads.json",
    "messages": "messages.json",
    "cost": "cost.json",
    "analytics": "analytics.json",
    "summary": "summary.json",
    "usage": "usage-total.json",
    "usage.models": "usage-models.json",
    "pricing": "pricing.json",
    "admin.models": "admin-model.json",
    "custom_prices": "custom-prices.json",
}
"""The files of each operation, or the first of them."""


def test_every_operation_has_a_golden_file() -> None:
    assert GOLDEN.keys() == {each.operation for each in langdb.routes}
    folder = resources.fixtures() / "langdb"
    assert all((folder / name).is_file() for name in GOLDEN.values())


@pytest.fixture(scope="module")
def talk() -> Talk:
    """Lead three chats and an embedding: two on a thread, one that fails, one an hour later."""
    clock = LeapingClock(BEGAN)
    settings: dict[str, Any] = {"models": ["gpt-4o", "gpt-4o-mini", "text-embedding-3-small"]}
    app = app_of(*RULES, clock=clock, pacing={"ttft": "500ms", "itl": "100ms"}, **settings)
    talk = Talk(app, PROJECT)
    told = talk.chat(
        model="openai/gpt-4o",
        messages=[SYSTEM, HI],
        extra={"user": USER},
        x_thread_id=THREAD,
        x_thread_title="Haiku",
        x_run_id="run-1",
        x_label="assistant",
        x_tags="env=prod&v=2",
    )
    assert told.status == 200
    said = {"role": "assistant", "content": "Hello there!"}
    history = [SYSTEM, HI, said, {"role": "user", "content": PARTS}]
    told = talk.chat(messages=history, tools=[TOOL], stream=True, x_thread_id=THREAD)
    assert told.status == 200
    told = talk.chat("Fail", "gpt-4o-mini", x_thread_id=THREAD, x_tags="env=test")
    assert told.status == 500
    clock.advance(3600)
    body = {"model": "text-embedding-3-small", "input": "Hi", "dimensions": 2}
    assert talk.post("/v1/embeddings", body).status == 200
    return talk


def check(answer: Answer, name: str, status: int = 200) -> None:
    """Compare an answer with a golden file."""
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    golden = (resources.fixtures() / "langdb" / name).read_bytes()
    assert normalised(answer.body) == normalised(golden)


@pytest.mark.parametrize(
    ("golden", "path", "body"),
    [
        ("threads.json", "/threads", {"limit": 10, "offset": 0}),
        ("messages.json", f"/threads/{THREAD}/messages", None),
        ("cost.json", f"/threads/{THREAD}/cost", None),
        ("analytics.json", "/analytics", {"period": "last_day"}),
        ("summary.json", "/analytics/summary", {"groupBy": ["provider", "model"]}),
        ("summary-tags.json", "/analytics/summary", {"groupBy": ["tag"], "tag_keys": ["env", "v"]}),
        ("usage-total.json", "/usage/total", {"start_time_us": 1737504000000000}),
        ("usage-models.json", "/usage/models", {"min_unit": "hour"}),
        ("pricing.json", "/pricing", None),
        ("models.json", "/models", None),
        ("models.json", "/v1/models", None),
        ("models.json", "/p/v1/models", None),
    ],
)
def test_what_is_told_of_an_account(talk: Talk, golden: str, path: str, body: Any) -> None:
    answer = talk.get(path) if body is None else talk.post(path, body)
    check(answer, golden)


@pytest.mark.parametrize("form", ["float", "base64"])
@pytest.mark.parametrize("base", ["/v1", "/p/v1", ""])
def test_an_embedding(form: str, base: str) -> None:
    """A rule tells the vector; "Hi" is one token of text-embedding-3-small, at 0.02 dollars."""
    talk = Talk(app_of({"when": {"api": "embeddings"}, "reply": {"embedding": [0.6, -0.8]}}))
    body = {"model": "text-embedding-3-small", "input": "Hi", "encoding_format": form}
    check(talk.post(f"{base}/embeddings", body), f"embedding-{form}.json")


def test_a_model_that_is_made() -> None:
    body = model_body(type_prices=None, parameters={})
    check(Talk(app_of()).post("/admin/models", body, ADMIN), "admin-model.json")


PRICES = {
    "bedrock/twelvelabs.pegasus-1-2-v1:0": {"per_input_token": 1.23, "per_output_token": 2.12}
}


@pytest.mark.parametrize(
    ("form", "golden"), [("prices", "custom-prices"), ("report", "custom-prices-report")]
)
def test_prices_that_are_set(form: str, golden: str) -> None:
    """The two specifications have either form."""
    talk = Talk(app_of(langdb={"custom_prices": form}))
    check(talk.post("/projects/p/custom_prices", PRICES), f"{golden}.json")


NEGATIVE = {"m": {"per_input_token": -1, "per_output_token": 1}}


@pytest.mark.parametrize(
    ("golden", "status", "path", "body"),
    [
        ("unknown-thread", 404, "/threads/none/cost", None),
        ("unknown-thread", 404, "/threads/none/messages", None),
        ("threads", 400, "/threads", {"limit": 0, "offset": 0}),
        ("summary", 400, "/analytics/summary", {}),
        ("bad-json", 400, "/analytics", b"{"),
        ("bad-json", 400, "/usage/total", b""),
        ("admin-key", 401, "/admin/models", {}),
        ("custom-prices", 400, "/projects/p/custom_prices", NEGATIVE),
    ],
)
def test_a_question_that_is_refused(golden: str, status: int, path: str, body: Any) -> None:
    talk = Talk(app_of())
    if body is None:
        answer = talk.get(path)
    elif isinstance(body, bytes):
        answer = ask(talk.app, "POST", path, body, talk.headers({}))
    else:
        answer = talk.post(path, body)
    check(answer, f"errors/{golden}.json", status)


def test_a_model_with_a_field_missing() -> None:
    body = {name: value for name, value in model_body().items() if name != "owner_name"}
    answer = Talk(app_of()).post("/admin/models", body, ADMIN)
    check(answer, "errors/admin-model.json", 400)


def test_projects_there_are_not() -> None:
    """The specification has a 404 for prices; elsewhere nothing is known."""
    talk = Talk(app_of(langdb={"projects": ["other"]}))
    check(talk.chat(), "errors/unknown-project.json", 403)
    answer = talk.post("/projects/p/custom_prices", PRICES)
    check(answer, "errors/unknown-project-prices.json", 404)


def test_a_project_that_is_not_named() -> None:
    app = app_of()
    usual = {"content-type": "application/json"}
    check(ask(app, "POST", "/threads", b'{"limit": 1, "offset": 0}', usual), *_MISSING)
    check(ask(app, "GET", "/threads/t/cost", b"", usual), *_MISSING)


_MISSING = ("errors/missing-project.json", 400)


@pytest.mark.parametrize("path", ["/models", "/v1/models", "/p/v1/models", "/pricing"])
def test_models_and_prices_are_told_without_a_key(path: str) -> None:
    """The specification declares no security for these two, and a bearer token elsewhere."""
    app = app_of(auth={"keys": ["sk-right"]})
    marked = {"x-project-id": "p"}
    assert ask(app, "GET", path, b"", marked).status == 200
    assert ask(app, "GET", path, b"", {**marked, "authorization": "Bearer sk-wrong"}).status == 200
    assert ask(app, "GET", "/threads/t/cost", b"", marked).status == 401


@pytest.mark.parametrize("count", [33, 100])
def test_too_many_tags_are_refused(count: int) -> None:
    keys = [f"k{number}" for number in range(count)]
    answer = Talk(app_of()).post("/analytics/summary", {"groupBy": ["tag"], "tag_keys": keys})
    assert answer.status == 400
    assert answer.headers["x-mockdock-param"] == "tag_keys"


@pytest.mark.parametrize(
    ("module", "path", "body", "limit"),
    [
        ("models", "/admin/models", model_body(), "a ledger keeps at most 0 models"),
        ("prices", "/projects/p/custom_prices", PRICES, "a ledger keeps at most 0 prices"),
    ],
)
def test_what_is_more_than_the_books_keep_is_refused(
    module: str, path: str, body: Any, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"mockdock.ledger.{module}._MOST", 0)
    answer = Talk(app_of()).post(path, body, ADMIN)
    assert answer.status == 400
    assert answer.json()["message"].startswith(f"mockdock: {limit}")
    assert answer.headers["x-should-retry"] == "false"


def test_tool_calls_of_messages_can_be_text() -> None:
    """As the specification has them; its own client wants a list."""
    rule = {"reply": {"tool_calls": [WEATHER]}}
    talk = Talk(app_of(rule, langdb={"tool_calls": "text"}))
    talk.chat(tools=[TOOL], x_thread_id="t")
    human, ai = talk.told("/threads/t/messages")
    assert human["tool_calls"] is None
    (call,) = json.loads(ai["tool_calls"])
    assert (call["id"], call["function"]["name"]) == ("call_1", "get_weather")
