"""Embeddings as clients get them: the real SDK over a real socket."""

from __future__ import annotations

import asyncio
import base64
import math
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import (
    APIConnectionError,
    AsyncOpenAI,
    AuthenticationError,
    AzureOpenAI,
    BadRequestError,
    NotFoundError,
    OpenAI,
    PermissionDeniedError,
    RateLimitError,
)
from openai.types import CreateEmbeddingResponse

from mockdock import MockDock, Server, VerificationError
from mockdock.content.tokens import tokenizer
from mockdock.observe import Exchange, record
from mockdock.observe.entry import Entry
from mockdock.observe.line import line
from mockdock.observe.replay import replay
from tests.acceptance.conftest import Serve
from tests.openai_types import check_embeddings

SMALL = "text-embedding-3-small"
ClientOf = Callable[..., OpenAI]


@pytest.fixture
def client_of() -> Iterator[ClientOf]:
    """Make plain clients: the types of the package do not know the base64 it asks for."""
    with ExitStack() as stack:

        def make(server: Server, **options: Any) -> OpenAI:
            options = {"api_key": "test", "max_retries": 0, **options}
            return stack.enter_context(OpenAI(base_url=server.base_url, **options))

        yield make


def vectors(client: OpenAI, given: Any, **options: Any) -> list[list[float]]:
    """Embed with the SDK, which asks for base64 unless told otherwise."""
    made = client.embeddings.create(model=SMALL, input=given, **options)
    assert [each.index for each in made.data] == list(range(len(made.data)))
    return [each.embedding for each in made.data]


def cosine(one: list[float], other: list[float]) -> float:
    """Give the cosine of two unit vectors."""
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_the_sdk_gets_unit_vectors_that_tell_texts_apart(serve: Serve, client_of: ClientOf) -> None:
    client = client_of(serve())
    reset, forgot, weather = vectors(
        client, ["reset my password", "I forgot my password", "sunny weather in Paris"]
    )
    assert len(reset) == 1536
    assert math.hypot(*reset) == pytest.approx(1, abs=1e-6)
    assert cosine(reset, forgot) > 0.3 > cosine(reset, weather)


def test_base64_and_numbers_are_the_same_vectors(serve: Serve, client_of: ClientOf) -> None:
    client = client_of(serve())
    texts = ["one", "two words", "三"]
    assert vectors(client, texts) == vectors(client, texts, encoding_format="float")


def test_the_async_client_gets_the_same(serve: Serve, client_of: ClientOf) -> None:
    server = serve()

    async def ask() -> CreateEmbeddingResponse:
        async with AsyncOpenAI(base_url=server.base_url, api_key="test") as client:
            return await client.embeddings.create(model=SMALL, input=["one"], dimensions=16)

    made = asyncio.run(ask())
    assert [each.embedding for each in made.data] == vectors(
        client_of(server), "one", dimensions=16
    )


def test_another_server_gives_the_same_vectors(serve: Serve, client_of: ClientOf) -> None:
    mine, other = serve({"mockdock": 1, "seed": 1}), serve({"mockdock": 1, "seed": 2})
    assert vectors(client_of(mine), "one") == vectors(client_of(other), "one")


@pytest.mark.parametrize("form", ["float", "base64"])
def test_bodies_are_what_the_types_say(serve: Serve, form: str) -> None:
    body = {"model": SMALL, "input": ["one", "two"], "encoding_format": form}
    answer = httpx2.post(f"{serve().base_url}/embeddings", json=body)
    assert check_embeddings(answer.json()).usage.prompt_tokens == 2


def test_the_raw_body_is_little_endian_floats(serve: Serve) -> None:
    body = {"model": SMALL, "input": "one", "dimensions": 4, "encoding_format": "base64"}
    answer = httpx2.post(f"{serve().base_url}/embeddings", json=body)
    (row,) = answer.json()["data"]
    numbers = struct.unpack("<4f", base64.b64decode(row["embedding"]))
    assert math.hypot(*numbers) == pytest.approx(1, abs=1e-6)
    assert answer.headers["openai-model"] == SMALL
    assert answer.text.startswith('{\n  "object": "list",\n  "data": [\n    {\n      "object"')


def test_tokens_are_embedded_as_their_text(serve: Serve, client_of: ClientOf) -> None:
    client = client_of(serve())
    tokens = tokenizer("cl100k_base").encode("the quick brown fox")
    assert vectors(client, tokens) == vectors(client, "the quick brown fox")
    assert vectors(client, [tokens, tokens]) == vectors(client, ["the quick brown fox"] * 2)


@pytest.fixture(scope="module")
def client() -> Iterator[OpenAI]:
    """Share one server among all examples of a property."""
    with (
        Server({"mockdock": 1}) as server,
        OpenAI(base_url=server.base_url, api_key="test", max_retries=0) as client,
    ):
        yield client


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1))
def test_usage_is_the_sum_of_counted_tokens(client: OpenAI, texts: list[str]) -> None:
    made = client.embeddings.create(model=SMALL, input=texts, dimensions=1)
    counted = sum(tokenizer("cl100k_base").count(text) for text in texts)
    assert (made.usage.prompt_tokens, made.usage.total_tokens) == (counted, counted)
    assert len(made.data) == len(texts)


def test_recorded_usage_is_met(serve: Serve, client_of: ClientOf) -> None:
    """Recorded in February 2024 (WIRE G): eight tokens, with ada-002."""
    made = client_of(serve()).embeddings.create(
        model="text-embedding-ada-002", input="Tell me a joke about opentelemetry"
    )
    assert (made.model, made.usage.prompt_tokens) == ("text-embedding-ada-002", 8)
    assert made.usage.total_tokens == 8


# -- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"model": "gpt-4o"}, PermissionDeniedError, "not allowed to generate embeddings"),
        ({"model": "nope"}, NotFoundError, "does not exist"),
        ({"input": ""}, BadRequestError, "cannot be an empty string"),
        ({"input": "word " * 9000}, BadRequestError, "maximum input length is 8192 tokens"),
        ({"input": ["word " * 8000] * 40}, BadRequestError, "max 300000 tokens per request"),
        ({"input": [200_000]}, BadRequestError, "is invalid"),
        ({"dimensions": 1537}, BadRequestError, "Must be less than or equal to 1536"),
    ],
)
def test_the_sdk_raises_what_it_would(
    serve: Serve, client_of: ClientOf, options: Any, error: type[Exception], message: str
) -> None:
    client = client_of(serve({"mockdock": 1, "models": [SMALL, "gpt-4o"]}))
    with pytest.raises(error, match=message):
        client.embeddings.create(**{"model": SMALL, "input": "x", **options})


def test_a_key_is_asked_for_where_the_scenario_wants_one(serve: Serve, client_of: ClientOf) -> None:
    client = client_of(serve({"mockdock": 1, "auth": {"keys": ["other"]}}))
    with pytest.raises(AuthenticationError):
        vectors(client, "x")


# -- limits, pace and faults --------------------------------------------------------------------


def test_limits_count_embeddings(serve: Serve, client_of: ClientOf) -> None:
    client = client_of(serve({"mockdock": 1, "limits": [{"rpm": 2, "tpm": 100}]}))
    raw = client.embeddings.with_raw_response.create(model=SMALL, input=[[1] * 40])
    assert raw.headers["x-ratelimit-remaining-requests"] == "1"
    assert raw.headers["x-ratelimit-remaining-tokens"] == "60"
    with pytest.raises(RateLimitError, match=r"tokens per min \(TPM\): Limit 100, Used 40"):
        vectors(client, [[1] * 80])
    with pytest.raises(RateLimitError, match=r"requests per min \(RPM\): Limit 2"):
        vectors(client, "x")


def test_a_retry_of_the_sdk_gets_the_next_answer(serve: Serve, client_of: ClientOf) -> None:
    limited = {"error": "rate_limit", "retry_after": "1s"}
    rule = {"when": {"api": "embeddings"}, "replies": [limited, {"embedding": [1, 0]}]}
    server = serve({"mockdock": 1, "rules": [rule]}, time_scale=0)
    assert vectors(client_of(server, max_retries=1), "x") == [[1, 0]]


def test_embeddings_come_at_their_pace(serve: Serve, exchanges: list[Exchange]) -> None:
    server = serve({"mockdock": 1, "pacing": {"ttft": "10s"}}, time_scale=0)
    httpx2.post(f"{server.base_url}/embeddings", json={"model": SMALL, "input": "x"})
    ((due, _),) = exchanges[0].timed()
    assert due == 10


@pytest.mark.parametrize("fault", ["connection_reset", "truncate", "empty_response"])
def test_faults_break_embeddings(serve: Serve, client_of: ClientOf, fault: str) -> None:
    client = client_of(serve({"mockdock": 1, "faults": [fault]}))
    with pytest.raises(APIConnectionError):
        vectors(client, "x")


def test_a_request_may_ask_for_trouble(serve: Serve, client_of: ClientOf) -> None:
    client = client_of(serve())
    with pytest.raises(RateLimitError):
        client.embeddings.create(model=f"{SMALL}:mock-429", input="x")


# -- what is seen of it -------------------------------------------------------------------------


def test_an_exchange_is_a_line_and_a_record(
    serve: Serve, client_of: ClientOf, exchanges: list[Exchange]
) -> None:
    vectors(client_of(serve()), ["a", "b"], dimensions=2)
    (exchange,) = exchanges
    told = line(exchange)
    assert "otherwise" in told
    assert "2+0 tok" in told
    assert told.endswith("2 vectors")
    written = record(Entry(1, exchange))
    assert written["usage"]["prompt_tokens"] == 2
    assert written["reply"]["embeddings"] == {"count": 2, "dimensions": 2, "scripted": False}
    assert written["reply"]["choices"] == []


def test_a_dock_shows_what_was_embedded() -> None:
    with MockDock() as dock, OpenAI(**dock.openai) as client:
        rule = dock.when(api="embeddings", user="cat").reply(embedding=[0.6, 0.8])
        assert vectors(client, ["a cat", "x"]) == [[pytest.approx(0.6), pytest.approx(0.8)]] * 2
        vectors(client, "cat", encoding_format="float")
        first, last = dock.calls
        assert (first.request.user, first.request.inputs) == ("a cat\nx", ["a cat", "x"])
        assert (last.request.user, last.request.inputs) == ("cat", ["cat"])
        assert [list(each) for each in first.reply.embeddings] == [pytest.approx([0.6, 0.8])] * 2
        assert first.reply.embeddings[:1] == last.reply.embeddings
        assert first.usage is not None
        assert first.usage.total_tokens == 3
        assert "'dimensions': 2" in repr(first)
        assert rule.count == 2


def test_a_function_gives_vectors() -> None:
    with MockDock() as dock, OpenAI(**dock.openai) as client:
        dock.when(api="embeddings").respond_with(
            lambda request: {"embeddings": [[float(at)] for at in range(len(request.inputs))]}
        )
        assert vectors(client, ["a", "b", "c"]) == [[0], [1], [2]]
        assert vectors(client, [[5, 6]]) == [[0]]
        assert dock.calls.last.request.inputs == [[5, 6]]
        assert dock.calls.last.request.user == ""


def test_a_strict_dock_finds_embeddings_that_no_rule_answers() -> None:
    def ask() -> None:
        with MockDock() as dock, OpenAI(**dock.openai) as client:
            dock.when(api="embeddings", user="cat").reply(embedding="auto")
            assert len(vectors(client, "cat", dimensions=3)[0]) == 3
            with pytest.raises(NotFoundError):
                vectors(client, "dog")

    with pytest.raises(VerificationError, match="input: dog"):
        ask()


def test_a_rule_that_never_answered_tells_of_the_nearest_embeddings() -> None:
    def ask() -> None:
        with MockDock(otherwise="auto") as dock, OpenAI(**dock.openai) as client:
            dock.when(api="embeddings", user="cat").reply(embedding="auto")
            vectors(client, "dog")

    with pytest.raises(VerificationError, match="wanted a text with 'cat', was 'dog'"):
        ask()


def test_embeddings_replay(
    serve: Serve, client_of: ClientOf, exchanges: list[Exchange], tmp_path: Path
) -> None:
    """The SDK gets the same vectors again, and asks for them as base64."""
    scripted = {"when": {"api": "embeddings", "user": "cat"}, "reply": {"embedding": [0.6, 0.8]}}
    client = client_of(serve({"mockdock": 1, "rules": [scripted]}))
    first = [vectors(client, text) for text in ("a", "cat")]
    path = tmp_path / "replay.yaml"
    path.write_text(replay([record(Entry(at, each)) for at, each in enumerate(exchanges, start=1)]))
    again = client_of(serve(str(path)))
    assert [vectors(again, text) for text in ("a", "cat")] == first


# -- Azure --------------------------------------------------------------------------------------

DEPLOYED = {
    "mockdock": 1,
    "azure": {"deployments": {"emb": "text-embedding-3-large", "chat": "gpt-4o"}},
}


def azure(server: Server) -> AzureOpenAI:
    """Make a client of Azure's."""
    url = server.base_url.removesuffix("/v1")
    return AzureOpenAI(azure_endpoint=url, api_version="2024-10-21", api_key="test", max_retries=0)


def test_azure_embeds_by_deployment(serve: Serve) -> None:
    with azure(serve(DEPLOYED)) as client:
        made = client.embeddings.create(model="emb", input="hello")
    assert (made.model, len(made.data[0].embedding)) == ("text-embedding-3-large", 3072)


def test_azure_passes_openais_body_through(serve: Serve) -> None:
    """Recorded in February 2024: 16,606 bytes for one vector in base64, indented by two."""
    url = serve(DEPLOYED).base_url.removesuffix("/v1")
    answer = httpx2.post(
        f"{url}/openai/deployments/emb/embeddings?api-version=2023-07-01-preview",
        json={"input": "Tell me a joke about opentelemetry", "encoding_format": "base64"},
    )
    assert answer.headers["content-length"] == "16606"
    assert answer.text.startswith('{\n  "object": "list",')
    assert "openai-model" not in answer.headers


def test_azure_has_the_newer_path_too(serve: Serve) -> None:
    url = serve(DEPLOYED).base_url.removesuffix("/v1")
    answer = httpx2.post(f"{url}/openai/v1/embeddings", json={"model": "emb", "input": "hello"})
    assert answer.json()["model"] == "text-embedding-3-large"


@pytest.mark.parametrize("path", ["deployments/chat/embeddings?api-version=1", "v1/embeddings"])
def test_azure_says_which_operation_a_model_lacks(serve: Serve, path: str) -> None:
    url = serve(DEPLOYED).base_url.removesuffix("/v1")
    answer = httpx2.post(f"{url}/openai/{path}", json={"model": "chat", "input": "hello"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "OperationNotSupported")
    assert error["message"].startswith(
        "The embeddings operation does not work with the specified model, gpt-4o. "
    )


def test_azure_does_not_chat_with_an_embedding_model(serve: Serve) -> None:
    messages: Any = [{"role": "user", "content": "Hi"}]
    with azure(serve(DEPLOYED)) as client, pytest.raises(BadRequestError) as caught:
        client.chat.completions.create(model="emb", messages=messages)
    assert "The chatCompletion operation does not work" in str(caught.value)


def test_azures_429_names_the_operation(serve: Serve) -> None:
    rule = {"when": {"api": "embeddings"}, "reply": {"error": "rate_limit"}}
    with (
        azure(serve({**DEPLOYED, "rules": [rule]})) as client,
        pytest.raises(RateLimitError, match="Embeddings_Create"),
    ):
        client.embeddings.create(model="emb", input="hello")


def test_what_is_refused_as_wrong_counts_as_a_request(serve: Serve, client_of: ClientOf) -> None:
    client = client_of(serve({"mockdock": 1, "limits": [{"rpm": 2}]}))
    wrongs: tuple[Any, ...] = ("", [])
    for wrong in wrongs:
        with pytest.raises(BadRequestError):
            vectors(client, wrong)
    with pytest.raises(RateLimitError):
        vectors(client, "x")


def test_others_are_answered_while_much_is_embedded(serve: Serve) -> None:
    """In a thread: a chat asked after it is answered before it."""
    server = serve({"mockdock": 1, "rules": [{"reply": "Hi"}]})
    words = [" ".join(f"w{at}x{word}" for word in range(500)) for at in range(20)]
    done: list[str] = []
    with OpenAI(base_url=server.base_url, api_key="k", max_retries=0) as client:

        def embed() -> None:
            client.embeddings.create(model="text-embedding-3-small", input=words)
            done.append("embeddings")

        def chat() -> None:
            asked: Any = [{"role": "user", "content": "Hi"}]
            client.chat.completions.create(model="gpt-4o", messages=asked)
            done.append("chat")

        with ThreadPoolExecutor(1) as pool:
            embedding = pool.submit(embed)
            assert server._uvicorn is not None
            while not server._uvicorn.server_state.tasks:
                assert not embedding.done(), "it was too quick to see"
            chat()
            embedding.result()
    assert done == ["chat", "embeddings"]


def test_the_tokens_of_one_input_may_be_more_than_there_may_be_inputs(serve: Serve) -> None:
    server = serve({"mockdock": 1})
    with OpenAI(base_url=server.base_url, api_key="k", max_retries=0) as client:
        made = client.embeddings.create(model="text-embedding-3-small", input=[1] * 8192)
        assert (len(made.data), made.usage.prompt_tokens) == (1, 8192)
        with pytest.raises(BadRequestError, match="maximum input length is 8192 tokens"):
            client.embeddings.create(model="text-embedding-3-small", input=[1] * 8193)


def test_nobody_embeds_more_than_so_much_at_once_however_lenient(serve: Serve) -> None:
    server = serve({"mockdock": 1, "validation": "lenient"})
    # As an extra: the SDK goes through an input of its own, token by token.
    many = {"input": [1] * 300_001}
    with (
        OpenAI(base_url=server.base_url, api_key="k", max_retries=0) as client,
        pytest.raises(BadRequestError, match="max 300000 tokens per request"),
    ):
        client.embeddings.create(model="text-embedding-3-small", input="", extra_body=many)


@pytest.mark.parametrize("base", ["/v1", "/openai/v1", "/openai/eu/v1"])
def test_scripted_headers_are_sent_in_every_dialect(serve: Serve, base: str) -> None:
    reply = {"embedding": [1.0], "headers": {"x-own": "yes"}}
    server = serve({"mockdock": 1, "rules": [{"when": {"api": "embeddings"}, "reply": reply}]})
    with OpenAI(base_url=f"{server.url}{base}", api_key="k", max_retries=0) as client:
        raw = client.embeddings.with_raw_response
        answer = raw.create(model="text-embedding-ada-002", input="a cat")
        assert answer.headers["x-own"] == "yes"
