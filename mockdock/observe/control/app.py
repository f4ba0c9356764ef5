"""The control API as an ASGI application: routes, guard, and one way to answer."""

from __future__ import annotations

import json
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from msgspec.structs import replace
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocketClose

from mockdock.errors import LedgerError, ScenarioError, StoreError, UsageError
from mockdock.observe.control.guard import Guard
from mockdock.observe.control.operation import Asked, Operation
from mockdock.observe.control.reading import check_path, understand
from mockdock.observe.control.refused import Refused, told
from mockdock.observe.control.routes import OPERATIONS
from mockdock.observe.verbs import Exposition, Verbs

__all__ = ["control_app"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_LONGEST_WAIT = 30.0
_SLICE = 0.2
"""Who waits asks again so often, in seconds: a server that stops need not wait for it longer."""
_WAITERS: RunVar[CapacityLimiter] = RunVar("mockdock.observe.control.waiters")
_MOST_WAITERS = 32
"""Threads for them, which they take in turn."""
_MOST_WAITING = 500
"""Who waits beyond these is refused: each takes its turn less often the more there are."""

_log = logging.getLogger("mockdock")


def control_app(verbs: Verbs, token: str | None = None) -> Starlette:
    """Make the control API of a server, to be mounted at ``/__mockdock``.

    Without a ``token`` only this machine may use it. Who waits for something gets
    what there is after 30 seconds, or when the server stops, which it tells by
    a callable ``mockdock.stopping`` in the scope. Raises UsageError for a
    token that cannot travel in a header.
    """
    guard, waiting = Guard(token), _Waiting()
    table: dict[str, dict[str, Operation]] = defaultdict(dict)
    for operation in OPERATIONS:
        table[operation.path][operation.method] = operation
    app = Starlette(
        routes=[
            Route(path.replace("{key}", "{key:path}"), _Endpoint(verbs, guard, waiting, methods))
            for path, methods in table.items()
        ]
    )
    app.router.redirect_slashes = False
    app.router.default = _Endpoint(verbs, guard, waiting, {})
    return app


class _Waiting:
    """Counts who waits, and refuses who would be one too many."""

    def __init__(self) -> None:
        self._count = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        if self._count >= _MOST_WAITING:
            message = f"{_MOST_WAITING} requests wait already; ask later, or without wait"
            raise Refused(503, "usage", message)
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1


class _Endpoint:
    """Answers one path; without operations, paths that do not exist."""

    def __init__(
        self, verbs: Verbs, guard: Guard, waiting: _Waiting, operations: Mapping[str, Operation]
    ) -> None:
        self._verbs = verbs
        self._guard = guard
        self._waiting = waiting
        self._operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await WebSocketClose()(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        except Refused as refused:
            response = _refusal(refused)
        except Exception:  # noqa: BLE001 - the last line before a client sees a trace
            _log.exception("the control API failed at %s %s", scope["method"], scope["path"])
            response = _refusal(Refused(500, "defect", "mockdock failed, see its log"))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        self._guard.check(request.scope)
        check_path(request.scope["path"])
        operation = self._operation(request)
        asked = await understand(operation, request)
        try:
            answer = await self._run(operation, asked, request)
        except ScenarioError as error:
            raise Refused(400, "scenario", told(error.problems, "\n"), error.problems) from None
        except UsageError as error:
            raise Refused(operation.unmet, "usage", str(error)) from None
        except StoreError as error:
            raise Refused(503, "store", str(error)) from None
        except LedgerError as error:
            raise Refused(500, "defect", str(error)) from None
        if isinstance(answer, BaseModel):
            return await to_thread.run_sync(_json, answer, operation.status)
        if isinstance(answer, Exposition):
            headers = {"content-type": answer.media_type, "vary": "accept"}
            return Response(answer.body, operation.status, headers)
        return Response(status_code=operation.status)

    def _operation(self, request: Request) -> Operation:
        if not self._operations:
            known = dict.fromkeys(each.path.removeprefix("/") for each in OPERATIONS)
            raise Refused(404, "request", f"no such resource; there are: {', '.join(known)}")
        method = "GET" if request.method == "HEAD" else request.method
        if method not in self._operations:
            heads = ["HEAD"] if "GET" in self._operations else []
            allowed = ", ".join(sorted([*self._operations, *heads]))
            message = f"{request.method} is not for this resource; there are: {allowed}"
            raise Refused(405, "request", message, headers={"allow": allowed})
        return self._operations[method]

    async def _run(self, operation: Operation, asked: Asked, request: Request) -> Any:
        """Do it in a thread; what waits has threads of its own, and lets go of them often."""
        if operation.done is None or not asked.wait:
            return await to_thread.run_sync(operation.run, self._verbs, asked)
        stopping: Callable[[], bool] = request.scope.get("mockdock.stopping", bool)
        end = time.monotonic() + min(asked.wait, _LONGEST_WAIT)
        with self._waiting.one():
            while True:
                left = max(0.0, end - time.monotonic())
                now = replace(asked, wait=min(left, _SLICE))
                run = to_thread.run_sync(operation.run, self._verbs, now, limiter=_waiters())
                answer = await run
                over = operation.done(answer) or not left or stopping()
                if over or await request.is_disconnected():
                    return answer


def _waiters() -> CapacityLimiter:
    try:
        return _WAITERS.get()
    except LookupError:
        limiter = CapacityLimiter(_MOST_WAITERS)
        _WAITERS.set(limiter)
        return limiter


def _json(body: BaseModel, status: int, headers: Mapping[str, str] | None = None) -> Response:
    content = json.dumps(body.model_dump(), separators=(",", ":"))
    return Response(content, status, headers, "application/json")


def _refusal(refused: Refused) -> Response:
    return _json(refused.body, refused.status, refused.headers)
