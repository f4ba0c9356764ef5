"""What the tests of exchanges share: exchanges in a few words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import httpx2

from mockdock.frames import Head, Outcome
from mockdock.observe import Entry, Exchange, Kept
from mockdock.reply import Completion, Usage
from mockdock.request import Request

__all__ = ["ANSWER", "exchange", "kept_here", "unchecked"]

ANSWER = Completion("x" * 29, 0, "gpt-4o-2024-08-06", (), Usage(12, 34, 46))


def exchange(session: str = "", **fields: Any) -> Exchange:
    """Make an exchange that went well, but for what is given."""
    given: dict[str, Any] = {
        "method": "POST",
        "path": "/v1/chat/completions",
        "headers": {},
        "body": b"",
        "asked": Request("openai", "chat", "gpt-4o"),
        "reply": ANSWER,
        "rule": "greet",
        "rule_key": "greet",
        "attempt": 1,
        "head": Head(200, ()),
        "outcome": Outcome("completed", 1, 100),
        "started": 1_700_000_000.0,
        "duration": 0.0,
        "told": lambda _: iter(()),
    }
    return Exchange(session=session, **{**given, **fields})


def kept_here(kept: Iterable[Kept]) -> list[Entry]:
    """Give what this process keeps itself, with all there is to know of it."""
    found = []
    for each in kept:
        assert isinstance(each, Entry)
        found.append(each)
    return found


def unchecked(app: Any, body: Any, path: str = "/v1/chat/completions") -> httpx2.Response:
    """Send a request, and give what came back, be it broken as it may."""

    async def send() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://t") as client:
            return await client.post(path, json=body)

    return asyncio.run(send())
