"""A control API without a socket, and ways to ask it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from mockdock.app import App
from mockdock.delivery import ManualClock
from mockdock.engine import Engine
from mockdock.local.verbs import LocalVerbs
from mockdock.observe.control.app import control_app
from mockdock.scenario import load

NEAR = ("127.0.0.1", 50000)
HERE = ("127.0.0.1", 8080)
HELLO: Mapping[str, Any] = {"mockdock": 1, "rules": [{"name": "hello", "reply": "hello"}]}


@dataclass(frozen=True)
class Answer:
    """What the control API answered."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.raw)

    @property
    def error(self) -> Any:
        """The error; it has the one shape that errors have."""
        error = self.json["error"]
        assert self.json.keys() == {"error"}
        assert error.keys() == {"status", "kind", "message", "problems"}
        assert error["status"] == self.status
        return error


class Control:
    """A control API over ASGI, mounted as a server mounts it."""

    def __init__(self, token: str | None = None, clock: ManualClock | None = None) -> None:
        self.app = App(Engine(load(HELLO).scenario), clock=clock or ManualClock())
        self.verbs = LocalVerbs(self.app, lambda: "", files=False, secrets=False)
        self.app.mount("/__mockdock", control_app(self.verbs, token))

    def ask(
        self,
        method: str,
        path: str,
        body: object = b"",
        *,
        query: bytes = b"",
        headers: Iterable[tuple[str, str]] = (("host", "127.0.0.1:8080"),),
        client: tuple[str, int] | None = NEAR,
        server: tuple[str, int | None] | None = HERE,
        chunk: int = 1 << 20,
        stays: bool = False,
    ) -> Answer:
        """Send one request; a body that is not bytes is sent as JSON.

        The client hangs up behind it, unless it ``stays``.
        """
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        scope = {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": f"/__mockdock{path}",
            "query_string": query,
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
            "client": client,
            "server": server,
        }
        return asyncio.run(self._ask(scope, raw, chunk, stays=stays))

    async def _ask(self, scope: dict[str, Any], raw: bytes, chunk: int, *, stays: bool) -> Answer:
        parts = [raw[at : at + chunk] for at in range(0, len(raw), chunk)] or [b""]
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            if not parts:
                if stays:
                    await asyncio.Event().wait()
                return {"type": "http.disconnect"}
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        head = {k.decode().lower(): v.decode() for k, v in sent[0]["headers"]}
        return Answer(sent[0]["status"], head, b"".join(one.get("body", b"") for one in sent[1:]))
