"""The body of a call is read once, whatever of it decides who parses it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from mockdock.dialects import Call, Dialect
from mockdock.dialects.azure import azure
from mockdock.dialects.langdb import langdb
from mockdock.dialects.langdock import langdock
from mockdock.dialects.openai import openai
from mockdock.gateways import Azure, Gateways, LangDB, Langdock, VirtualModel
from mockdock.request import Request

CHAT = {"model": "mine", "messages": [{"role": "user", "content": "Hello"}]}
BODIES = {
    "chat": CHAT,
    "completions": {"model": "mine", "prompt": "Hello"},
    "embeddings": {"model": "mine", "input": "Hello"},
}
DEPLOYED = Gateways(Azure({"mine": "gpt-4o"}))
VIRTUAL = Gateways(langdb=LangDB(virtual_models={"mine": VirtualModel("gpt-4o")}))
STRICT = Gateways(langdock=Langdock(unsupported="reject"))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Collect every JSON text that is read."""
    read: list[bytes] = []
    loads: Callable[[Any], Any] = orjson.loads

    def load(data: bytes) -> Any:
        read.append(data)
        return loads(data)

    monkeypatch.setattr(orjson, "loads", load)
    return read


@pytest.mark.parametrize(
    ("dialect", "path", "operation", "gateways"),
    [
        *((openai, f"/v1/{name}", name, Gateways()) for name in BODIES),
        *((azure, f"/openai/v1/{name}", name, Gateways()) for name in BODIES),
        *((azure, f"/openai/v1/{name}", name, DEPLOYED) for name in BODIES),
        (langdock, "/openai/eu/v1/chat/completions", "chat", Gateways()),
        (langdock, "/openai/eu/v1/chat/completions", "chat", STRICT),
        *((langdb, f"/v1/{name}", name, Gateways()) for name in ("chat", "embeddings")),
        (langdb, "/v1/chat/completions", "chat", VIRTUAL),
    ],
)
def test_a_body_is_read_once(
    dialect: Dialect, path: str, operation: str, gateways: Gateways, counted: list[bytes]
) -> None:
    body = json.dumps(BODIES[operation]).encode()
    headers = {"content-type": "application/json", "x-project-id": "p"}
    call = Call(operation, "POST", path, headers, {}, body, "", gateways=gateways)
    parsed = dialect.parse(call)
    assert isinstance(parsed, Request), parsed
    assert parsed.body == BODIES[operation]
    assert counted == [body]
