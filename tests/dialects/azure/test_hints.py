"""Hints in headers: a doubled path, and deployments near to one there is not."""

from __future__ import annotations

import json

import pytest

from mockdock import resources
from mockdock.dialects.azure.hints import beside, near
from mockdock.dialects.base import Call
from tests.conformance.asgi import app_of, ask, post

HOST = "http://localhost:8080"
BODY = {"model": "chat", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.mark.parametrize(
    "path",
    [
        "/openai/openai/deployments/chat/chat/completions",
        "/openai/v1/openai/deployments/chat/chat/completions",
        "/openai/deployments/chat/chat/completions/openai/deployments/chat/chat/completions",
        "/openai/v1/deployments/chat/chat/completions",
        "/openai/openai/models",
    ],
)
def test_an_endpoint_that_ends_with_a_path_is_told_to_be_the_host(path: str) -> None:
    """The client adds /openai/deployments to whatever ``azure_endpoint`` is."""
    call = Call("", "POST", path, {}, {}, b"", HOST)
    assert beside(call) == {
        "x-mockdock-hint": f"azure_endpoint is scheme and host alone: {HOST}",
    }


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/openai/v1/nothing", {}),
        ("/openai/deployments/chat/nothing", {}),
        ("/openai/deployments/openai/nothing", {}),
        ("/openai/chat/completions", {"x-mockdock-base-url": f"{HOST}/openai/v1"}),
        ("/openai/openai", {"x-mockdock-base-url": f"{HOST}/openai/v1"}),
    ],
)
def test_other_paths_that_are_not_there_get_no_such_hint(
    path: str, headers: dict[str, str]
) -> None:
    assert beside(Call("", "POST", path, {}, {}, b"", HOST)) == headers


@pytest.mark.parametrize(
    ("name", "deployments", "told"),
    [
        ("chta", ["chat", "small"], "the nearest deployment is 'chat'"),
        ("CHAT", ["Chat", "small"], "the nearest deployment is 'Chat'"),
        (
            "chat-de",
            ["chat-eu", "chat-us", "chat-se", "chat-no", "x"],
            "the nearest deployments are 'chat-se', 'chat-eu', 'chat-us'",
        ),
        ("gpt-9", ["b", "a"], "there are the deployments 'a', 'b'"),
        ("gpt-9", ["a"], "there is the deployment 'a'"),
        ("gpt-9", ["a", "b", "c", "d", "e"], "there are the deployments 'a', 'b', 'c' and 2 more"),
        ("gpt-9", [], "the scenario declares no deployments"),
        ("grüße", ["grüsse"], "the nearest deployment is 'gr%C3%BCsse'"),
    ],
)
def test_the_nearest_deployments_are_named(name: str, deployments: list[str], told: str) -> None:
    assert near(name, deployments) == {"x-mockdock-hint": told}


def test_a_hint_is_short_however_long_the_names_are() -> None:
    told = near("x" * 60_000, ["y" * 60_000, "x" * 60_000])["x-mockdock-hint"]
    assert len(told) < 1000


def test_a_misspelt_deployment_is_refused_in_azures_words_with_a_hint_beside() -> None:
    """By either of the paths; the body is as recorded."""
    app = app_of({"reply": "Hi"}, azure={"deployments": {"chat": "gpt-4o"}})
    golden = (resources.fixtures() / "azure" / "errors" / "unknown-model.json").read_bytes()
    body = {**BODY, "model": "chatt"}
    usual = {"content-type": "application/json"}
    path = "/openai/deployments/chatt/chat/completions"
    dated = b"api-version=2024-10-21"
    for answer in (
        post(app, "/openai/v1/chat/completions", body),
        ask(app, "POST", path, json.dumps(body).encode(), usual, query_string=dated),
    ):
        assert (answer.status, answer.body) == (404, golden)
        assert answer.headers["x-mockdock-hint"] == "the nearest deployment is 'chat'"


def test_without_declared_deployments_there_is_no_hint() -> None:
    """Where a model is unknown, no deployment is misspelt."""
    answer = post(app_of(models=["gpt-4o"]), "/openai/v1/chat/completions", BODY)
    assert answer.status == 404
    assert "x-mockdock-hint" not in answer.headers
