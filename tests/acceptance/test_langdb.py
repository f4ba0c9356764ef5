"""The openai SDK at LangDB's base URLs, and what the gateway tells of it, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx2
import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from mockdock import MockDock, Server
from mockdock.testing import DockServer
from tests.acceptance.conftest import Serve
from tests.conformance.asgi import Answer
from tests.dialects.langdb.talk import LeapingClock, model_body

PROJECT = "55f4a12b-74c8-4294-8e4b-537f13fc3861"
HEADERS = {"x-project-id": PROJECT}
BASES = ("/v1", f"/{PROJECT}/v1", "")
"""Those of the documents: with a header, with the project in the path, and the bare host."""
HI: Any = [{"role": "user", "content": "Hi"}]
HELLO = "Hello there!"
SCENARIO: dict[str, Any] = {"mockdock": 1, "rules": [{"when": {"api": "chat"}, "reply": HELLO}]}
PAID = (8 * 2.5 + 3 * 10) / 1e6
"""8 tokens of a prompt (3 of the message, the role, the text, 3 for the answer), 3 of HELLO."""

Client = Callable[..., OpenAI]


@pytest.fixture
def client_of() -> Iterator[Client]:
    """Make clients as LangDB's users do; they are closed when the test ends."""
    with ExitStack() as stack:

        def make(server: Server, base: str = "/v1", **options: Any) -> OpenAI:
            usual = {"api_key": "test", "max_retries": 0, "default_headers": HEADERS}
            client = OpenAI(base_url=f"{server.url}{base}", **{**usual, **options})
            return stack.enter_context(client)

        yield make


def told(server: Server | MockDock, path: str, body: Any = None, **headers: str) -> Any:
    """Ask about the account, a body asking by POST; check the answer by its types."""
    method = "GET" if body is None else "POST"
    sent = {**HEADERS, "authorization": "Bearer test"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    with httpx2.Client() as client:
        got = client.request(method, f"{server.url}{path}", json=body, headers=sent)
    assert got.status_code == 200, got.text
    operations = {"messages": "messages", "cost": "cost", "custom_prices": "custom_prices"}
    operation = OPERATIONS.get(path) or operations[path.rpartition("/")[2]]
    found = {name.lower(): value for name, value in got.headers.items()}
    return Answer(got.status_code, found, got.content, "langdb", operation).checked()


OPERATIONS = {
    "/threads": "threads",
    "/analytics": "analytics",
    "/analytics/summary": "summary",
    "/usage/total": "usage",
    "/usage/models": "usage.models",
    "/pricing": "pricing",
    "/models": "models",
    "/admin/models": "admin.models",
}


def count(server: Server | MockDock, **headers: str) -> int:
    """Count the requests there were."""
    hours = told(server, "/analytics", {"period": "last_day"}, **headers)["timeseries"]
    return sum(hour["total_requests"] for hour in hours)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("model", ["gpt-4o", "openai/gpt-4o"])
def test_a_chat_at_each_base_url(serve: Serve, client_of: Client, base: str, model: str) -> None:
    """It says who answered and on which thread, and what it cost."""
    server = serve(SCENARIO)
    raw = client_of(server, base).chat.completions.with_raw_response.create(
        model=model, messages=HI
    )
    completion = raw.parse()
    assert completion.choices[0].message.content == HELLO
    assert completion.model == "openai/gpt-4o"
    assert completion.usage is not None
    assert completion.usage.to_dict()["cost"] == pytest.approx(PAID)
    assert (raw.headers["x-model-name"], raw.headers["x-provider-name"]) == (model, "openai")
    thread = raw.headers["x-thread-id"]
    cost = {"total_cost": PAID, "total_output_tokens": 3, "total_input_tokens": 8}
    assert told(server, f"/threads/{thread}/cost") == pytest.approx(cost)


@pytest.mark.parametrize("base", BASES)
def test_a_stream_at_each_base_url(serve: Serve, client_of: Client, base: str) -> None:
    """Each chunk has an id and the role; usage comes without being asked for."""
    client = client_of(serve(SCENARIO), base)
    with client.chat.completions.create(model="gpt-4o", messages=HI, stream=True) as stream:
        chunks = list(stream)
    said = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert "".join(delta.content or "" for delta in said) == HELLO
    assert [delta.role for delta in said] == ["assistant"] * 3 + [None]
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    assert {chunk.model for chunk in chunks} == {"gpt-4o"}
    usage = chunks[-1].usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens) == (8, 3)


def test_an_event_loop_and_embeddings(serve: Serve) -> None:
    server = serve(SCENARIO)

    async def all_of_them() -> list[str]:
        async with AsyncOpenAI(
            base_url=f"{server.url}/v1", api_key="test", default_headers=HEADERS
        ) as client:
            chat = client.chat.completions
            plain = await chat.create(model="gpt-4o", messages=HI)
            stream = await chat.create(model="gpt-4o", messages=HI, stream=True)
            texts = [each.choices[0].delta.content or "" async for each in stream if each.choices]
            made = await client.embeddings.create(model="text-embedding-3-small", input="Hi")
            assert len(made.data[0].embedding) == 1536
            return [plain.choices[0].message.content or "", "".join(texts)]

    assert asyncio.run(all_of_them()) == [HELLO, HELLO]
    apis = told(server, "/analytics/summary", {"groupBy": ["api"]})["summary"]
    assert [(each["tag_tuple"], each["total_requests"]) for each in apis] == [
        (["chat"], 2),
        (["embeddings"], 1),
    ]


def test_a_thread_goes_on_with_its_history(serve: Serve, client_of: Client) -> None:
    server = serve(SCENARIO)
    chat = client_of(server).chat.completions
    thread = "25a0b7d9-86cf-448d-8395-66e9073d876f"
    named = {"x-thread-id": thread, "x-thread-title": "Talk"}
    history = [*HI]
    for text in ("And you?", "Bye"):
        reply = chat.create(model="gpt-4o", messages=history, extra_headers=named)
        said: Any = {"role": "assistant", "content": reply.choices[0].message.content}
        history += [said, {"role": "user", "content": text}]
    chat.create(model="gpt-4o", messages=history, extra_headers={"x-thread-id": thread})
    messages = told(server, f"/threads/{thread}/messages")
    assert [(each["type"], each["content"]) for each in messages] == [
        ("human", "Hi"),
        ("ai", HELLO),
        ("human", "And you?"),
        ("ai", HELLO),
        ("human", "Bye"),
        ("ai", HELLO),
    ]
    (listed,) = told(server, "/threads", {"limit": 10, "offset": 0})["data"]
    assert (listed["id"], listed["title"], listed["model_name"]) == (thread, "Talk", "gpt-4o")


def test_prices_and_models_of_ones_own_hold_at_once(serve: Serve, client_of: Client) -> None:
    """And never for what was before; a model that was made is listed, priced and called."""
    server = serve(SCENARIO)
    chat = client_of(server).chat.completions

    def paid(model: str) -> float:
        usage = chat.create(model=model, messages=HI).usage
        assert usage is not None
        cost: float = usage.to_dict()["cost"]  # type: ignore[assignment]
        return cost

    assert paid("gpt-4o") == pytest.approx(PAID)
    prices = {"openai/gpt-4o": {"per_input_token": 100, "per_output_token": 1000}}
    assert told(server, f"/projects/{PROJECT}/custom_prices", prices) == prices
    assert paid("gpt-4o") == pytest.approx((8 * 100 + 3 * 1000) / 1e6)
    used = told(server, "/usage/total", {})
    assert used["total"]["total_cost"] == pytest.approx(PAID + 0.0038)
    assert used["models"][0]["cost_per_input_token"] == 100

    body = model_body(project_id=PROJECT, owner_name="acme")
    told(server, "/admin/models", body, x_admin_key="any")
    for name in ("my-model", "acme/my-model"):
        assert paid(name) == pytest.approx(8 * 0.00001 + 3 * 0.00003)
    assert "acme/my-model" in [each["id"] for each in told(server, "/models")["data"]]
    card = next(each for each in told(server, "/pricing") if each["model"] == "my-model")
    assert card["price"]["per_input_token"] == pytest.approx(10)
    assert card["provider"] == "acme"


def test_tags_labels_users_and_runs_are_told_apart(serve: Serve, client_of: Client) -> None:
    server = serve(SCENARIO)
    chat = client_of(server).chat.completions
    for env, label, user in (("prod", "a", "7"), ("prod", "b", "8"), ("test", "a", "7")):
        chat.create(
            model="gpt-4o",
            messages=HI,
            extra_headers={"x-tags": f"env={env}&v=1", "x-label": label, "x-run-id": f"run-{env}"},
            extra_body={"extra": {"user": {"id": user, "name": "mr", "tags": ["x"]}}},
        )

    def groups(*group_by: str, keys: tuple[str, ...] = ()) -> dict[tuple[str, ...], int]:
        asked = {"groupBy": [*group_by], "tag_keys": [*keys]}
        found = told(server, "/analytics/summary", asked)["summary"]
        return {tuple(each["tag_tuple"]): each["total_requests"] for each in found}

    assert groups("tag", keys=("env",)) == {("prod",): 2, ("test",): 1}
    assert groups("tag", keys=("env", "user_tags")) == {("prod", "x"): 2, ("test", "x"): 1}
    assert groups("label") == {("a",): 2, ("b",): 1}
    assert groups("user", "run") == {
        ("7", "run-prod"): 1,
        ("7", "run-test"): 1,
        ("8", "run-prod"): 1,
    }
    assert groups("provider", "model") == {("openai", "gpt-4o"): 3}


def test_a_project_in_the_path_wins_over_the_header(serve: Serve, client_of: Client) -> None:
    server = serve(SCENARIO)
    client_of(server, "/other/v1").chat.completions.create(model="gpt-4o", messages=HI)
    assert [count(server), count(server, x_project_id="other")] == [0, 1]


def test_sessions_are_apart_and_a_reset_forgets() -> None:
    """A fixture's own session sees its own traffic alone, until it is reset."""
    with (
        DockServer() as server,
        MockDock(SCENARIO, server=server) as dock,
        MockDock(SCENARIO, server=server) as other,
    ):
        for each, times in ((dock, 2), (other, 1)):
            with OpenAI(
                base_url=each.base_url, api_key=each.api_key, default_headers=HEADERS
            ) as client:
                for _ in range(times):
                    client.chat.completions.create(model="gpt-4o", messages=HI)
        bearers = [f"Bearer {each.api_key}" for each in (dock, other)]
        assert [count(dock, authorization=each) for each in bearers] == [2, 1]
        dock.reset()
        assert [count(dock, authorization=each) for each in bearers] == [0, 1]


def test_limits_and_errors_in_langdbs_words(serve: Serve, client_of: Client) -> None:
    limits = {**SCENARIO, "limits": [{"rpm": 2, "per": "key"}], "models": ["gpt-4o"]}
    server = serve(limits, clock=LeapingClock())
    chat = client_of(server).chat.completions
    with pytest.raises(openai.BadRequestError) as wrong:
        chat.create(model="gpt-4o", messages=HI, temperature=3)
    assert wrong.value.body == (
        "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 "
        "instead."
    )
    chat.create(model="gpt-4o", messages=HI)
    with pytest.raises(openai.RateLimitError) as limited:
        chat.create(model="gpt-4o", messages=HI)
    assert limited.value.response.headers["content-type"].startswith("text/plain")
    assert limited.value.response.text == "API call limit exceeded"
    summary = told(server, "/analytics/summary", {"groupBy": ["model"]})["summary"]
    assert [each["error_request_count"] for each in summary] == [1]
    assert summary[0]["error_rate"] == 50
    with pytest.raises(openai.InternalServerError) as unknown:
        chat.create(model="gpt-9", messages=HI)
    assert unknown.value.body == "Model gpt-9 not found"
    lonely = client_of(server, "", default_headers={}).chat.completions
    with pytest.raises(openai.BadRequestError) as nobody:
        lonely.create(model="gpt-4o", messages=HI)
    assert str(nobody.value.body).startswith("Missing required header: X-Project-Id")


def test_a_manual_clock_makes_every_figure_exact(serve: Serve, client_of: Client) -> None:
    """Half a second before the first of three tokens, a tenth before each other."""
    pacing = {"pacing": {"ttft": "500ms", "itl": "100ms"}}
    server = serve({**SCENARIO, **pacing}, clock=LeapingClock(1738146300.0))
    chat = client_of(server).chat.completions
    chat.create(model="gpt-4o", messages=HI)
    with chat.create(model="gpt-4o", messages=HI, stream=True) as stream:
        assert len(list(stream)) == 5
    (hour,) = told(server, "/analytics", {"period": "last_hour"})["timeseries"]
    assert hour["hour"] == "2025-01-29 10:00:00"
    assert hour["duration"] == pytest.approx(700)
    assert hour["total_duration"] == pytest.approx(1400)
    assert (hour["ttft"], hour["ttft_p99"]) == (pytest.approx(500), pytest.approx(500))
    assert hour["tps"] == pytest.approx(3 / 0.7)
    assert hour["tpot"] == pytest.approx((700 / 3 + 200 / 2) / 2)
