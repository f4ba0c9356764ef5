"""The ASGI application: Starlette routes to one plain endpoint per path."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import parse_qsl, quote
from uuid import uuid4

from starlette.applications import Starlette
from starlette.routing import Route

from mockdock.delivery import Clock, ScaledClock, deliver, schedule
from mockdock.dialects import DIALECTS, Call, Dialect, Envelope
from mockdock.engine import Decision, Engine
from mockdock.frames import Frame, Head, Outcome
from mockdock.observe import Exchange, Observer
from mockdock.reply import Completion, Failure, Reply
from mockdock.request import Caller, Request

__all__ = ["MAX_BODY", "App"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_Timed = Iterator[tuple[float, Frame]]

MAX_BODY = 32 * 1024 * 1024
"""Default limit for a request body, in bytes; images travel in bodies."""

_DIGITS = 18
"""A longer content-length is above any limit, and maybe more than int() takes."""

_LONGEST_HEADER = 1000

_log = logging.getLogger("mockdock")


class App:
    """A mock server as an ASGI application.

    ``engine`` may be replaced while serving: requests under way finish with
    the old one. ``max_body`` is in bytes.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Clock | None = None,
        observers: Sequence[Observer] = (),
        max_body: int = MAX_BODY,
    ) -> None:
        self.engine = engine
        self.clock: Clock = ScaledClock() if clock is None else clock
        self.observers = tuple(observers)
        self.max_body = max_body
        self._starlette = Starlette(routes=list(self._routes()))
        self._starlette.router.redirect_slashes = False
        self._starlette.router.default = _Endpoint(self, DIALECTS[0], {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        await self._starlette(scope, receive, send)

    async def turn_away(self, send: Send) -> None:
        """Answer a request that cannot be served any more, in the provider's words."""
        endpoint = _Endpoint(self, DIALECTS[0], {})
        failure = Failure("overloaded", headers={"connection": "close"})
        await endpoint.refuse(failure, send)

    def _routes(self) -> Iterator[Route]:
        for dialect in DIALECTS:
            operations: dict[str, dict[str, str]] = defaultdict(dict)
            for route in dialect.routes:
                operations[route.path][route.method] = route.operation
            for path, by_method in operations.items():
                yield Route(path, _Endpoint(self, dialect, by_method))


class _GoneError(Exception):
    """The client left before its body was complete."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """A reply, with what is known of its request."""

    caller: Caller
    request: Request | None
    reply: Reply
    request_id: str
    decision: Decision | None = None


class _Endpoint:
    """Answers one path of a dialect; without operations, paths that do not exist."""

    def __init__(self, app: App, dialect: Dialect, operations: Mapping[str, str]) -> None:
        self._app = app
        self._dialect = dialect
        self._operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        clock = self._app.clock
        arrived, started = clock.now(), clock.time()
        try:
            answer = await self._answer(scope, receive, started)
            head, timed = self._render(answer, arrived)
        except _GoneError:
            return
        except Exception:  # noqa: BLE001 - the last line before a client sees a trace
            # A defect of ours: the client gets an error it will not retry, the log the trace.
            _log.exception("mockdock failed to answer %s %s", scope["method"], scope["path"])
            answer = _refusal(_DEFECT, Caller())
            head, timed = self._render(answer, arrived)

        def record(outcome: Outcome) -> None:
            exchange = _exchange(scope, answer, head, outcome, started, clock.now() - arrived)
            for observer in self._app.observers:
                _show(exchange, observer)

        await deliver(head, timed, clock=clock, receive=receive, send=send, record=record)

    async def refuse(self, failure: Failure, send: Send) -> None:
        """Send a refusal at once, whatever else goes on."""
        clock = ScaledClock(0)
        head, timed = self._render(_refusal(failure, Caller()), clock.now())
        await deliver(head, timed, clock=clock, receive=_nothing, send=send, record=lambda _: None)

    def _render(self, answer: _Answer, arrived: float) -> tuple[Head, _Timed]:
        """Make the head and the first frame; the frames after it are made as they leave."""
        frames = self._dialect.frames(answer.request, answer.reply)
        timed = schedule(frames, *_pace(answer), arrived)
        first = next(timed)
        processing = max(first[0], self._app.clock.now()) - arrived
        head = self._head(answer, processing, len(first[1].data))
        return head, chain((first,), timed)

    def _head(self, answer: _Answer, processing: float, length: int) -> Head:
        extra = {}
        if answer.decision is not None and answer.decision.rule is not None:
            extra["x-mockdock-rule"] = _header(answer.decision.rule)
        if isinstance(answer.reply, Completion) and answer.reply.warnings:
            extra["x-mockdock-warning"] = _header("; ".join(answer.reply.warnings))
        envelope = Envelope(
            request_id=answer.request_id,
            processing_ms=round(processing * 1000),
            length=length,
            extra=extra,
            time_scale=self._app.clock.scale,
        )
        return self._dialect.head(answer.request, answer.reply, envelope)

    async def _answer(self, scope: Scope, receive: Receive, started: float) -> _Answer:
        """Refuse what cannot be understood; decide and compose what can."""
        engine, dialect = self._app.engine, self._dialect
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        caller = dialect.caller(headers)
        refused = engine.authorize(caller)
        if refused is not None:
            return _refusal(refused, caller)
        method = scope["method"]
        operation = self._operations.get("GET" if method == "HEAD" else method, "")
        if not operation:
            call = _call(scope, headers, caller, operation, b"", engine)
            return _refusal(dialect.misroute(call, frozenset(self._operations)), caller)
        body = await _read(headers, receive, self._app.max_body)
        if body is None:
            return _refusal(dialect.oversize(self._app.max_body), caller)
        parsed = dialect.parse(_call(scope, headers, caller, operation, body, engine))
        if isinstance(parsed, Failure):
            return _refusal(parsed, caller)
        decision = engine.decide(parsed)
        reply = engine.compose(parsed, decision, int(started))
        seen = decision.context.seen
        request_id = decision.context.entropy.digest(f"request/{seen}").hex()[:32]
        engine.keep(parsed, reply, request_id)
        return _Answer(caller, parsed, reply, request_id, decision)


_DEFECT = Failure("server_error", message="mockdock failed, see its log", should_retry=False)


async def _nothing() -> MutableMapping[str, Any]:
    return {"type": "http.disconnect"}


def _header(name: str) -> str:
    """Write any name so that it fits into a header."""
    return quote(name.strip()[:_LONGEST_HEADER], safe=" /:,;()[]'!@#&*+=")


def _show(exchange: Exchange, observer: Observer) -> None:
    try:
        observer(exchange)
    except Exception:  # noqa: BLE001 - who looks on must not break what is looked at
        _log.exception("an observer failed")


def _refusal(failure: Failure, caller: Caller) -> _Answer:
    return _Answer(caller, None, failure, uuid4().hex)


def _pace(answer: _Answer) -> tuple[Any, Any]:
    """Give pacing and the generator it draws from; only completions have a pace."""
    reply, decision = answer.reply, answer.decision
    if not isinstance(reply, Completion) or reply.pacing is None or decision is None:
        return None, None
    context = decision.context
    return reply.pacing, context.entropy.rng(f"pacing/{context.seen}")


def _call(
    scope: Scope,
    headers: Mapping[str, str],
    caller: Caller,
    operation: str,
    body: bytes,
    engine: Engine,
) -> Call:
    host = headers.get("host") or ":".join(str(part) for part in scope.get("server") or ())
    return Call(
        operation=operation,
        method=scope["method"],
        path=scope["path"],
        headers=headers,
        params=scope.get("path_params", {}),
        body=body,
        base_url=f"{scope.get('scheme', 'http')}://{host}",
        caller=caller,
        query=tuple(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        lenient=engine.scenario.validation == "lenient",
        traits=engine.traits,
    )


async def _read(headers: Mapping[str, str], receive: Receive, limit: int) -> bytes | None:
    """Read the body, None when it is above ``limit`` bytes."""
    announced = headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > _DIGITS or int(announced) > limit):
        return None
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _GoneError
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
        more = message.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _exchange(
    scope: Scope, answer: _Answer, head: Head, outcome: Outcome, started: float, duration: float
) -> Exchange:
    decision = answer.decision
    return Exchange(
        method=scope["method"],
        path=scope["path"],
        session=answer.caller.session,
        request=answer.request,
        reply=answer.reply,
        rule=None if decision is None else decision.rule,
        attempt=1 if decision is None else decision.context.attempt,
        status=head.status,
        outcome=outcome,
        started=started,
        duration=duration,
    )
