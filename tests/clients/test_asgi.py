"""A dock without a socket, through the transport of httpx, which openai 2 uses."""

from __future__ import annotations

import asyncio
import json

import httpx

from mockdock import MockDock

_BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi!"}]}


def test_httpx_asks_a_dock_without_a_socket() -> None:
    async def main(dock: MockDock) -> None:
        transport = httpx.ASGITransport(app=dock.asgi)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://mockdock/v1", headers=dock.headers
        ) as client:
            answer = await client.post("/chat/completions", json=_BODY)
            assert answer.json()["choices"][0]["message"]["content"] == "Hello!"
            lines = []
            async with client.stream(
                "POST", "/chat/completions", json={**_BODY, "stream": True}
            ) as response:
                lines = [line async for line in response.aiter_lines() if line]
        assert lines[-1] == "data: [DONE]"
        deltas = [json.loads(line[6:])["choices"][0]["delta"] for line in lines[:-1]]
        assert "".join(delta.get("content") or "" for delta in deltas) == "Hello!"

    with MockDock() as dock:
        rule = dock.reply("Hello!")
        asyncio.run(main(dock))
        assert rule.count == 2
