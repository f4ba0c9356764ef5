"""The openai SDK at LangDB's base URLs: virtual models, routers and guards by ``extra_body``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import openai
import pytest
from openai import OpenAI

from mockdock import Server
from tests.acceptance.conftest import Serve

HELLO: Any = [{"role": "user", "content": "Hello!"}]
SCENARIO: dict[str, Any] = {
    "mockdock": 1,
    "langdb": {
        "virtual_models": {
            "support-bot": {
                "model": "openai/gpt-4o",
                "messages": [{"role": "system", "content": "You support."}],
            },
        },
        "guards": {"rude": {"contains": "idiot"}},
    },
    "rules": [
        {"when": {"model": "openai/gpt-4.1-mini"}, "reply": {"error": 503}},
        {"when": {"system": "You support."}, "reply": "How can I help?"},
        {"reply": "Hi"},
    ],
}
PREMIUM = {
    "name": "premium_user",
    "conditions": {"all": [{"extra.user.tier": {"$eq": "premium"}}]},
    "targets": {"$any": ["openai/gpt-4.1-mini", "anthropic/claude-sonnet-4"], "sort_by": "ttft"},
}
BASIC = {"name": "basic_user", "targets": "openai/gpt-4.1-nano"}
ROUTER = {"type": "conditional", "routes": [PREMIUM, BASIC]}

Client = Callable[..., OpenAI]


@pytest.fixture
def client_of() -> Iterator[Client]:
    """Make clients as LangDB's users do; they are closed when the test ends."""
    with ExitStack() as stack:

        def make(server: Server, base: str = "/v1", **options: Any) -> OpenAI:
            usual = {"api_key": "k", "max_retries": 0, "default_headers": {"X-Project-Id": "p"}}
            client = OpenAI(base_url=f"{server.url}{base}", **{**usual, **options})
            return stack.enter_context(client)

        yield make


@pytest.mark.parametrize("base", ["/v1", "/p/v1", ""])
def test_a_virtual_model_is_called_by_its_name(serve: Serve, client_of: Client, base: str) -> None:
    client = client_of(serve(SCENARIO), base)
    told = client.chat.completions.create(model="langdb/support-bot", messages=HELLO)
    assert told.choices[0].message.content == "How can I help?"
    assert told.model == "openai/gpt-4o"
    assert "langdb/support-bot" in [each.id for each in client.models.list()]
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="langdb/other", messages=HELLO)
    assert caught.value.response.json() == {"error": "Model langdb/other not found"}


def test_a_router_sends_each_user_to_their_model(serve: Serve, client_of: Client) -> None:
    client = client_of(serve(SCENARIO))

    def model_of(tier: str) -> tuple[str, str]:
        raw = client.chat.completions.with_raw_response.create(
            model="router/dynamic",
            messages=HELLO,
            extra_body={"router": ROUTER, "extra": {"user": {"id": "7", "tier": tier}}},
        )
        assert raw.parse().choices[0].message.content == "Hi"
        return raw.headers["x-model-name"], raw.headers["x-mockdock-route"]

    assert model_of("basic") == ("openai/gpt-4.1-nano", "basic_user")
    assert model_of("premium") == ("anthropic/claude-sonnet-4", "premium_user")


def test_a_broken_model_is_left_out_once_its_errors_are_known(
    serve: Serve, client_of: Client
) -> None:
    """First it gives way to the next; then it does not pass the filter of the router."""
    client = client_of(serve(SCENARIO))
    pool = {
        "$any": ["openai/gpt-4.1-mini", "openai/gpt-4o"],
        "filter": {"error_rate": {"$lt": 0.01}},
    }
    router = {"type": "conditional", "routes": [{"name": "r", "targets": pool}]}
    routes = []
    for _ in range(2):
        with client.chat.completions.create(
            model="router/dynamic", messages=HELLO, stream=True, extra_body={"router": router}
        ) as stream:
            assert {chunk.model for chunk in stream} == {"openai/gpt-4o"}
            routes.append(stream.response.headers["x-mockdock-route"])
    assert routes == ["r after openai/gpt-4.1-mini", "r"]


def test_a_guard_that_does_not_let_pass_is_an_error_of_its_own(
    serve: Serve, client_of: Client
) -> None:
    client = client_of(serve(SCENARIO))
    rude: Any = [{"role": "user", "content": "You idiot"}]
    guards = {"extra": {"guards": ["rude"]}}
    with pytest.raises(openai.APIStatusError, match="Guard 'rude' not passed") as caught:
        client.chat.completions.create(model="gpt-4o", messages=rude, extra_body=guards)
    assert caught.value.status_code == 446
    told = client.chat.completions.create(model="gpt-4o", messages=HELLO, extra_body=guards)
    assert told.choices[0].message.content == "Hi"
