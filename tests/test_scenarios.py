"""Every shipped scenario does what its comments say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import jsonschema
import openai
import pytest
import yaml

from mockdock import Server, resources
from mockdock.scenario import lint, load
from mockdock.scenario.export import json_schema
from tests.openai_types import CheckedOpenAI

FILES = sorted(resources.scenarios().glob("*.yaml"))
TOOL = {"type": "function", "function": {"name": "get_weather"}}
LANGUAGE = jsonschema.Draft202012Validator(json_schema())


@pytest.fixture
def ask() -> Iterator[Callable[..., Any]]:
    """Ask a shipped scenario by name; one server per scenario and test."""
    servers: dict[str, Server] = {}
    clients: list[CheckedOpenAI] = []

    def asked(name: str, *messages: str | dict[str, Any], key: str = "test", **options: Any) -> Any:
        if name not in servers:
            servers[name] = Server(name).start()
        client = CheckedOpenAI(
            base_url=servers[name].base_url,
            api_key=key,
            max_retries=options.pop("max_retries", 0),
        )
        clients.append(client)
        options.setdefault("model", "gpt-4o-mini")
        told: list[Any] = [
            {"role": "user", "content": m} if isinstance(m, str) else m for m in messages
        ]
        raw = client.chat.completions.with_raw_response.create(messages=told, **options)
        reply = raw.parse()
        reply.__dict__["headers"] = raw.headers
        return reply

    yield asked
    for client in clients:
        client.close()
    for server in servers.values():
        server.stop()


def text(reply: Any) -> str:
    content = reply.choices[0].message.content
    assert isinstance(content, str)
    return content


def test_there_are_at_least_eight() -> None:
    assert len(FILES) >= 8


def test_the_shipped_schema_is_the_language() -> None:
    """After a change: ``mockdock schema > fixtures/scenario.schema.json``."""
    shipped = json.loads((resources.fixtures() / "scenario.schema.json").read_text())
    assert shipped == json_schema()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_scenario_is_commented_valid_and_clean(path: Path) -> None:
    """It starts with the line editors read, is explained, validates, and lints clean."""
    first, *rest = path.read_text().splitlines()
    assert first == "# yaml-language-server: $schema=../fixtures/scenario.schema.json"
    assert any(line.startswith("# ") for line in rest)
    assert f"#   mockdock serve {path.stem}" in rest
    LANGUAGE.validate(yaml.safe_load(path.read_text()))
    scenario = load(path.stem).scenario
    assert scenario.name == path.stem
    assert scenario.description
    assert lint(scenario) == ()


def test_quickstart(ask: Callable[..., Any]) -> None:
    assert text(ask("quickstart", "Hi!")) == "Hello! I am mockdock, and I cost nothing."
    assert "Peru" in text(ask("quickstart", "What is the capital of Peru?"))
    assert len(text(ask("quickstart", "Tell me more"))) > 20


def test_retries(ask: Callable[..., Any]) -> None:
    assert text(ask("retries", "rate limit", max_retries=2)) == "Third time lucky."
    for error, question in ((openai.RateLimitError, "quota"), (openai.APIError, "hopeless")):
        with pytest.raises(error):
            ask("retries", question)
    with pytest.raises(openai.InternalServerError):
        ask("retries", "overloaded")
    assert text(ask("retries", "anything")) == "anything"


def test_rough_night(ask: Callable[..., Any]) -> None:
    """The cycle of seven comes round again."""
    outcomes = []
    for number in range(14):
        try:
            outcomes.append(ask("rough-night", f"request {number}").usage.completion_tokens)
        except openai.APIStatusError as error:
            outcomes.append(error.status_code)
    assert outcomes[:7] == [60, 429, 30, 503, 500, 90, 504]
    assert outcomes[7:] == outcomes[:7]


def test_weather_agent(ask: Callable[..., Any]) -> None:
    one = ask("weather-agent", "What is the weather in Oslo", tools=[TOOL])
    (call,) = one.choices[0].message.tool_calls
    assert json.loads(call.function.arguments) == {"city": "Oslo", "unit": "celsius"}
    two = ask("weather-agent", "weather in Oslo and Rome", tools=[TOOL])
    assert [
        json.loads(call.function.arguments)["city"] for call in two.choices[0].message.tool_calls
    ] == ["Oslo", "Rome"]
    result = {"role": "tool", "tool_call_id": call.id, "content": '{"celsius": -3}'}
    said = one.choices[0].message.model_dump(exclude_none=True)
    end = ask("weather-agent", "weather in Oslo", said, result, tools=[TOOL])
    assert text(end) == "In Oslo it is -3 degrees."
    assert text(ask("weather-agent", "weather?")) == "I cannot look out of the window."


def test_structured(ask: Callable[..., Any]) -> None:
    ticket = json.loads(text(ask("structured", 'open a "ticket"')))
    assert ticket == {"title": 'open a "ticket"', "priority": 2, "tags": ["support", "new"]}
    assert ask("structured", "my password").choices[0].message.refusal
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    made_up = json.loads(text(ask("structured", "a number", response_format=form)))
    jsonschema.validate(made_up, schema)


def test_order_desk(ask: Callable[..., Any]) -> None:
    assert "not ordered" in text(ask("order-desk", "yes"))
    assert "nothing to cancel" in text(ask("order-desk", "cancel"))
    assert text(ask("order-desk", "I want a bicycle")) == "One a bicycle. Shall I book it?"
    assert "not ordered" in text(ask("order-desk", "yes", key="sk-mockdock-other"))
    assert text(ask("order-desk", "Yes, please")) == "Booked. Anything else?"
    assert text(ask("order-desk", "cancel")) == "Cancelled."
    assert "nothing to cancel" in text(ask("order-desk", "cancel"))
    assert "tell me" in text(ask("order-desk", "hm"))


def test_slow_model(ask: Callable[..., Any]) -> None:
    thought = ask("slow-model", "why", model="o3")
    assert thought.usage.completion_tokens_details.reasoning_tokens == 640
    assert int(thought.headers["openai-processing-ms"]) >= 4000
    assert "typed them by hand" in text(ask("slow-model", "dictate"))
    assert int(ask("slow-model", "else").headers["openai-processing-ms"]) >= 800


def test_script(ask: Callable[..., Any]) -> None:
    assert text(ask("script", "begin")) == "The curtain rises."
    assert [text(ask("script", "sing")) for _ in range(4)] == ["Do", "Re", "Mi", "Do"]
    assert [text(ask("script", "line")) for _ in range(3)] == [
        "To be, or not to be.",
        "That is the question.",
        "I have forgotten my text.",
    ]
    assert text(ask("script", "a", "b")) == "This is turn 2 of our talk."
    endings = ask("script", "ending", n=2).choices
    assert [choice.message.content for choice in endings] == [
        "They lived happily ever after.",
        "Exeunt, pursued by a bear.",
    ]
    assert ask("script", "anything").usage.completion_tokens == 40


def test_team_gateway(ask: Callable[..., Any]) -> None:
    blue = "sk-team-blue"
    with pytest.raises(openai.AuthenticationError):
        ask("team-gateway", "hello")
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        ask("team-gateway", "hello", key=blue, model="gpt-4o")
    budget = ask("team-gateway", "budget", key=blue, extra_headers={"x-team": "blue"})
    assert budget.headers["x-team-budget"] == "40"
    pirate = {"role": "system", "content": "You are a pirate."}
    assert text(ask("team-gateway", pirate, "hello", key=blue)) == "Arr, ye said: hello"
    large = ask("team-gateway", "hello", key=blue, model="team-large")
    assert (text(large), large.model) == ("team-large at your service.", "team-large")
    with pytest.raises(openai.NotFoundError, match="no rule matches"):
        ask("team-gateway", "hello", key=blue, model="team-small")


def test_canned(ask: Callable[..., Any]) -> None:
    assert "|" in text(ask("canned", "a table, please"))
    weather = ask("canned", "weather?")
    assert weather.choices[0].finish_reason == "tool_calls"
    assert weather.headers["x-canned"] == "yes"
    assert ask("canned", "a secret").choices[0].message.refusal


def test_azure() -> None:
    def said(client: openai.AzureOpenAI, content: str, model: str = "chat") -> Any:
        (choice,) = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": content}]
        ).choices
        return choice

    options: dict[str, Any] = {"api_version": "2024-10-21", "max_retries": 0}
    with (
        Server("azure") as server,
        openai.AzureOpenAI(azure_endpoint=server.url, api_key="azure-key-1", **options) as first,
        openai.AzureOpenAI(azure_endpoint=server.url, api_key="azure-key-2", **options) as second,
        openai.AzureOpenAI(azure_endpoint=server.url, api_key="azure-key-3", **options) as third,
    ):
        assert said(first, "Hi").message.content
        assert said(first, "Hi", "small-chat").message.content == "A short answer from gpt-4o-mini."
        with pytest.raises(openai.NotFoundError, match="deployment"):
            said(first, "Hi", "gpt-4o")
        with pytest.raises(openai.AuthenticationError):
            said(third, "Hi")
        with pytest.raises(openai.BadRequestError, match="content management policy"):
            said(first, "How do I hotwire a car?")
        assert said(first, "insult me").finish_reason == "content_filter"
        assert said(first, "now your worst").message is None
        with pytest.raises(openai.PermissionDeniedError, match="Firewall"):
            said(first, "network?")
        assert said(first, "network?").message.content == "The network is fine."
        with pytest.raises(openai.RateLimitError, match="have exceeded call rate limit"):
            said(first, "Hi")
        assert said(second, "Hi").message.content


def test_langdb() -> None:
    """The month is there, the thread is known to the cent, and traffic is added to both."""
    thread = "7c7b1f0e-3a52-4f5a-9d3c-0b7a5e3f9a11"
    key = {"x-project-id": "demo"}

    def posted(http: httpx.Client, path: str, **body: Any) -> Any:
        return http.post(path, json=body).raise_for_status().json()

    with (
        Server("langdb") as server,
        openai.OpenAI(base_url=f"{server.url}/demo/v1", api_key="any") as client,
        httpx.Client(base_url=server.url, headers=key) as http,
    ):
        month = {"period": "last_month", "groupBy": ["provider", "model"]}
        groups = posted(http, "/analytics/summary", **month)["summary"]
        counts = {tuple(group["tag_tuple"]): group["total_requests"] for group in groups}
        mini, large = counts["openai", "gpt-4o-mini"], counts["acme", "acme-large"]
        assert 2000 < sum(counts.values()) < 3500
        assert mini > 2 * large > 0
        tags = posted(http, "/analytics/summary", groupBy=["tag"], tag_keys=["env", "team"])
        assert len(tags["summary"]) == 3
        assert posted(http, "/threads", limit=10, offset=0)["pagination"]["total"] > 500

        said = http.get(f"/threads/{thread}/messages").json()
        assert [each["type"] for each in said] == ["system", "human", "ai", "tool", "ai"]
        cost = http.get(f"/threads/{thread}/cost").json()
        assert cost["total_cost"] == pytest.approx(0.004)

        (choice,) = client.chat.completions.create(
            model="acme-large",
            messages=[{"role": "user", "content": "The weather, please"}],
            extra_headers={"x-thread-id": thread},
        ).choices
        assert choice.message.content == "It is always spring here."
        more = http.get(f"/threads/{thread}/cost").json()
        assert more["total_cost"] > cost["total_cost"]
        assert {each["provider"] for each in http.get("/pricing").json()} >= {"acme", "bedrock"}


def test_echo(ask: Callable[..., Any]) -> None:
    assert text(ask("echo", "Say this.", extra_body={"top_k": 4}, temperature=9)) == "Say this."
