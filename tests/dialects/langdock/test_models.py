"""The models of a workspace: those of a document, or its own."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.content.catalogue import load
from mockdock.content.presets import langdock_models, with_langdock_names
from mockdock.errors import ScenarioError
from tests.conformance.asgi import app_of, ask, post
from tests.dialects.langdock.talk import MODELS, chat, hello, message, send

# As the documents name them, in their order; the third names none but in its examples and schema.
DOCUMENTS = {
    "chat-2024": ["gpt-4o", "gpt-4o-mini", "gpt-4", "gpt-35-turbo"],
    "chat-de": [
        *("gpt-4.1", "gpt-4.1 nano", "o4-mini", "o3-mini", "o1-preview"),
        *("gpt-4o", "gpt-4o-mini", "gpt-35-turbo"),
    ],
    "chat-openapi": ["gpt-5-mini", "gpt-4o", "gpt-4o-mini", "gpt-4", "gpt-3.5-turbo"],
}


def listed(**settings: Any) -> list[str]:
    told = send(app_of(**settings), "GET", MODELS).json()
    assert list(told) == ["object", "data"]
    for each in told["data"]:
        assert list(each) == ["id", "object", "created", "owned_by"]
        assert each["object"] == "model"
        assert 1_600_000_000 < each["created"] < 2_000_000_000, "in seconds"
    return [each["id"] for each in told["data"]]


@pytest.mark.parametrize("preset", DOCUMENTS)
def test_a_preset_lists_the_models_of_its_document_and_there_are_no_others(preset: str) -> None:
    assert listed(langdock={"models": preset}) == DOCUMENTS[preset]
    app = app_of({"reply": "Hi"}, langdock={"models": preset})
    for name in DOCUMENTS[preset]:
        assert chat(app, hello(name)).status == 200
    refused = chat(app, hello("gpt-5.6-sol"))
    assert refused.status == 404
    assert message(refused) == (
        "The model `gpt-5.6-sol` does not exist or you do not have access to it."
    )


def test_without_a_word_the_newest_is_listed_and_any_name_accepted() -> None:
    assert listed() == DOCUMENTS["chat-openapi"]
    app = app_of({"reply": "Hi"})
    for name in ("gpt-4.1 nano", "gpt-35-turbo", "gpt-4.1", "whatever"):
        assert chat(app, hello(name)).status == 200


def test_keys_of_ones_own_bring_ones_own_models() -> None:
    mine: dict[str, Any] = {"models": ["gpt-4o", {"id": "my-model", "owned_by": "acme"}]}
    assert listed(**mine) == ["gpt-4o", "my-model"]
    assert chat(app_of({"reply": "Hi"}, **mine), hello("gpt-4o-mini")).status == 404


def test_a_preset_is_langdocks_alone_where_the_scenario_has_models_too() -> None:
    settings: dict[str, Any] = {"models": ["my-model"], "langdock": {"models": "chat-2024"}}
    assert listed(**settings) == DOCUMENTS["chat-2024"]
    app = app_of({"reply": "Hi"}, **settings)
    assert [each["id"] for each in ask(app, "GET", "/v1/models").json()["data"]] == ["my-model"]
    assert post(app, "/v1/chat/completions", hello("my-model")).status == 200
    assert post(app, "/v1/chat/completions", hello("gpt-4o")).status == 404
    assert chat(app, hello("gpt-4o")).status == 200
    assert chat(app, hello("my-model")).status == 404


@pytest.mark.parametrize(
    ("name", "base", "answers"),
    [
        ("gpt-35-turbo", "gpt-3.5-turbo", "gpt-35-turbo"),
        ("gpt-4.1 nano", "gpt-4.1-nano", "gpt-4.1-nano-2025-04-14"),
    ],
)
@pytest.mark.parametrize("settings", [{}, {"langdock": {"models": "chat-de"}}], ids=["", "de"])
def test_a_name_of_langdocks_own_has_the_facts_of_its_model(
    name: str, base: str, answers: str, settings: dict[str, Any]
) -> None:
    known = load().resolve(base)
    for catalogue in (langdock_models("chat-de"), with_langdock_names()):
        found = catalogue.resolve(name)
        assert (found.id, found.snapshot) == (name, answers)
        assert found.prices == known.prices is not None
        assert found.context_window == known.context_window
        assert found.traits.family.startswith(base)
        assert found.traits.max_output_tokens == known.traits.max_output_tokens
    reply = chat(app_of({"reply": "Hi"}, **settings), hello(name)).json()
    assert reply["model"] == answers


def test_other_dialects_list_what_they_did() -> None:
    every = ask(app_of(langdock={"models": "chat-de"}), "GET", "/v1/models").json()["data"]
    assert [each["id"] for each in every] == [each.id for each in load().all()]


def test_one_model_alone_is_not_shown_as_no_document_has_such_a_path() -> None:
    assert send(app_of(), "GET", f"{MODELS}/gpt-4o").status == 404


def test_a_rule_may_refuse_the_list() -> None:
    rule = {"when": {"api": "models", "dialect": "langdock"}, "reply": {"error": 500}}
    app = app_of(rule)
    assert send(app, "GET", MODELS).status == 500
    assert ask(app, "GET", "/v1/models").status == 200


def test_an_unknown_preset_is_told_the_known_ones() -> None:
    with pytest.raises(ScenarioError, match="chat-openapi"):
        app_of(langdock={"models": "chat-2025"})
