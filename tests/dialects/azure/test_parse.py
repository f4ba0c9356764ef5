"""Deployments stand for models, and what an api-version is needed for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockdock.dialects.azure.parse import parse
from mockdock.dialects.base import Call
from mockdock.gateways import Azure, Gateways
from mockdock.reply import Failure
from mockdock.request import Request, Traits

HELLO = {"messages": [{"role": "user", "content": "Hello"}]}
CHAT = "/openai/deployments/{}/chat/completions"
DATED = (("api-version", "2024-10-21"),)
DEPLOYED = Gateways(Azure({"chat": "gpt-4o", "small": "gpt-4o-mini"}))


def call(deployment: str | None, body: Any = HELLO, **more: Any) -> Call:
    """Make a call to a deployment; without one its name is in the body."""
    usual: dict[str, Any] = {
        "operation": "chat",
        "method": "POST",
        "path": "/openai/v1/chat/completions" if deployment is None else CHAT.format(deployment),
        "headers": {"content-type": "application/json"},
        "params": {} if deployment is None else {"deployment": deployment},
        "body": body if isinstance(body, bytes) else json.dumps(body).encode(),
        "base_url": "http://localhost",
        "query": () if deployment is None else DATED,
        "dialect": "azure",
        "traits": lambda model: None if model == "gpt-9" else Traits(family=model),
    }
    return Call(**{**usual, **more})


def parsed(call: Call) -> Request:
    """Parse what is valid."""
    request = parse(call)
    assert isinstance(request, Request), request
    return request


def refused(call: Call) -> Failure:
    """Parse what is not."""
    failure = parse(call)
    assert isinstance(failure, Failure), failure
    return failure


@pytest.mark.parametrize(
    ("gateways", "deployment", "model"),
    [
        (Gateways(), "gpt-4o", "gpt-4o"),
        (DEPLOYED, "chat", "gpt-4o"),
        (DEPLOYED, "small", "gpt-4o-mini"),
    ],
)
def test_a_deployment_stands_for_its_model_or_for_its_name(
    gateways: Gateways, deployment: str, model: str
) -> None:
    """Whatever the model of the body is called, where the path names a deployment."""
    for name in ({}, {"model": deployment}, {"model": "else"}):
        request = parsed(call(deployment, {**HELLO, **name}, gateways=gateways))
        assert (request.model, request.deployment) == (model, deployment)
    newer = parsed(call(None, {**HELLO, "model": deployment}, gateways=gateways))
    assert (newer.model, newer.deployment, newer.version) == (model, deployment, "")
    assert newer.dialect == "azure"


def test_the_body_stays_as_it_was_sent() -> None:
    request = parsed(call("chat", {**HELLO, "model": "chat"}, gateways=DEPLOYED))
    assert request.body["model"] == json.loads(request.raw)["model"] == "chat"
    assert "model" not in parsed(call("chat", gateways=DEPLOYED)).body


@pytest.mark.parametrize("deployment", ["nightly", "gpt-4o", ""])
def test_what_is_not_deployed_is_refused_even_as_a_model(deployment: str) -> None:
    """Before its body is read."""
    for body in (HELLO, b"{"):
        failure = refused(call(deployment, body, gateways=DEPLOYED))
        assert (failure.kind, failure.model) == ("model_not_found", deployment)


def test_lenient_validation_invents_a_deployment() -> None:
    request = parsed(call("nightly", {"top_k": 1}, gateways=DEPLOYED, lenient=True))
    assert (request.model, request.deployment) == ("nightly", "nightly")


def test_a_deployment_of_a_model_that_is_not_served_does_not_exist() -> None:
    gateways = Gateways(Azure({"chat": "gpt-9"}))
    assert refused(call("chat", gateways=gateways)).kind == "model_not_found"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (HELLO, "you must provide a model parameter"),
        ({**HELLO, "model": ""}, "you must provide a model parameter"),
        ({**HELLO, "model": 7}, "Invalid type for 'model'"),
        (b"[]", "We could not parse the JSON body"),
        ({"model": "gpt-4o"}, "Missing required parameter: 'messages'."),
    ],
)
def test_without_a_deployment_in_the_path_openais_rules_hold(body: Any, told: str) -> None:
    assert str(refused(call(None, body)).message).startswith(told)


def test_a_body_for_a_deployment_is_checked_as_openais() -> None:
    failure = refused(call("gpt-4o", {**HELLO, "temperature": 2.1}))
    assert (failure.param, failure.model) == ("temperature", "gpt-4o")


@pytest.mark.parametrize("query", [(), (("api-version", ""),), (("version", "2024-10-21"),)])
def test_a_dated_path_without_its_version_is_nowhere(query: tuple[tuple[str, str], ...]) -> None:
    for missing in (
        call("gpt-4o", query=query),
        call(None, operation="models.list", path="/openai/models", query=query),
    ):
        failure = refused(missing)
        assert failure.kind == "unknown_url"
        assert failure.headers == {"x-mockdock-warning": "the query lacks api-version"}


def test_the_version_is_kept() -> None:
    assert parsed(call("gpt-4o")).version == "2024-10-21"
    preview = (("api-version", "preview"),)
    assert parsed(call(None, {**HELLO, "model": "gpt-4o"}, query=preview)).version == "preview"


@pytest.mark.parametrize("base", ["/openai", "/openai/v1"])
def test_models_are_asked_for_under_both_paths(base: str) -> None:
    query = DATED if base == "/openai" else ()
    every = parsed(call(None, operation="models.list", path=f"{base}/models", query=query))
    one = parsed(
        call(
            None,
            operation="models.retrieve",
            path=f"{base}/models/gpt-4o",
            params={"model": "gpt-4o"},
            query=query,
        )
    )
    assert (every.api, one.api, one.model, one.deployment) == ("models", "models", "gpt-4o", "")


def test_completions_are_made_by_deployments_too() -> None:
    gateways = Gateways(Azure({"texts": "gpt-3.5-turbo-instruct"}))
    newer = "/openai/v1/completions"
    for body in ({"prompt": "Hi", "model": "texts"}, {"prompt": "Hi"}):
        request = parsed(call("texts", body, operation="completions", gateways=gateways))
        assert (request.api, request.deployment) == ("completions", "texts")
        assert (request.model, request.body) == ("gpt-3.5-turbo-instruct", body)
    named = call(
        None,
        {"prompt": "Hi", "model": "texts"},
        operation="completions",
        gateways=gateways,
        path=newer,
    )
    assert (parsed(named).deployment, parsed(named).model) == ("texts", "gpt-3.5-turbo-instruct")
    lenient = call("texts", {}, operation="completions", gateways=gateways, lenient=True)
    assert parsed(lenient).model == "gpt-3.5-turbo-instruct"
    wrong = call("texts", {"prompt": 7}, operation="completions", gateways=gateways)
    assert (refused(wrong).param, refused(wrong).model) == ("prompt", "gpt-3.5-turbo-instruct")
    nameless = call(None, {"prompt": "Hi"}, operation="completions", path=newer)
    assert refused(nameless).message == "you must provide a model parameter"


def test_embeddings_are_made_by_deployments_too() -> None:
    gateways = Gateways(Azure({"vectors": "text-embedding-3-small"}))
    body = {"input": "Hi", "model": "vectors"}
    newer = "/openai/v1/embeddings"
    for asked in (
        call("vectors", body, operation="embeddings", gateways=gateways),
        call(None, body, operation="embeddings", gateways=gateways, path=newer),
    ):
        request = parsed(asked)
        assert (request.api, request.deployment) == ("embeddings", "vectors")
        assert request.model == "text-embedding-3-small"
    named = {"input": "Hi", "model": "text-embedding-3-small"}
    wrong = call(None, named, operation="embeddings", gateways=gateways, path=newer)
    assert refused(wrong).kind == "model_not_found"
