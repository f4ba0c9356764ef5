"""Bodies and events beyond the golden files."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs

from mockdock.accounts import (
    ContentPart,
    Span,
    StoredMessage,
    Thread,
    ThreadCost,
    ThreadPage,
    UnitUsage,
    Usage,
)
from mockdock.dialects.langdb.render import frames
from mockdock.gateways import Gateways, LangDB
from mockdock.question import Account, Price, Unit
from mockdock.reply import Call, Choice, Completion, Failure, ModelCard, Piece, Reply
from mockdock.request import Request, ToolCall
from mockdock.statements import Conversation, PriceCard, PriceList, PricesSet, UsageSeries
from mockdock.usage import Usage as Tokens

ACCOUNT = Account("p", provider="openai", model="gpt-4o")
STREAM = Request("langdb", "chat", "my/gpt", account=ACCOUNT, stream=True)
TOKENS = Tokens(8, 3, 11, cost=0.5)


def completion(*choices: Choice, **more: Any) -> Completion:
    """Make a completion of gpt-4o."""
    return Completion("x" * 29, 7, "openai/gpt-4o", choices, TOKENS, **more)


def says(*texts: str, index: int = 0) -> Choice:
    """Make a choice of pieces."""
    return Choice(index, tuple(Piece(text, 1) for text in texts), None, (), "stop")


def events(reply: Completion, request: Request = STREAM) -> list[dict[str, Any]]:
    """Give the events of a stream, without the one that ends it."""
    *told, done = [frame.data for frame in frames(request, reply)]
    assert done == b"data: [DONE]\n\n"
    return [json.loads(each.removeprefix(b"data: ")) for each in told]


def body(reply: Reply, request: Request | None = None, **settings: Any) -> Any:
    """Give the one body of a reply."""
    (frame,) = frames(request, reply, Gateways(langdb=LangDB(**settings)))
    return json.loads(frame.data)


def test_every_event_has_a_uuid_of_its_own_and_the_first_is_that_of_a_plain_answer() -> None:
    told = events(completion(says("a", "b")))
    assert len({each["id"] for each in told}) == len(told)
    assert all(UUID(each["id"]).version == 4 for each in told)
    plain = body(completion(says("a", "b")), replace(STREAM, stream=False))
    assert plain["id"] == told[0]["id"]
    other = replace(completion(says("a", "b")), id="y" * 29)
    assert {each["id"] for each in events(other)}.isdisjoint({each["id"] for each in told})


def test_events_name_the_model_as_it_was_asked_for_unless_another_one_answered() -> None:
    assert {each["model"] for each in events(completion(says("a")))} == {"my/gpt"}
    other = replace(completion(says("a")), model="openai/gpt-4o-mini")
    assert {each["model"] for each in events(other)} == {"openai/gpt-4o-mini"}
    nobody = replace(STREAM, account=None)
    assert {each["model"] for each in events(completion(says("a")), nobody)} == {"openai/gpt-4o"}


def test_choices_take_turns_and_a_round_weighs_as_its_longest_piece() -> None:
    long = Choice(1, (Piece("b", 3),), None, (), "stop")
    told = [*frames(STREAM, completion(says("a"), long))]
    assert [frame.tokens for frame in told] == [3, 0, 0, 0, 0, 0]
    assert [each["choices"][0]["index"] for each in events(completion(says("a"), long))[:4]] == [
        *(0, 1, 0, 1)
    ]


def test_without_choices_there_is_an_event_all_the_same() -> None:
    assert [each["choices"] for each in events(completion())] == [[], []]


def test_usage_is_left_out_where_that_is_wished_for() -> None:
    silent = completion(says("a"), tells_usage=False)
    assert all("usage" not in each for each in events(silent))
    assert "usage" not in body(silent, replace(STREAM, stream=False))
    assert events(completion(says("a")))[-1]["usage"]["cost"] == 0.5


def test_usage_that_nobody_priced_costs_nothing() -> None:
    free = replace(completion(says("a")), usage=structs.replace(TOKENS, cost=None))
    assert events(free)[-1]["usage"]["cost"] == 0


def test_a_custom_tools_call_is_told_as_in_a_plain_answer() -> None:
    call = Call("call_1", "run", (Piece("ls", 1),), "custom")
    choice = Choice(0, None, None, (call,), "tool_calls")
    finish = events(completion(choice))[0]["choices"][0]
    told = {"id": "call_1", "type": "custom", "custom": {"name": "run", "input": "ls"}}
    assert finish["delta"]["tool_calls"] == [{"index": 0, **told}]
    plain = body(completion(choice), replace(STREAM, stream=False))
    assert plain["choices"][0]["message"]["tool_calls"] == [told]


def test_a_failure_is_one_body_even_of_a_stream() -> None:
    assert body(Failure("quota"), STREAM) == {"error": "Token usage limit exceeded"}


def test_what_is_no_ones_own_is_openais_in_compact_json() -> None:
    (frame,) = frames(None, ModelCard("gpt-4o", 7, "openai"))
    assert frame.data == b'{"id":"gpt-4o","object":"model","created":7,"owned_by":"openai"}'


MESSAGE = StoredMessage(
    *("id", "t", "ai", "Text", "", (ContentPart("ImageUrl", "u", "low"),), "call_1"),
    *((ToolCall("call_2", "f", "{}"),), "gpt-4o", None, 1738146300736000),
)


def test_a_message_tells_its_parts_and_calls() -> None:
    (told,) = body(Conversation((MESSAGE,)))
    assert told["content_array"] == [["ImageUrl", "u", "low"]]
    assert told["tool_call_id"] == "call_1"
    function = {"name": "f", "arguments": "{}"}
    assert told["tool_calls"] == [{"id": "call_2", "type": "function", "function": function}]
    assert (told["user_id"], told["created_at"]) == ("", "2025-01-29 10:25:00.736000")


def test_a_thread_is_of_the_project_that_asks() -> None:
    """A ledger knows it by another name."""
    thread = Thread("t", "0/p", None, None, None, "gpt-4o", 0.5, False, 0, 1_500_000)
    page = ThreadPage((thread,), 1, 0, 1)
    asks = Request("langdb", "account", account=Account("p"))
    (told,) = body(page, asks)["data"]
    assert (told["project_id"], told["title"], told["user_id"]) == ("p", "", "")
    assert (told["score"], told["updated_at"]) == (0.5, "1970-01-01T00:00:01.500000Z")
    assert body(page)["data"][0]["project_id"] == ""
    assert body(ThreadCost(1.5, 2, 3)) == {
        "total_cost": 1.5,
        "total_output_tokens": 2,
        "total_input_tokens": 3,
    }


@pytest.mark.parametrize(
    ("unit", "told"), [("hour", "2025-01-29 10:00:00"), ("day", "2025-01-29"), ("month", "2025-01")]
)
def test_a_unit_of_time_is_as_long_as_its_name(unit: Unit, told: str) -> None:
    used = UnitUsage(1738146300736000, "openai", "gpt-4o", Usage(1, 2, 0.5))
    series = body(UsageSeries(Span(1, 2), unit, (used,)))
    assert [each["hour"] for each in series["models"]] == [told]
    assert (series["period_start"], series["period_end"]) == (1, 2)


def test_a_price_tells_since_when_it_holds_and_parameters_where_there_are_any() -> None:
    card = PriceCard("m", "acme", "acme", Price(1.0, 2.0, 1738146300736000), "completions")
    (told,) = body(PriceList((card,)))
    assert told["price"]["valid_from"] == "2025-01-29T10:25:00.736000Z"
    assert "parameters" not in told
    (told,) = body(PriceList((structs.replace(card, parameters={"top_k": {}}),)))
    assert told["parameters"] == {"top_k": {}}


def test_prices_that_were_set_are_told_or_counted() -> None:
    done = PricesSet({"a/b": Price(1.0, 2.0)})
    assert body(done) == {"a/b": {"per_input_token": 1.0, "per_output_token": 2.0}}
    report = body(done, custom_prices="report")
    assert (report["success"], report["updated_models"]) == (True, ["a/b"])
