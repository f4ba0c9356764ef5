"""The openai SDK at Langdock's base URLs, as the documents' own examples have it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletion

from mockdock import MockDock, Server
from mockdock.delivery import ManualClock
from mockdock.environ import environment
from mockdock.observe import Exchange, line
from tests.acceptance.conftest import Serve
from tests.openai_types import CheckedAsyncOpenAI, CheckedOpenAI

POEM = "In moonlit shadows soft they prowl,\nWith eyes aglow in night's dark cowl."
CATS: Any = [{"role": "user", "content": "Write a short poem about cats."}]
BASES = ("/openai/eu/v1", "/openai/us/v1", "/api/public/openai/eu/v1", "/api/public/openai/us/v1")
SCENARIO: dict[str, Any] = {
    "mockdock": 1,
    "rules": [{"when": {"dialect": "langdock", "user": "cats"}, "reply": POEM}],
    "otherwise": "fail",
}

Client = Callable[..., OpenAI]


@pytest.fixture
def client_of() -> Iterator[Client]:
    """Make clients as Langdock's users do; they are closed when the test ends."""
    with ExitStack() as stack:

        def make(server: Server, base: str = BASES[0], **options: Any) -> OpenAI:
            usual = {"api_key": "sk-ld-test", "max_retries": 0}
            client = CheckedOpenAI(base_url=f"{server.url}{base}", **{**usual, **options})
            return stack.enter_context(client)

        yield make


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-5-mini"])
def test_the_example_of_the_documents(
    serve: Serve, client_of: Client, base: str, model: str
) -> None:
    """For each base URL and the models of both examples, the poem of the documents."""
    client = client_of(serve(SCENARIO), base)
    completion = client.chat.completions.create(model=model, messages=CATS)
    assert completion.choices[0].message.content == POEM
    assert completion.choices[0].finish_reason == "stop"
    assert completion.object == "chat.completion"
    assert completion.id.startswith("chatcmpl-")
    assert completion.service_tier is None


def test_the_body_of_the_documents_own_curl(serve: Serve, client_of: Client) -> None:
    system: Any = {"role": "system", "content": "You are a helpful assistant."}
    client = client_of(serve(SCENARIO))
    completion = client.chat.completions.create(model="gpt-4o-mini", messages=[system, *CATS])
    assert completion.choices[0].message.content == POEM


def test_a_stream_as_the_ai_sdk_and_langchain_ask_for_it(
    serve: Serve, client_of: Client, exchanges: list[Exchange]
) -> None:
    """They always send stream_options; Langdock does not support it, so no usage comes."""
    client = client_of(serve(SCENARIO))
    with client.chat.completions.create(
        model="gpt-4o-mini", messages=CATS, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
        assert stream.response.headers["x-mockdock-ignored"] == "stream_options"
    assert "".join(each.choices[0].delta.content or "" for each in chunks) == POEM
    assert all(each.usage is None for each in chunks)
    assert "warning: stream_options is not supported and was ignored" in line(exchanges[0])


def test_the_models_of_the_workspace(serve: Serve, client_of: Client) -> None:
    listed = client_of(serve({"mockdock": 1})).models.list().data
    assert "gpt-5-mini" in [each.id for each in listed]
    mine = client_of(serve({"mockdock": 1, "models": ["my-gpt"]})).models.list().data
    assert [each.id for each in mine] == ["my-gpt"]


def test_flat_errors_as_the_sdk_reads_them(serve: Serve, client_of: Client) -> None:
    """It knows the status; type, param and code have no place in such a body."""
    client = client_of(serve({**SCENARIO, "auth": {"keys": ["sk-ld-test"]}}))
    with pytest.raises(openai.BadRequestError) as wrong:
        client.chat.completions.create(model="gpt-4o", messages=CATS, temperature=3)
    assert wrong.value.body == {
        "message": "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, "
        "but got 3 instead."
    }
    assert (wrong.value.code, wrong.value.param, wrong.value.type) == (None, None, None)
    with pytest.raises(openai.AuthenticationError, match="The provided API key is invalid"):
        client.with_options(api_key="sk-ld-other").models.list()
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="gpt-4o", input="Hi")


def test_errors_of_openais_form_where_the_scenario_wants_them(
    serve: Serve, client_of: Client
) -> None:
    client = client_of(serve({**SCENARIO, "langdock": {"errors": "openai"}}))
    with pytest.raises(openai.BadRequestError) as wrong:
        client.chat.completions.create(model="gpt-4o", messages=CATS, temperature=3)
    assert (wrong.value.param, wrong.value.code) == ("temperature", "decimal_above_max_value")


def test_another_region_does_not_exist(serve: Serve, client_of: Client) -> None:
    client = client_of(serve(SCENARIO), "/openai/fr/v1")
    with pytest.raises(openai.BadRequestError, match="Invalid region 'fr'"):
        client.chat.completions.create(model="gpt-4o", messages=CATS)


def test_a_browser_is_blocked(serve: Serve, client_of: Client) -> None:
    browser = {"Origin": "https://app.example.com", "Sec-Fetch-Mode": "cors"}
    client = client_of(serve(SCENARIO), default_headers=browser)
    with pytest.raises(openai.PermissionDeniedError, match="browsers are blocked"):
        client.chat.completions.create(model="gpt-4o", messages=CATS)
    node = client_of(serve(SCENARIO), default_headers={"Sec-Fetch-Mode": "cors"})
    assert node.chat.completions.create(model="gpt-4o", messages=CATS).choices


def test_the_limit_of_the_documents_meets_all_keys_of_a_workspace(serve: Serve) -> None:
    """500 requests a minute for a model, whoever of the workspace sends them."""
    clock = ManualClock()
    keys = ["sk-ld-one", "sk-ld-two"]
    server = serve({**SCENARIO, "workspaces": {"acme": keys}}, clock=clock)

    async def asked(client: openai.AsyncOpenAI, model: str = "gpt-4o") -> object:
        try:
            await client.chat.completions.create(model=model, messages=CATS)
        except openai.RateLimitError as error:
            return error.body
        return "passed"

    async def all_of_them() -> tuple[list[object], list[object]]:
        async with AsyncExitStack() as stack:
            one, two, three = [
                await stack.enter_async_context(
                    CheckedAsyncOpenAI(
                        base_url=f"{server.url}{BASES[0]}", api_key=key, max_retries=0
                    )
                )
                for key in (*keys, "sk-ld-three")
            ]
            told: list[object] = []
            for _ in range(26):
                turn = [asked(client) for client in (one, two) for _ in range(10)]
                told += await asyncio.gather(*turn)
            return told, [await asked(three), await asked(one, "gpt-4o-mini")]

    told, others = asyncio.run(all_of_them())
    clock.release()
    assert told.count("passed") == 500
    assert told.count({"message": "Rate limit for public API exceeded"}) == 20
    assert others == ["passed", "passed"]


def test_a_retry_of_the_sdk_gets_through_a_limit_that_tells_nothing() -> None:
    """By its own backoff: no header says when to come back."""
    scenario = {**SCENARIO, "langdock": {"limits": [{"rpm": 1, "header": "none"}]}}
    with (
        MockDock(scenario) as dock,
        OpenAI(base_url=f"{dock.url}{BASES[0]}", api_key=dock.api_key, max_retries=1) as client,
    ):
        for _ in range(2):
            client.chat.completions.create(model="gpt-4o", messages=CATS)
        assert [call.status for call in dock.calls] == [200, 429, 200]
        assert dock.calls[1].trouble == "langdock.limits[0]"
        measures = [(meter.measure, dict(meter.of)["dialect"]) for meter in dock.meters]
        assert measures == [("rpm", "langdock")]


def test_the_environment_has_langdocks_key_and_no_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """Langdock documents no variable for a URL: examples write it out."""
    monkeypatch.delenv("NO_PROXY", raising=False)
    found = environment("http://127.0.0.1:8080", "sk-mockdock-1")
    assert {name: value for name, value in found.items() if "LANGDOCK" in name} == {
        "LANGDOCK_API_KEY": "sk-mockdock-1"
    }


def test_the_shipped_scenario(serve: Serve, client_of: Client) -> None:
    """Two workspaces, the models of a document, what is refused, and a limit that is low."""
    server = serve("langdock", clock=ManualClock())
    sales, other, support = (
        client_of(server, api_key=key)
        for key in ("sk-ld-sales-1", "sk-ld-sales-2", "sk-ld-support")
    )

    def said(client: OpenAI, text: str = "poem about cats", **more: Any) -> str | None:
        messages: Any = [{"role": "user", "content": text}]
        model = more.pop("model", "gpt-4o-mini")
        reply: ChatCompletion = client.chat.completions.create(
            model=model, messages=messages, **more
        )
        return reply.choices[0].message.content

    assert said(sales) == POEM
    with pytest.raises(openai.BadRequestError, match="'n' is not supported"):
        said(sales, n=1)
    with pytest.raises(openai.InternalServerError, match="Internal Server Error"):
        said(other, "hiccup")
    assert said(other, "hiccup") == "It was nothing."
    assert said(other, "anything else")
    with pytest.raises(openai.RateLimitError, match="Rate limit for public API exceeded"):
        said(sales)
    assert said(support) == POEM
    assert said(sales, model="gpt-4.1 nano") == POEM
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        said(support, model="gpt-4.1-nano")
    with pytest.raises(openai.AuthenticationError):
        said(client_of(server, api_key="sk-ld-nobody"))


# --- embeddings


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("models", [None, "chat-de"])
def test_embeddings_are_made_by_their_one_model(
    serve: Serve, base: str, models: str | None
) -> None:
    """Whatever the catalogue: no document lists it among the models for chats."""
    settings = {} if models is None else {"langdock": {"models": models}}
    server = serve({"mockdock": 1, **settings})
    with OpenAI(base_url=f"{server.url}{base}", api_key="sk-ld-test", max_retries=0) as client:
        made = client.embeddings.create(model="text-embedding-ada-002", input=["a cat", "two"])
        assert [len(each.embedding) for each in made.data] == [1536, 1536]
        assert made.usage.prompt_tokens == 3
        for model in ("text-embedding-3-small", "gpt-4o", "nowhere"):
            with pytest.raises(openai.BadRequestError) as caught:
                client.embeddings.create(model=model, input="a cat")
            region = base.split("/")[-2]
            told = {"message": f"No embedding models available for the {region} region"}
            assert caught.value.response.json() == told
        with pytest.raises(openai.BadRequestError) as caught:
            client.embeddings.create(model="text-embedding-ada-002", input="a cat", dimensions=5)
        message = "This model does not support specifying dimensions."
        assert caught.value.response.json() == {"message": message}


def test_embeddings_count_for_the_limits_of_their_model(serve: Serve) -> None:
    server = serve({"mockdock": 1, "langdock": {"limits": [{"rpm": 1}]}}, time_scale=0)
    with OpenAI(base_url=f"{server.url}{BASES[0]}", api_key="k", max_retries=0) as client:
        client.embeddings.create(model="text-embedding-ada-002", input="a cat")
        with pytest.raises(openai.RateLimitError, match="Rate limit for public API exceeded"):
            client.embeddings.create(model="text-embedding-ada-002", input="a cat")
        client.chat.completions.create(model="gpt-4o", messages=CATS)
