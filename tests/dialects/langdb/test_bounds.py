"""Bodies that no client means: refused in LangDB's words, or kept whole."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from mockdock.app import App
from mockdock.delivery import ManualClock
from mockdock.engine import Engine
from mockdock.scenario import load
from tests.conformance.asgi import app_of
from tests.dialects.langdb.posts import route
from tests.dialects.langdb.talk import ADMIN, LeapingClock, Talk, model_body


def nested(levels: int) -> Any:
    """Make an object of so many levels."""
    value: Any = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "more",
    [
        {"response_format": "text"},
        {"router": {"type": "conditional", "routes": [route()]}},
    ],
)
def test_a_body_that_has_to_be_spelled_out_may_not_be_nested_without_end(
    more: dict[str, Any],
) -> None:
    talk = Talk(app_of({"reply": "Hi"}))
    assert talk.chat(odd=nested(250), **more).status == 200
    refused = talk.chat(odd=nested(400), **more)
    told = {"error": "Invalid body: it is nested more than 250 levels deep."}
    assert (refused.status, refused.json()) == (400, told)


def test_parameters_of_a_model_are_nested_fifty_levels_at_most() -> None:
    talk = Talk(app_of({"reply": "Hi"}))
    made = talk.post("/admin/models", model_body(parameters=nested(50)), ADMIN)
    assert (made.status, made.json()["parameters"]) == (200, nested(50))
    refused = talk.post("/admin/models", model_body(parameters=nested(51)), ADMIN)
    message = "Invalid 'parameters': nested more than 50 levels deep."
    assert (refused.status, refused.json()) == (400, {"code": 400, "message": message})


def test_a_model_takes_a_hundred_thousand_bytes_at_most() -> None:
    talk = Talk(app_of({"reply": "Hi"}))
    made = talk.post("/admin/models", model_body(description="x" * 90_000), ADMIN)
    assert made.status == 200
    refused = talk.post("/admin/models", model_body(description="x" * 100_000), ADMIN)
    assert refused.status == 400
    assert refused.json()["message"].startswith("A model takes at most 100000 bytes, this is 100")


def test_a_ledger_that_cannot_be_read_is_told_by_its_own_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    app = app_of({"reply": "Hi"})
    talk = Talk(app)
    assert talk.chat().status == 200
    monkeypatch.setattr("mockdock.ledger.store.put", full)
    told = {"error": "mockdock: the ledger: database or disk is full"}
    answer = talk.post("/usage/total")
    assert (answer.status, answer.headers["x-should-retry"], answer.json()) == (500, "false", told)
    assert talk.chat().status == 200  # answers go on
    assert "Traceback" not in caplog.text
    monkeypatch.undo()
    assert talk.told("/usage/total", {})["total"]["total_input_tokens"] == 16


@pytest.mark.parametrize(
    ("now", "day"),
    [(-0.5, "1970-01-01"), (0.0, "1970-01-01"), (1e12, "9999-12-31"), (1e15, "9999-12-31")],
)
def test_a_clock_that_shows_no_year_of_ours_counts_as_at_the_nearest(now: float, day: str) -> None:
    app = App(Engine(load({"mockdock": 1}).scenario), clock=ManualClock(now))
    talk = Talk(app)
    assert talk.post("/admin/models", model_body(), ADMIN).status == 200
    assert talk.chat(x_thread_id="t").status == 200
    assert talk.told("/threads", {"limit": 1, "offset": 0})["data"][0]["updated_at"][:10] == day
    assert [each["created_at"][:10] for each in talk.told("/threads/t/messages")] == [day, day]
    for period in ({}, {"period": "last_hour"}):
        (hour,) = talk.told("/analytics", period)["timeseries"]
        assert (hour["hour"][:10], hour["total_requests"]) == (day, 1)
    assert talk.told("/usage/total", {})["total"]["total_input_tokens"] == 8
    assert talk.told("/pricing")
    assert talk.told("/models")


def test_an_exchange_that_ends_after_the_last_year_is_kept() -> None:
    reply = {"text": "Hi", "pacing": {"ttft": "1h"}}
    scenario = load({"mockdock": 1, "rules": [{"reply": reply}]}).scenario
    talk = Talk(App(Engine(scenario), clock=LeapingClock(253_402_300_700.0)))
    assert talk.chat(x_thread_id="t").status == 200
    (thread,) = talk.told("/threads", {"limit": 1, "offset": 0})["data"]
    assert thread["updated_at"] == "9999-12-31T23:59:59.999999Z"


def test_a_summary_takes_as_many_tag_keys_as_can_be_grouped_by() -> None:
    talk = Talk(app_of({"reply": "Hi"}))
    assert talk.chat(x_tags="k31=v").status == 200
    keys = [f"k{each}" for each in range(33)]
    asked = {"groupBy": ["tag"], "tag_keys": keys[:32]}
    (group,) = talk.told("/analytics/summary", asked)["summary"]
    assert group["tag_tuple"] == [*[""] * 31, "v"]
    refused = talk.post("/analytics/summary", {**asked, "tag_keys": keys})
    assert refused.status == 400
    assert refused.json()["error"].startswith("Invalid 'tag_keys': array too long.")


def test_a_ledger_that_is_full_of_prices_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockdock.ledger.prices._MOST", 1)
    talk = Talk(app_of({"reply": "Hi"}))
    price = {"per_input_token": 1, "per_output_token": 2}
    refused = talk.post("/projects/p/custom_prices", {"a": price, "b": price})
    assert refused.status == 400
    assert "mockdock: a ledger keeps at most 1 prices" in refused.body.decode()


def test_a_range_that_begins_in_the_future_is_empty_and_in_order() -> None:
    app = App(Engine(load({"mockdock": 1}).scenario), clock=ManualClock(1000.0))
    told = Talk(app).told("/analytics", {"start_time_us": 2_000_000_000})
    assert (told["timeseries"], told["start_time"], told["end_time"]) == ([], 2000, 2000)


def test_a_user_that_is_no_text_does_no_harm_where_all_is_taken() -> None:
    talk = Talk(app_of({"reply": "Hi"}, validation="lenient"))
    user = {"id": nested(900), "name": 7, "tags": [nested(900), "a"]}
    assert talk.chat(extra={"user": user}).status == 200
    asked = {"groupBy": ["user", "tag"], "tag_keys": ["user_tags"]}
    (group,) = talk.told("/analytics/summary", asked)["summary"]
    assert group["tag_tuple"] == ["", "a"]


def test_of_the_name_of_a_model_a_thousand_letters_are_kept() -> None:
    talk = Talk(app_of({"reply": "Hi"}))
    assert talk.chat(model=f"{'p' * 2000}/{'m' * 2000}").status == 200
    (used,) = talk.told("/usage/total", {})["models"]
    assert (used["provider"], used["model_name"]) == ("p" * 1000, "m" * 1000)


def test_a_thread_named_in_utf8_is_found_by_its_path() -> None:
    talk = Talk(app_of({"reply": "Hi"}))
    answer = talk.chat(x_thread_id="ü€", x_thread_title="ü€", x_tags="k=ü€")  # sent as UTF-8
    assert answer.headers["x-thread-id"] == "%C3%BC%E2%82%AC"
    (thread,) = talk.told("/threads", {"limit": 1, "offset": 0})["data"]
    assert (thread["id"], thread["title"]) == ("ü€", "ü€")
    assert len(talk.told("/threads/ü€/messages")) == 2
    asked = {"groupBy": ["tag"], "tag_keys": ["k"]}
    (group,) = talk.told("/analytics/summary", asked)["summary"]
    assert group["tag_tuple"] == ["ü€"]
