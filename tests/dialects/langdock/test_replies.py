"""Whole bodies against the golden files, and the forms that a scenario may choose."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockdock import resources
from tests.conformance.adapters import normalised
from tests.conformance.asgi import app_of
from tests.conformance.cases import CHATS, ERRORS, Case
from tests.dialects.langdock.talk import CHAT, chat, exchange, golden, hello

AS_AZURE: dict[str, Any] = {"langdock": {"replies": "azure"}}


@pytest.mark.parametrize("case", CHATS, ids=lambda case: case.golden)
def test_a_completion_is_the_golden_file(case: Case) -> None:
    """Also where a case sends what is not supported: its file is that of a request without."""
    stream = {"stream": True} if case.stream else {}
    answer = chat(app_of({"reply": case.reply}), {**case.body, **stream})
    assert answer.status == 200
    wanted = "text/event-stream; charset=utf-8" if case.stream else "application/json"
    assert answer.headers["content-type"] == wanted
    assert normalised(answer.body) == normalised(golden(case.golden))


@pytest.mark.parametrize("case", ERRORS, ids=lambda case: case.golden)
def test_a_scripted_error_is_the_golden_file(case: Case) -> None:
    answer = chat(app_of({"reply": case.reply}), {**case.body, "stream": True})
    assert answer.status == case.status
    assert answer.body == golden(case.golden)


def test_no_reply_tells_of_a_tier_even_where_its_text_does() -> None:
    """Only the key goes; what looks like it inside of a text stays."""
    said = '{"service_tier":"default","id":1}, and\n  "service_tier": "default",\n'
    for stream in (False, True):
        app = app_of({"reply": said, "when": {"stream": stream}})
        answer = chat(app, hello(stream=stream))
        if stream:
            told = answer.events()
            text = "".join(event["choices"][0]["delta"].get("content", "") for event in told)
            assert not any("service_tier" in event for event in told)
        else:
            text = answer.json()["choices"][0]["message"]["content"]
            assert "service_tier" not in answer.json()
        assert text == said


def test_replies_of_azures_form_are_those_of_azure() -> None:
    """With its filter results and its order of keys, by its golden files."""
    azure = resources.fixtures() / "azure"
    for name, body in (("plain.json", {}), ("stream.sse", {"stream": True})):
        case = next(each for each in CHATS if each.golden == name)
        app = app_of({"reply": case.reply}, **AS_AZURE)
        answer = exchange(app, "POST", CHAT, json.dumps({**case.body, **body}).encode(), {}).body
        assert b'"prompt_filter_results":' in answer
        assert normalised(answer) == normalised((azure / name).read_bytes())


def test_the_forms_of_errors_and_of_models_are_langdocks_whatever_replies_are() -> None:
    app = app_of({"reply": {"error": 500}}, **AS_AZURE)
    assert chat(app, hello()).body == golden("errors/server-error.json")
