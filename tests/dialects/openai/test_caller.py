"""Who asks reaches the request, whatever is asked; base URLs fit the routes."""

from __future__ import annotations

from typing import Any

import pytest

from mockdock.dialects import DIALECTS, Dialect
from mockdock.dialects.openai import openai
from mockdock.dialects.openai.parse import parse
from mockdock.request import Caller, Request
from tests.dialects.openai.calls import call, small


@pytest.mark.parametrize(
    ("body", "more"),
    [
        (small(), {}),
        (small(n=0), {"lenient": True}),
        (b"", {"operation": "models.list"}),
        (b"", {"operation": "models.retrieve", "params": {"model": "m"}}),
    ],
    ids=["chat", "lenient chat", "models", "model"],
)
def test_the_caller_of_a_call_is_the_caller_of_its_request(body: Any, more: dict[str, Any]) -> None:
    who = Caller("key", "session", 2)
    request = parse(call(body, caller=who, **more))
    assert isinstance(request, Request)
    assert request.caller == who


def test_openais_base_url_ends_with_v1() -> None:
    assert openai.base_path == "/v1"


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_routes_lie_below_the_base_path(dialect: Dialect) -> None:
    """All but those that a provider has in more than one place."""
    assert any(route.path.startswith(f"{dialect.base_path}/") for route in dialect.routes)


@pytest.mark.parametrize(
    ("authorization", "key"),
    [
        ("Basic OnNrLWFiYw==", "sk-abc"),
        ("basic  OnNrLWFiYw== ", "sk-abc"),
        ("Basic bWU6c2s6YWJj", "sk:abc"),
        ("Basic bWU=", ""),
        ("Basic !", ""),
        ("Basic", ""),
        ("Basic //79", ""),
        ("Basic é", ""),
        ("Digest sk-abc", ""),
        ("Token sk-abc", ""),
        ("sk-abc", ""),
    ],
)
def test_a_key_may_be_a_password_and_nothing_else(authorization: str, key: str) -> None:
    """A browser sends it so; what is no credential at all is as good as none."""
    assert openai.caller({"authorization": authorization}).key == key
