"""Who answers, at what price, and what a gateway says of its models."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mockdock.content.catalogue import load
from mockdock.engine.accounting import charged, state
from mockdock.ledger import Books
from mockdock.reply import Failure
from mockdock.request import Request
from tests.conformance.asgi import app_of
from tests.dialects.langdb.talk import ADMIN, Talk, model_body

MILLION = 1_000_000


def talk_of(**settings: Any) -> Talk:
    """Make a server that says one word to chats."""
    return Talk(app_of({"when": {"api": "chat"}, "reply": "Hello"}, **settings))


def cards(talk: Talk) -> dict[str, Any]:
    """Give the price cards, by provider and model."""
    return {f"{each['provider']}/{each['model']}": each for each in talk.told("/pricing")}


def paid(talk: Talk, model: str) -> float:
    """Give what a chat of 8 tokens and 1 costs."""
    cost: float = talk.chat(model=model).json()["usage"]["cost"]
    return cost


@pytest.mark.parametrize(
    ("model", "provider", "named"),
    [
        ("gpt-4o", "openai", "openai/gpt-4o"),
        ("openai/gpt-4o", "openai", "openai/gpt-4o"),
        ("claude-sonnet-4", "anthropic", "anthropic/claude-sonnet-4"),
        ("bedrock/claude-sonnet-4", "bedrock", "bedrock/claude-sonnet-4"),
        ("a/b/c", "a", "a/b/c"),
    ],
)
def test_a_name_begins_with_its_provider_or_is_known_by_its_family(
    model: str, provider: str, named: str
) -> None:
    answer = talk_of().chat(model=model)
    assert answer.headers["x-provider-name"] == provider
    assert answer.headers["x-model-name"] == model
    assert answer.json()["model"] == named


def test_a_thread_is_made_where_none_is_named_another_each_time() -> None:
    """The same on a fresh server, as everything that is drawn."""
    one, other = talk_of(), talk_of()
    first, second = (one.chat().headers["x-thread-id"] for _ in range(2))
    assert first != second
    assert other.chat().headers["x-thread-id"] == first
    assert one.chat(x_thread_id="mine").headers["x-thread-id"] == "mine"


def test_a_price_of_ones_own_is_for_a_project_and_its_full_name_wins() -> None:
    talk = talk_of()
    usual = (8 * 2.5 + 1 * 10) / MILLION
    assert paid(talk, "gpt-4o") == pytest.approx(usual)
    one = {"per_input_token": 1, "per_output_token": 0}
    talk.told("/projects/p/custom_prices", {"gpt-4o": one})
    assert paid(talk, "openai/gpt-4o") == pytest.approx(8 / MILLION)
    talk.told("/projects/p/custom_prices", {"openai/gpt-4o": {**one, "per_output_token": 5}})
    assert paid(talk, "gpt-4o") == pytest.approx(13 / MILLION)
    assert paid(talk, "azure/gpt-4o") == pytest.approx(8 / MILLION)
    assert paid(Talk(talk.app, "q"), "gpt-4o") == pytest.approx(usual)


def test_a_model_that_was_made_is_known_by_its_name_alone_to_its_project() -> None:
    talk = talk_of()
    talk.post("/admin/models", model_body(owner_name="acme", context_size=None), ADMIN)
    answer = talk.chat(model="my-model")
    assert answer.headers["x-provider-name"] == "acme"
    assert answer.json()["model"] == "acme/my-model"
    assert answer.json()["usage"]["cost"] == pytest.approx(8 * 0.00001 + 0.00003)
    stranger = Talk(talk.app, "q")
    assert stranger.chat(model="my-model").headers["x-provider-name"] == "openai"
    talk.told(
        "/projects/p/custom_prices", {"my-model": {"per_input_token": 0, "per_output_token": 9}}
    )
    assert paid(talk, "my-model") == pytest.approx(9 / MILLION)


def test_a_model_for_embeddings_may_be_made() -> None:
    talk = talk_of()
    body = model_body(owner_name="acme", model_type="embeddings", output_token_price=None)
    talk.post("/admin/models", body, ADMIN)
    made = talk.post("/v1/embeddings", {"model": "my-model", "input": "Hi"})
    assert made.status == 200
    assert made.json()["usage"]["cost"] == pytest.approx(0.00001)


def test_a_window_of_a_model_that_was_made_is_kept_to() -> None:
    talk = talk_of()
    talk.post("/admin/models", model_body(context_size=5), ADMIN)
    answer = talk.chat(model="my-model")
    assert answer.status == 400
    assert "maximum context length is 5 tokens" in answer.json()["error"]


def test_cards_tell_the_catalogue_what_was_made_and_what_was_priced() -> None:
    talk = talk_of(models=["gpt-4o", "text-embedding-3-small", "anthropic/claude-x"])
    assert [*cards(talk)] == [
        *("openai/gpt-4o", "openai/text-embedding-3-small", "anthropic/claude-x")
    ]
    free = model_body(model_name="free", input_token_price=None, output_token_price=None)
    for body in (model_body(model_name="gpt-4o"), model_body(owner_name="acme"), free):
        assert talk.post("/admin/models", body, ADMIN).status == 200
    price = {"per_input_token": 1, "per_output_token": 2}
    names = ["bedrock/x", "gpt-4o", "acme/my-model", "text-embedding-3-small", "grok-9"]
    talk.told("/projects/p/custom_prices", dict.fromkeys(names, price))
    told = cards(talk)
    assert [*told] == [
        *("openai/text-embedding-3-small", "anthropic/claude-x"),
        *("openai/gpt-4o", "acme/my-model", "openai/free"),
        *("bedrock/x", "xai/grok-9"),
    ]
    own = {"openai/gpt-4o", "acme/my-model", "openai/text-embedding-3-small", "bedrock/x"}
    for name, card in told.items():
        wanted = (1, 2) if name in own | {"xai/grok-9"} else (0, 0)
        told_price = card["price"]
        assert (told_price["per_input_token"], told_price["per_output_token"]) == wanted, name
        assert (told_price["valid_from"] is None) == (name not in own | {"xai/grok-9"})
    assert told["acme/my-model"]["parameters"]
    assert told["acme/my-model"]["limits"] == {"max_context_size": 128000}
    other = cards(Talk(talk.app, "q"))
    assert [*other] == [*("openai/gpt-4o", "openai/text-embedding-3-small", "anthropic/claude-x")]


def test_models_are_listed_by_their_full_names_once() -> None:
    talk = talk_of(models=["gpt-4o", "anthropic/claude-x"])
    for body in (model_body(model_name="gpt-4o"), model_body(owner_name="acme")):
        talk.post("/admin/models", body, ADMIN)
    listed = talk.told("/models")["data"]
    assert [(each["id"], each["owned_by"]) for each in listed] == [
        ("openai/gpt-4o", "openai"),
        ("anthropic/claude-x", "anthropic"),
        ("acme/my-model", "acme"),
    ]


def test_a_rule_may_answer_a_question() -> None:
    """As any request: with an error, for one."""
    rule = {"when": {"api": "account"}, "reply": {"error": "server_error"}}
    talk = Talk(app_of(rule))
    assert talk.post("/threads", {"limit": 1, "offset": 0}).status == 500


def test_what_is_no_answer_costs_nothing() -> None:
    failure = Failure("quota")
    assert charged(failure, load().resolve("gpt-4o")) is failure


def test_a_request_that_asks_nothing_is_no_question() -> None:
    request = Request("langdb", "chat", "gpt-4o")
    for each in (request, replace(request, stream=True)):
        with pytest.raises(TypeError, match="nothing is asked"):
            state(each, Books(), load(), 0)
