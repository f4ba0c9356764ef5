"""Stored completions through the openai SDK, validating strictly, over a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

from mockdock import Server
from mockdock.observe import Exchange
from tests.acceptance.conftest import Serve

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]

Clients = Callable[..., OpenAI]


@pytest.fixture
def strict_of() -> Iterator[Clients]:
    """Make strict clients; the documented objects have more fields than the SDK's types."""
    with ExitStack() as stack:

        def make(server: Server, **options: Any) -> OpenAI:
            settings: dict[str, Any] = {
                "base_url": server.base_url,
                "api_key": "test",
                "max_retries": 0,
                "_strict_response_validation": True,
            }
            return stack.enter_context(OpenAI(**{**settings, **options}))

        yield make


def scenario(*rules: dict[str, Any], **settings: Any) -> dict[str, Any]:
    return {"mockdock": 1, "rules": list(rules), **settings}


def create(client: OpenAI, text: str = "hello", **more: Any) -> ChatCompletion:
    """Ask for a completion that is kept."""
    asked: dict[str, Any] = {"model": "gpt-4o", "store": True, **more}
    made = client.chat.completions.create(messages=[{"role": "user", "content": text}], **asked)
    assert isinstance(made, ChatCompletion)
    return made


def test_a_completion_is_retrieved_as_it_was_made(serve: Serve, strict_of: Clients) -> None:
    client = strict_of(serve(scenario({"reply": "Hi there!"})))
    made = create(client, metadata={"team": "a"}, seed=7)
    found = client.chat.completions.retrieve(made.id)
    assert (found.id, found.created, found.model) == (made.id, made.created, made.model)
    assert found.choices[0].message.content == "Hi there!"
    assert (found.usage and found.usage.total_tokens) == (made.usage and made.usage.total_tokens)
    assert found.metadata == {"team": "a"}
    told = found.model_extra or {}
    assert (told["request_id"], told["seed"]) == (made._request_id, 7)


def test_a_streamed_completion_is_kept_too(serve: Serve, strict_of: Clients) -> None:
    client = strict_of(serve(scenario({"reply": "Hi there!"})))
    with client.chat.completions.create(
        model="gpt-4o", messages=HELLO, store=True, stream=True
    ) as stream:
        chunks = list(stream)
    found = client.chat.completions.retrieve(chunks[0].id)
    assert found.choices[0].message.content == "Hi there!"


def test_only_what_was_asked_to_be_stored_is_listed(serve: Serve, strict_of: Clients) -> None:
    client = strict_of(serve(scenario({"reply": "Hi"})))
    create(client, store=False)
    assert client.chat.completions.list().data == []
    made = create(client)
    page = client.chat.completions.list()
    assert [each.id for each in page.data] == [made.id]
    assert (page.object, page.has_more) == ("list", False)  # type: ignore[attr-defined]


@pytest.mark.parametrize("limit", [1, 2, 7, 20, 100])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_the_sdk_pages_through_all(
    serve: Serve, strict_of: Clients, limit: int, order: Any, exchanges: list[Exchange]
) -> None:
    client = strict_of(serve(scenario({"reply": "Hi"})))
    made = [create(client, f"text {number}").id for number in range(20)]
    exchanges.clear()
    found = [each.id for each in client.chat.completions.list(limit=limit, order=order)]
    assert found == (made if order == "asc" else made[::-1])
    assert len(exchanges) == -(-20 // limit)


def test_a_loop_may_delete_what_it_is_given(serve: Serve, strict_of: Clients) -> None:
    client = strict_of(serve(scenario({"reply": "Hi"})))
    for number in range(7):
        create(client, f"text {number}")
    deleted = [
        client.chat.completions.delete(each.id) for each in client.chat.completions.list(limit=2)
    ]
    assert [each.deleted for each in deleted] == [True] * 7
    assert client.chat.completions.list().data == []


def test_lists_are_filtered(serve: Serve, strict_of: Clients) -> None:
    client = strict_of(serve(scenario({"reply": "Hi"})))
    first = create(client, metadata={"team": "a b", "n": "1"})
    second = create(client, model="gpt-4o-mini", metadata={"team": "a b"})

    def listed(**filters: Any) -> list[str]:
        return [each.id for each in client.chat.completions.list(**filters)]

    assert listed(metadata={"team": "a b"}) == [first.id, second.id]
    assert listed(metadata={"team": "a b", "n": "1"}) == [first.id]
    assert listed(metadata={"team": "a"}) == []
    assert listed(model="gpt-4o-mini") == listed(model="gpt-4o-mini-2024-07-18") == [second.id]


def test_metadata_is_updated(serve: Serve, strict_of: Clients) -> None:
    client = strict_of(serve(scenario({"reply": "Hi"})))
    made = create(client, metadata={"team": "a"})
    assert client.chat.completions.update(made.id, metadata={"n": "1"}).metadata == {"n": "1"}
    assert client.chat.completions.retrieve(made.id).metadata == {"n": "1"}
    assert client.chat.completions.update(made.id, metadata=None).metadata == {}
    with pytest.raises(openai.BadRequestError, match="maximum length 64"):
        client.chat.completions.update(made.id, metadata={"k" * 65: "v"})


def test_messages_are_listed(serve: Serve, strict_of: Clients) -> None:
    """Of all roles, although the SDK's type knows the assistant's alone: a strict client objects.

    The example of the API reference has a user's message.
    """
    server = serve(scenario({"reply": "Hi"}))
    client = strict_of(server, _strict_response_validation=False)
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "u"}]},
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": "v"},
    ]
    made = client.chat.completions.create(model="gpt-4o", messages=messages, store=True)
    found = list(client.chat.completions.messages.list(made.id, limit=3))
    assert [each.id for each in found] == [f"{made.id}-{number}" for number in range(4)]
    assert [str(each.role) for each in found] == ["system", "user", "assistant", "user"]
    assert [each.content for each in found] == ["s", None, "a", "v"]
    assert [len(each.content_parts or ()) for each in found] == [0, 1, 0, 0]
    turned = client.chat.completions.messages.list(made.id, limit=1, order="desc")
    assert [each.id for each in turned] == [f"{made.id}-{number}" for number in (3, 2, 1, 0)]
    with pytest.raises(openai.APIResponseValidationError):
        strict_of(server).chat.completions.messages.list(made.id)


def test_what_is_not_there_is_not_found(serve: Serve, strict_of: Clients) -> None:
    client = strict_of(serve(scenario({"reply": "Hi"})))
    made = create(client)
    client.chat.completions.delete(made.id)
    for ask in (
        lambda: client.chat.completions.retrieve(made.id),
        lambda: client.chat.completions.update(made.id, metadata={}),
        lambda: client.chat.completions.delete(made.id),
        lambda: client.chat.completions.messages.list(made.id),
    ):
        with pytest.raises(openai.NotFoundError, match=f"'{made.id}' not found"):
            ask()


def test_sessions_do_not_see_each_other(serve: Serve, strict_of: Clients) -> None:
    server = serve(scenario({"reply": "Hi"}))
    mine, other = (strict_of(server, api_key=f"sk-mockdock-{name}") for name in ("a", "b"))
    made = create(mine)
    assert other.chat.completions.list().data == []
    with pytest.raises(openai.NotFoundError):
        other.chat.completions.retrieve(made.id)
    assert mine.chat.completions.retrieve(made.id).id == made.id


def test_a_scripted_error_is_retried_by_the_sdk(serve: Serve, strict_of: Clients) -> None:
    rule = {
        "when": {"api": "stored", "attempt": 1},
        "reply": {"error": 503, "retry_after": "1ms"},
    }
    client = strict_of(serve(scenario(rule, {"reply": "Hi"})), max_retries=1)
    made = create(client)
    assert client.chat.completions.retrieve(made.id).id == made.id


def test_lenient_servers_answer_for_ids_nobody_made(serve: Serve, strict_of: Clients) -> None:
    """As the SDK's own generated tests ask, with values that a strict server refuses."""
    client = strict_of(serve(scenario(validation="lenient")))
    completions = client.chat.completions
    found = completions.retrieve("completion_id")
    assert found.id == "completion_id"
    assert found == completions.retrieve("completion_id")
    changed = completions.update("completion_id", metadata={"foo": "string"})
    assert changed.metadata == {"foo": "string"}
    assert completions.delete("completion_id").deleted
    listed = completions.list(
        after="after", limit=0, metadata={"foo": "string"}, model="model", order="asc"
    )
    assert listed.data == []
    messages = completions.messages.list("completion_id").data
    assert [message.content for message in messages] == [found.choices[0].message.content]
    assert completions.messages.list("completion_id", after="after", limit=0).data == []
    assert client.models.retrieve("model").id == "model"


def test_the_async_sdk_pages_too(serve: Serve) -> None:
    server = serve(scenario({"reply": "Hi"}))

    async def play() -> tuple[set[str], list[str]]:
        async with AsyncOpenAI(
            base_url=server.base_url, api_key="test", _strict_response_validation=True
        ) as client:
            asked = (
                client.chat.completions.create(
                    model="gpt-4o", store=True, messages=[{"role": "user", "content": str(number)}]
                )
                for number in range(10)
            )
            made = await asyncio.gather(*asked)
            found = [each.id async for each in client.chat.completions.list(limit=3)]
            return {each.id for each in made}, found

    made, found = asyncio.run(play())
    assert (len(found), set(found)) == (10, made)
