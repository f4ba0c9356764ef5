"""The environment that leads clients to a mock server."""

from __future__ import annotations

import subprocess
import sys

import pytest
from openai import AzureOpenAI, OpenAI

import mockdock.testing
from mockdock.testing import environment

URL = "http://127.0.0.1:8080"
KEY = "sk-mockdock-1"


def test_clients_of_openai_are_led_to_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(URL, KEY).items():
        monkeypatch.setenv(name, value)
    with OpenAI() as client:
        assert (str(client.base_url), client.api_key) == (f"{URL}/v1/", KEY)
    with AzureOpenAI(api_version="2024-10-21") as azure:
        assert str(azure.base_url).startswith(URL)
        assert azure.api_key == KEY


def test_every_variable_has_the_address_or_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    found = environment(URL, KEY)
    local = "127.0.0.1,localhost,::1"
    assert found.pop("NO_PROXY") == found.pop("no_proxy") == local
    assert {name for name, value in found.items() if value == KEY} == {
        "AZURE_OPENAI_API_KEY",
        "LANGDB_API_KEY",
        "LANGDOCK_API_KEY",
        "OPENAI_API_KEY",
    }
    assert {name: value for name, value in found.items() if value != KEY} == {
        "AZURE_OPENAI_ENDPOINT": URL,
        "LANGDB_API_BASE_URL": URL,
        "LANGDB_PROJECT_ID": "mockdock",
        "MOCKDOCK_URL": URL,
        "OPENAI_API_BASE": f"{URL}/v1",
        "OPENAI_BASE_URL": f"{URL}/v1",
    }


def test_no_proxy_comes_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "example.com, localhost")
    monkeypatch.setenv("no_proxy", "example.org")
    assert environment(URL, KEY)["NO_PROXY"] == "example.com,localhost,example.org,127.0.0.1,::1"


def test_the_names_of_the_room_are_imported_when_they_are_asked_for() -> None:
    for name in mockdock.testing.__all__:
        assert getattr(mockdock.testing, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'Dock'"):
        _ = mockdock.testing.Dock
    code = (
        "import mockdock, mockdock.testing, sys; "
        "print({'starlette', 'uvicorn', 'tiktoken', 'faker', 'pydantic', 'anyio'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_project_is_that_of_the_scenario() -> None:
    assert environment(URL, KEY, "demo")["LANGDB_PROJECT_ID"] == "demo"
