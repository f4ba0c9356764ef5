"""The AzureOpenAI client, and the plain one at /openai/v1, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import openai
import pytest
from openai import AsyncAzureOpenAI, AzureOpenAI, OpenAI

from mockdock import MockDock, Server
from mockdock.delivery import ManualClock
from mockdock.observe import Exchange
from tests.acceptance.conftest import Serve
from tests.acceptance.test_raw_socket import Wire, body_of, head

VERSION = "2024-10-21"
HI: Any = [{"role": "user", "content": "Hi"}]
SCENARIO: dict[str, Any] = {
    "mockdock": 1,
    "azure": {"deployments": {"chat": "gpt-4o", "small": "gpt-4o-mini"}, "region": "West Europe"},
    "rules": [
        {"name": "large", "when": {"model": "gpt-4o"}, "reply": "Hello from gpt-4o!"},
        {"name": "small", "when": {"dialect": "azure"}, "reply": "one two three four"},
    ],
}
SAFE = {"filtered": False, "severity": "safe"}
CHAT = "/openai/deployments/chat/chat/completions"

Client = Callable[..., AzureOpenAI]


@pytest.fixture
def client_of() -> Iterator[Client]:
    """Make clients as Azure's users do; they are closed when the test ends."""
    with ExitStack() as stack:

        def make(server: Server, **options: Any) -> AzureOpenAI:
            usual = {"azure_endpoint": server.url, "api_version": VERSION, "api_key": "any"}
            client = AzureOpenAI(**{**usual, "max_retries": 0, **options})
            return stack.enter_context(client)

        yield make


@pytest.fixture
def clock() -> Iterator[ManualClock]:
    clock = ManualClock()
    yield clock
    clock.release()


def scripted(*replies: Any, **settings: Any) -> dict[str, Any]:
    """Answer with these in turn."""
    return {"mockdock": 1, "rules": [{"replies": [*replies]}], **settings}


def text(client: OpenAI, model: str = "chat") -> str | None:
    return client.chat.completions.create(model=model, messages=HI).choices[0].message.content


def test_a_deployment_answers_as_its_model(serve: Serve, client_of: Client) -> None:
    client = client_of(serve(SCENARIO))
    raw = client.chat.completions.with_raw_response.create(model="chat", messages=HI)
    answer = raw.parse()
    assert answer.choices[0].message.content == "Hello from gpt-4o!"
    assert answer.model.startswith("gpt-4o-20")
    assert raw.headers["x-ms-deployment-name"] == "chat"
    assert raw.headers["x-ms-region"] == "West Europe"
    assert raw.headers["x-mockdock-rule"] == "large"
    assert text(client, "small") == "one two three four"
    assert (answer.model_extra or {}).keys() == {"prompt_filter_results"}
    results = (answer.choices[0].model_extra or {})["content_filter_results"]
    assert results["hate"] == SAFE
    assert results["protected_material_text"] == {"detected": False, "filtered": False}
    assert answer.usage is not None
    assert answer.usage.total_tokens == 8 + answer.usage.completion_tokens


def test_a_stream_opens_with_a_chunk_that_has_no_choice(serve: Serve, client_of: Client) -> None:
    client = client_of(serve(SCENARIO))
    stream = client.chat.completions.create(
        model="chat", messages=HI, stream=True, stream_options={"include_usage": True}
    )
    opening, *chunks, usage = stream
    assert (opening.id, opening.choices) == ("", [])
    assert "prompt_filter_results" in (opening.model_extra or {})
    said = [chunk.choices[0].delta.content or "" for chunk in chunks]
    assert "".join(said) == "Hello from gpt-4o!"
    assert usage.usage is not None
    assert usage.usage.prompt_tokens == 8


def test_the_async_client_gets_the_same(serve: Serve) -> None:
    server = serve(SCENARIO)

    async def ask() -> tuple[str | None, str]:
        async with AsyncAzureOpenAI(
            azure_endpoint=server.url, api_version=VERSION, api_key="any", max_retries=0
        ) as client:
            plain = await client.chat.completions.create(model="chat", messages=HI)
            stream = await client.chat.completions.create(model="chat", messages=HI, stream=True)
            pieces = [
                chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices
            ]
            return plain.choices[0].message.content, "".join(pieces)

    assert asyncio.run(ask()) == ("Hello from gpt-4o!", "Hello from gpt-4o!")


def test_the_plain_client_finds_its_way_below_v1(serve: Serve, exchanges: list[Exchange]) -> None:
    """Where the model is the deployment, and no api-version is needed."""
    server = serve(SCENARIO)
    with OpenAI(base_url=f"{server.url}/openai/v1/", api_key="any", max_retries=0) as client:
        assert text(client) == "Hello from gpt-4o!"
        with pytest.raises(openai.NotFoundError, match="The API deployment for this resource"):
            text(client, "gpt-4o")
        assert "gpt-4o" in {model.id for model in client.models.list()}
        assert client.models.retrieve("gpt-4o").owned_by == "system"
    assert [each.request and each.request.deployment for each in exchanges[:2]] == ["chat", None]
    assert dict(exchanges[0].head.headers)[b"x-ms-deployment-name"] == b"chat"


def test_without_declared_deployments_a_name_is_a_models(serve: Serve, client_of: Client) -> None:
    client = client_of(serve(scripted("Hello!")))
    for model in ("gpt-4o", "my-deployment"):
        assert text(client, model) == "Hello!"
    assert {model.id for model in client.models.list()} >= {"gpt-4o"}
    assert client.models.retrieve("gpt-4o").id == "gpt-4o"


def test_an_unknown_deployment_is_not_found(serve: Serve, client_of: Client) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        text(client_of(serve(SCENARIO)), "gpt-4o")
    assert refused.value.code == "DeploymentNotFound"
    assert "within the last 5 minutes" in str(refused.value)


def test_hints_lead_back_from_common_mistakes(serve: Serve, client_of: Client) -> None:
    """A misspelt deployment, and an endpoint with the path that the client adds itself."""
    server = serve(SCENARIO)
    for options, model, told in (
        ({}, "smal", "the nearest deployment is 'small'"),
        (
            {"azure_endpoint": f"{server.url}/openai"},
            "chat",
            f"azure_endpoint is scheme and host alone: {server.url}",
        ),
    ):
        with pytest.raises(openai.NotFoundError) as refused:
            text(client_of(server, **options), model)
        assert refused.value.response.headers["x-mockdock-hint"] == told


def test_a_wrong_key_is_refused_and_a_token_is_as_good_as_a_key(
    serve: Serve, client_of: Client
) -> None:
    server = serve({**SCENARIO, "auth": {"keys": ["right"]}})
    with pytest.raises(openai.AuthenticationError, match="invalid subscription key") as refused:
        text(client_of(server, api_key="wrong"))
    assert refused.value.code == "401"
    assert text(client_of(server, api_key="right")) == "Hello from gpt-4o!"
    entra = {"api_key": None, "azure_ad_token": "right"}
    assert text(client_of(server, **entra)) == "Hello from gpt-4o!"


def numbers(headers: Any) -> dict[str, str]:
    """Give what headers tell of limits, "x-ratelimit-" left out."""
    found = {name.removeprefix("x-ratelimit-"): headers[name] for name in headers}
    return {name: found[name] for name in found if f"x-ratelimit-{name}" in headers}


def test_headers_of_limits_are_whole_numbers_that_move(
    serve: Serve, client_of: Client, clock: ManualClock
) -> None:
    """Half a second per request of 120, half a millisecond per token of 120,000."""
    limits = [{"rpm": 120, "tpm": 120_000}]
    client = client_of(serve(scripted("one two three four", limits=limits), clock=clock))

    def told() -> tuple[dict[str, str], int]:
        raw = client.chat.completions.with_raw_response.create(model="gpt-4o", messages=HI)
        usage = raw.parse().usage
        assert usage is not None
        return numbers(raw.headers), usage.total_tokens

    first, tokens = told()
    assert tokens == 12
    assert first == {
        "abusepenalty-active": "False",
        "limit-requests": "120",
        "limit-tokens": "120000",
        "remaining-requests": "119",
        "remaining-tokens": "119988",
        "renewalperiod-requests": "60",
        "renewalperiod-tokens": "60",
        "reset-requests": "500",
        "reset-tokens": "6",
    }
    second, _ = told()
    moved = ("remaining-requests", "remaining-tokens", "reset-requests", "reset-tokens")
    assert [second[name] for name in moved] == ["118", "119976", "1000", "12"]
    clock.advance(0.75)
    third, _ = told()
    assert [third[name] for name in moved] == ["118", "119988", "750", "6"]


def test_every_deployment_has_a_limit_of_its_own(
    serve: Serve, client_of: Client, clock: ManualClock
) -> None:
    """Two deployments of one model do not share it; a request refused as wrong counts as well."""
    deployments = {"one": "gpt-4o", "two": "gpt-4o"}
    settings = {"azure": {"deployments": deployments}, "limits": [{"rpm": 2}]}
    server = serve(scripted("Hello!", **settings), clock=clock)
    client = client_of(server)
    for name in deployments:
        assert text(client, name) == "Hello!"
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="one", messages=HI, temperature=3)
    with pytest.raises(openai.RateLimitError, match="exceeded call rate limit"):
        text(client, "one")
    assert text(client, "two") == "Hello!"
    found = {each.of["deployment"] for each in server.verbs.limits("")}
    assert found == {"one", "two"}
    with OpenAI(base_url=server.base_url, api_key="any", max_retries=0) as plain:
        assert text(plain, "gpt-4o") == "Hello!"


@pytest.mark.parametrize(
    ("limit", "what", "told"),
    [({"rpm": 3}, "call", "20"), ({"tpm": 30}, "token", "12")],
    ids=["requests", "tokens"],
)
def test_a_limit_refuses_in_azures_words_until_the_time_it_tells(
    serve: Serve,
    client_of: Client,
    clock: ManualClock,
    limit: dict[str, int],
    what: str,
    told: str,
) -> None:
    """Of 30 tokens per minute, 24 are used after two requests, and a third wants 12."""
    server = serve(scripted("one two three four", limits=[limit]), clock=clock)
    client = client_of(server)

    def ask() -> Any:
        return client.chat.completions.create(model="gpt-4o", messages=HI, max_tokens=4)

    for _ in range(3 if what == "call" else 2):
        ask()
    with pytest.raises(openai.RateLimitError) as refused:
        ask()
    error = refused.value
    assert error.code == "429"
    assert f"under Azure OpenAI API version {VERSION} have exceeded {what} rate" in str(error)
    assert f"Please retry after {told} seconds. " in str(error)
    headers = error.response.headers
    assert (headers["retry-after"], headers["retry-after-ms"]) == (told, f"{told}000")
    counted = "requests" if what == "call" else "tokens"
    assert numbers(headers)[f"remaining-{counted}"] == ("0" if what == "call" else "6")
    assert headers["policy-id"] == f"DeploymentRatelimit-{what.title()}"
    clock.advance(60)
    ask()


def test_the_client_waits_as_it_is_told_and_goes_on(
    serve: Serve, client_of: Client, exchanges: list[Exchange]
) -> None:
    again = {"error": "rate_limit", "retry_after": "1ms"}
    client = client_of(serve(scripted(again, "Hello!")), max_retries=1)
    assert text(client, "gpt-4o") == "Hello!"
    assert [each.head.status for each in exchanges] == [429, 200]


def test_a_prompt_is_refused_by_the_content_filter(serve: Serve, client_of: Client) -> None:
    client = client_of(serve(scripted({"error": "content_filter"})))
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as refused:
            client.chat.completions.create(model="gpt-4o", messages=HI, stream=stream)
        error = refused.value
        assert (error.code, error.param) == ("content_filter", "prompt")
        assert isinstance(error.body, dict)
        inner = error.body["innererror"]
        assert inner["code"] == "ResponsibleAIPolicyViolation"
        assert inner["content_filter_result"]["jailbreak"] == {"filtered": True, "detected": True}


def test_an_answer_is_cut_by_the_content_filter(serve: Serve, client_of: Client) -> None:
    """One that says nothing has no message at all, which clients should survive."""
    cut = {"text": "You are", "finish": "content_filter"}
    nothing = {"text": "", "finish": "content_filter"}
    client = client_of(serve(scripted(cut, nothing, cut)))
    said, silent = (
        client.chat.completions.create(model="gpt-4o", messages=HI).choices[0] for _ in range(2)
    )
    assert said.message.content == "You are"
    assert silent.message is None
    for choice in (said, silent):
        assert choice.finish_reason == "content_filter"
        results = (choice.model_extra or {})["content_filter_results"]
        assert results["hate"] == {"filtered": True, "severity": "high"}
        assert results["violence"] == SAFE
    chunks = [*client.chat.completions.create(model="gpt-4o", messages=HI, stream=True)]
    last = chunks[-1].choices[0]
    assert last.finish_reason == "content_filter"
    assert (last.model_extra or {})["content_filter_results"]["hate"]["filtered"]


def test_the_first_bytes_of_a_stream(serve: Serve) -> None:
    """As recorded, before anything of the answer, in a body of chunks."""
    server = serve(SCENARIO)
    body = body_of(stream=True)
    request = head(b"content-length: %d" % len(body), path=f"{CHAT}?api-version=1".encode())
    with Wire(server) as wire:
        wire.socket.sendall(request + body)
        sent = b""
        while b"\r\n\r\n" not in sent or sent.count(b"\n\n") < 2:
            sent += wire.socket.recv(4096)
    headers, _, rest = sent.partition(b"\r\n\r\n")
    assert headers.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-type: text/event-stream; charset=utf-8" in headers.lower()
    size, _, data = rest.partition(b"\r\n")
    assert int(size, 16) > 364
    assert data.startswith(
        b'data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":'
        b'[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"},'
        b'"jailbreak":{"detected":false,"filtered":false},"self_harm":{"filtered":false,"severity":'
        b'"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,'
        b'"severity":"safe"}}}]}\n\ndata: {"choices":[{"content_filter_results":{},"delta":{"cont'
    )


@pytest.mark.parametrize(
    "asked",
    [
        {"default_headers": {"x-mockdock-fault": "truncate"}},
        {"default_query": {"mockdock-fault": "truncate"}},
    ],
    ids=["header", "query"],
)
def test_a_client_can_ask_for_trouble(
    serve: Serve, client_of: Client, asked: dict[str, Any]
) -> None:
    with pytest.raises(openai.APIConnectionError):
        text(client_of(serve(SCENARIO), **asked))


def test_a_base_url_can_ask_for_trouble(serve: Serve) -> None:
    url = f"{serve(SCENARIO).url}/openai/v1?mockdock-fault=truncate"
    with (
        OpenAI(base_url=url, api_key="any", max_retries=0) as client,
        pytest.raises(openai.APIConnectionError),
    ):
        text(client)


def test_an_error_in_the_middle_of_a_stream_is_raised(serve: Serve, client_of: Client) -> None:
    fault = {"type": "error_event", "after": {"tokens": 1}}
    client = client_of(serve(scripted({"text": "one two", "faults": [fault]})))
    heard: list[str | None] = []

    def listen() -> None:
        stream = client.chat.completions.create(model="gpt-4o", messages=HI, stream=True)
        heard.extend(chunk.choices[0].delta.content if chunk.choices else None for chunk in stream)

    with pytest.raises(openai.APIError, match="Sorry about that"):
        listen()
    assert heard == [None, "", "one"]


def test_what_no_rule_answers_is_told_and_not_tried_again(
    serve: Serve, client_of: Client, exchanges: list[Exchange]
) -> None:
    server = serve(
        {**SCENARIO, "rules": [{"when": {"user": "bye"}, "reply": "."}], "otherwise": "fail"}
    )
    with pytest.raises(openai.NotFoundError, match="no rule matches") as refused:
        text(client_of(server, max_retries=2))
    assert refused.value.code == "mockdock_no_match"
    assert len(exchanges) == 1


INSTRUCT: dict[str, Any] = {
    "mockdock": 1,
    "azure": {"deployments": {"texts": "gpt-3.5-turbo-instruct", "chat": "gpt-4o"}},
    "rules": [{"when": {"api": "completions", "user": "joke"}, "reply": "Why not? Because."}],
}


def test_a_deployment_completes_texts(serve: Serve, client_of: Client) -> None:
    client = client_of(serve(INSTRUCT))
    raw = client.completions.with_raw_response.create(model="texts", prompt="A joke")
    assert raw.headers["x-ms-deployment-name"] == "texts"
    assert "openai-model" not in raw.headers
    made = raw.parse()
    assert (made.object, made.model) == ("text_completion", "gpt-3.5-turbo-instruct")
    assert made.choices[0].text == "Why not? Because."
    assert (made.model_extra or {}).keys() == {"prompt_filter_results"}
    results = (made.choices[0].model_extra or {})["content_filter_results"]
    assert results["violence"] == SAFE
    assert made.usage is not None
    assert (made.usage.prompt_tokens, made.usage.completion_tokens) == (2, 5)


def test_a_stream_of_texts_opens_with_a_chunk_that_has_no_choice(
    serve: Serve, client_of: Client
) -> None:
    client = client_of(serve(INSTRUCT))
    asked: Any = {"model": "texts", "prompt": ["A joke", "joke"], "logprobs": 1, "stream": True}
    opening, *chunks = client.completions.create(**asked)
    assert (opening.id, opening.choices) == ("", [])
    assert len((opening.model_extra or {})["prompt_filter_results"]) == 2
    said = {0: "", 1: ""}
    for chunk in chunks:
        said[chunk.choices[0].index] += chunk.choices[0].text
    assert said == dict.fromkeys(said, "Why not? Because.")


def test_the_plain_client_completes_texts_below_v1(serve: Serve) -> None:
    server = serve(INSTRUCT)
    with OpenAI(base_url=f"{server.url}/openai/v1/", api_key="any", max_retries=0) as client:
        made = client.completions.create(model="texts", prompt="A joke")
        assert made.choices[0].text == "Why not? Because."


def test_a_deployment_of_a_chat_model_completes_nothing(serve: Serve, client_of: Client) -> None:
    client = client_of(serve(INSTRUCT))
    with pytest.raises(openai.BadRequestError, match="The completion operation does not") as chat:
        client.completions.create(model="chat", prompt="A joke")
    assert chat.value.code == "OperationNotSupported"
    with pytest.raises(openai.BadRequestError, match="The chatCompletion operation does not"):
        text(client, "texts")


def test_a_limit_of_texts_names_their_operation(serve: Serve, client_of: Client) -> None:
    client = client_of(serve({**INSTRUCT, "limits": [{"rpm": 1}]}))
    client.completions.create(model="texts", prompt="A joke")
    with pytest.raises(openai.RateLimitError, match="Requests to the Completions_Create Operation"):
        client.completions.create(model="texts", prompt="A joke")


def test_azure_judges_nothing(serve: Serve, client_of: Client) -> None:
    """It has no endpoint for moderations, by the client of Azure or the plain one."""
    server = serve(INSTRUCT)
    with pytest.raises(openai.NotFoundError, match="Resource not found"):
        client_of(server).moderations.create(input="x")
    with (
        OpenAI(base_url=f"{server.url}/openai/v1/", api_key="any", max_retries=0) as client,
        pytest.raises(openai.NotFoundError, match="Resource not found"),
    ):
        client.moderations.create(input="x")


def test_a_dock_serves_azures_clients() -> None:
    with MockDock() as dock:
        dock.when(dialect="azure").reply("Hello!")
        endpoint = dock.url_for("azure")
        assert endpoint == dock.url
        with AzureOpenAI(
            azure_endpoint=endpoint, api_key=dock.api_key, api_version=VERSION
        ) as client:
            assert text(client) == "Hello!"
        (call,) = dock.calls
        assert call.request.model == "chat"
