"""Where Langdock is: its paths, those of others beside them, and who refuses what."""

from __future__ import annotations

import pytest
from starlette.routing import compile_path

from mockdock.dialects import DIALECTS
from mockdock.dialects.langdock import langdock
from tests.conformance.asgi import app_of
from tests.dialects.langdock.talk import chat, golden, hello, message, send

BASES = [f"{prefix}/openai/{each}/v1" for prefix in ("", "/api/public") for each in ("eu", "us")]


@pytest.mark.parametrize("base", BASES)
def test_both_regions_answer_on_both_kinds_of_deployment(base: str) -> None:
    app = app_of({"when": {"dialect": "langdock"}, "reply": "Hallo!"}, otherwise="fail")
    answer = chat(app, hello(), f"{base}/chat/completions")
    assert answer.json()["choices"][0]["message"]["content"] == "Hallo!"
    assert send(app, "GET", f"{base}/models").json()["object"] == "list"


def test_there_are_no_other_routes() -> None:
    assert {(each.method, each.path) for each in langdock.routes} == {
        (method, f"{base}{path}")
        for base in BASES
        for method, path in (
            ("POST", "/chat/completions"),
            ("POST", "/embeddings"),
            ("GET", "/models"),
        )
    }


def test_no_path_of_langdock_is_one_of_another_dialect() -> None:
    """All of its paths are literal, so it is enough that no other pattern matches one."""
    assert not any("{" in each.path for each in langdock.routes)
    others = {route.path for each in DIALECTS if each is not langdock for route in each.routes}
    for pattern in others:
        regex, _, _ = compile_path(pattern)
        assert not [each.path for each in langdock.routes if regex.match(each.path)], pattern


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/openai/fr/v1/chat/completions", "langdock"),
        ("/openai/fr/v1/models", "langdock"),
        ("/openai/EU/v1/embeddings", "langdock"),
        ("/openai/eu/v1/responses", "langdock"),
        ("/openai/us/chat/completions", "langdock"),
        ("/api/public/openai/fr/v1/models", "langdock"),
        ("/api/public/", "langdock"),
        ("/openai/deployments/v1/nothing", "azure"),
        ("/openai/deployments/x/chat", "azure"),
        ("/openai/v1/nothing", "azure"),
        ("/openai/v1/v1/models", "azure"),
        ("/openai/models", "azure"),
        ("/openai/fr/chat/completions", "azure"),
        ("/v1/nothing", "openai"),
        ("/openai", "openai"),
        ("", "openai"),
    ],
)
def test_a_path_that_does_not_exist_has_one_dialect_to_refuse_it(path: str, name: str) -> None:
    """A named segment counts before any; of equals there are none but at the root."""
    nearest = max(DIALECTS, key=lambda each: each.nearness(path)).nearness(path)
    near = [each.name for each in DIALECTS if each.nearness(path) == nearest]
    assert near[0] == name
    assert len(near) == 1 or name == "openai"


def test_a_deployment_of_azure_may_be_called_v1() -> None:
    """Its path would be Langdock's, were "deployments" a region."""
    path = "/openai/deployments/v1/chat/completions"
    owners = [
        each.name
        for each in DIALECTS
        for route in each.routes
        if compile_path(route.path)[0].match(path)
    ]
    assert owners == ["azure"]


@pytest.mark.parametrize("prefix", ["", "/api/public"])
def test_another_region_is_refused_and_told_a_right_one(prefix: str) -> None:
    answer = chat(app_of(), hello(), f"{prefix}/openai/fr/v1/chat/completions")
    assert answer.status == 400
    assert answer.body == golden("errors/unknown-region.json")
    assert answer.headers["x-mockdock-base-url"] == f"http://localhost:1234{prefix}/openai/eu/v1"


def test_a_region_of_any_length_is_refused_briefly() -> None:
    answer = chat(app_of(), hello(), f"/openai/{'x' * 9999}/v1/models")
    assert message(answer) == f"Invalid region '{'x' * 200}...': there are 'eu' and 'us'."


def test_a_path_without_v1_is_told_the_base_url() -> None:
    answer = chat(app_of(), hello(), "/openai/eu/chat/completions")
    assert answer.status == 404
    assert answer.headers["x-mockdock-base-url"] == "http://localhost:1234/openai/eu/v1"
    assert message(answer) == (
        "Not found: POST /openai/eu/chat/completions. Paths begin with /openai/eu/v1 or "
        "/openai/us/v1."
    )


def test_a_path_below_v1_that_there_is_not_is_refused() -> None:
    answer = chat(app_of(), hello(), "/openai/eu/v1/chat/completions/chat/completions")
    assert answer.status == 404
    assert answer.body == golden("errors/unknown-path.json")


def test_the_path_the_ai_sdk_posts_to_by_itself_is_told_what_to_write() -> None:
    answer = chat(app_of(), hello(), "/openai/eu/v1/responses")
    assert answer.status == 404
    assert message(answer) == (
        "Not found: POST /openai/eu/v1/responses. This API has chat completions: with the "
        "Vercel AI SDK, write .chat(model)."
    )


def test_a_wrong_method_is_told_the_right_one() -> None:
    answer = send(app_of(), "PUT", "/openai/eu/v1/chat/completions")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert answer.body == golden("errors/wrong-method.json")
    assert send(app_of(), "HEAD", "/openai/eu/v1/models").status == 200
