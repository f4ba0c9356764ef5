"""The ASGI application: Starlette routes to one plain endpoint per path."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from starlette.applications import Starlette
from starlette.routing import Mount, Route

from mockdock.arrival import GoneError, arrive, read
from mockdock.delivery import Client, Clock, ScaledClock, deliver, schedule
from mockdock.dialects import DIALECTS, Call, Dialect, Envelope
from mockdock.engine import Decision, Engine
from mockdock.errors import ConditionError
from mockdock.frames import Frame, Head, Outcome
from mockdock.observe import Exchange, Journal, Observer
from mockdock.reply import Completion, Failure, Reply
from mockdock.request import Request
from mockdock.sessions import Session, Sessions

__all__ = ["MAX_BODY", "App"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_Timed = Iterator[tuple[float, Frame]]

MAX_BODY = 32 * 1024 * 1024
"""Default limit for a request body, in bytes; images travel in bodies."""

_LONGEST_HEADER = 1000

_log = logging.getLogger("mockdock")


class App:
    """A mock server as an ASGI application.

    What serves a session may be replaced at any time: requests under way
    finish with what they began with. ``max_body`` is in bytes.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Clock | None = None,
        observers: Sequence[Observer] = (),
        journal: Journal | None = None,
        max_body: int = MAX_BODY,
    ) -> None:
        self.sessions = Sessions(Session(engine, ScaledClock() if clock is None else clock))
        self.journal = Journal() if journal is None else journal
        self.observers: tuple[Observer, ...] = (self.journal.append, *observers)
        self.max_body = max_body
        self._starlette = Starlette(routes=list(self._routes()))
        self._starlette.router.redirect_slashes = False
        self._starlette.router.default = _Endpoint(self, DIALECTS[0], {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        await self._starlette(scope, receive, send)

    @property
    def engine(self) -> Engine:
        """What answers where no session of its own was opened."""
        return self.sessions.base.engine

    @engine.setter
    def engine(self, engine: Engine) -> None:
        self.sessions.base = replace(self.sessions.base, engine=engine)

    def mount(self, path: str, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        """Let another application answer a path and everything below it."""
        below = Mount(path, app)
        below.path_regex = re.compile(below.path_regex.pattern, re.DOTALL)  # line breaks as well
        self._starlette.router.routes += [below, Route(path, app)]

    async def turn_away(self, send: Send) -> None:
        """Answer a request that cannot be served any more, in the provider's words."""
        endpoint = _Endpoint(self, DIALECTS[0], {})
        await endpoint.refuse(_STOPPED, send)

    def _routes(self) -> Iterator[Route]:
        for dialect in DIALECTS:
            operations: dict[str, dict[str, str]] = defaultdict(dict)
            for route in dialect.routes:
                operations[route.path][route.method] = route.operation
            for path, by_method in operations.items():
                yield Route(path, _Endpoint(self, dialect, by_method))


@dataclass(frozen=True, slots=True)
class _Answer:
    """A reply, with what is known of its request."""

    call: Call
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
        call = arrive(scope, self._dialect)
        session = self._app.sessions.of(call.caller.session)
        clock = session.clock
        arrived, started = clock.now(), clock.time()
        client = Client(receive, clock)

        def record(outcome: Outcome) -> None:
            era = self._app.sessions.of(call.caller.session).era
            exchange = _exchange(
                self._dialect,
                answer,
                head,
                outcome,
                started,
                clock.now() - arrived,
                late=era != session.era,
            )
            for observer in self._app.observers:
                _show(exchange, observer)

        try:
            answer = await self._answer(call, session, receive, client, started)
            head, timed = self._render(answer, clock, arrived)
        except GoneError:
            return
        except asyncio.CancelledError:
            client.close()
            answer = _refusal(_STOPPED, call)
            head, _ = self._render(answer, clock, arrived)
            record(Outcome("stopped", 0, 0))
            raise
        except Exception as error:  # noqa: BLE001 - the last line before a client sees a trace
            # A defect of ours: the client gets an error it will not retry, the log the trace.
            _log.exception("mockdock failed to answer %s %s", call.method, call.path)
            answer = _refusal(replace(_DEFECT, cause=error), call)
            head, timed = self._render(answer, clock, arrived)

        await deliver(head, timed, clock=clock, client=client, send=send, record=record)

    async def refuse(self, failure: Failure, send: Send) -> None:
        """Send a refusal at once, whatever else goes on."""
        clock = ScaledClock(0)
        answer = _Answer(_NOBODY, None, failure, uuid4().hex)
        head, timed = self._render(answer, clock, clock.now())
        client = Client(_nothing, clock)
        await deliver(head, timed, clock=clock, client=client, send=send, record=lambda _: None)

    def _render(self, answer: _Answer, clock: Clock, arrived: float) -> tuple[Head, _Timed]:
        """Make the head and the first frame; the frames after it are made as they leave."""
        frames = self._dialect.frames(answer.request, answer.reply)
        timed = schedule(frames, *_pace(answer), arrived)
        first = next(timed)
        processing = max(first[0], clock.now()) - arrived
        head = self._head(answer, processing, len(first[1].data), clock.scale)
        return head, chain((first,), timed)

    def _head(self, answer: _Answer, processing: float, length: int, scale: float) -> Head:
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
            time_scale=scale,
        )
        return self._dialect.head(answer.request, answer.reply, envelope)

    async def _answer(
        self, call: Call, session: Session, receive: Receive, client: Client, started: float
    ) -> _Answer:
        """Refuse what cannot be understood; decide and compose what can."""
        engine, dialect = session.engine, self._dialect
        refused = engine.authorize(call.caller)
        if refused is not None and not (session.key and call.caller.key == session.key):
            return _refusal(refused, call)
        operation = self._operations.get("GET" if call.method == "HEAD" else call.method, "")
        if not operation:
            return _refusal(dialect.misroute(call, frozenset(self._operations)), call)
        body = await read(call.headers, receive, self._app.max_body)
        if body is None:
            return _refusal(dialect.oversize(self._app.max_body), call)
        call = replace(
            call,
            operation=operation,
            body=body,
            lenient=engine.scenario.validation == "lenient",
            traits=engine.traits,
        )
        parsed = dialect.parse(call)
        if isinstance(parsed, Failure):
            return _refusal(parsed, call)
        try:
            decision = engine.decide(parsed)
            if decision.asks:
                client.watch()
            if (
                decision.rule_key is not None
                and self._app.sessions.of(call.caller.session).era == session.era
            ):
                self._app.journal.use(call.caller.session, decision.rule_key)
            decision = await engine.consult(parsed, decision)
        except ConditionError as error:
            return _refusal(replace(_DEFECT, message=f"mockdock: {error}", cause=error.cause), call)
        reply = engine.compose(parsed, decision, int(started))
        seen = decision.context.seen
        request_id = decision.context.entropy.digest(f"request/{seen}").hex()[:32]
        engine.keep(parsed, reply, request_id)
        return _Answer(call, parsed, reply, request_id, decision)


_NOBODY = Call("", "", "", {}, {}, b"", "")
_STOPPED = Failure("overloaded", headers={"connection": "close"})
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


def _refusal(failure: Failure, call: Call) -> _Answer:
    return _Answer(call, None, failure, uuid4().hex)


def _pace(answer: _Answer) -> tuple[Any, Any]:
    """Give pacing and the generator it draws from; only completions have a pace."""
    reply, decision = answer.reply, answer.decision
    if not isinstance(reply, Completion) or reply.pacing is None or decision is None:
        return None, None
    context = decision.context
    return reply.pacing, context.entropy.rng(f"pacing/{context.seen}")


def _exchange(
    dialect: Dialect,
    answer: _Answer,
    head: Head,
    outcome: Outcome,
    started: float,
    duration: float,
    *,
    late: bool,
) -> Exchange:
    call, decision = answer.call, answer.decision
    return Exchange(
        method=call.method,
        path=call.path,
        session=call.caller.session,
        headers=call.headers,
        body=call.body,
        request=answer.request,
        reply=answer.reply,
        rule=None if decision is None else decision.rule,
        rule_key=None if decision is None else decision.rule_key,
        attempt=(call.caller.attempt or 1) if decision is None else decision.context.attempt,
        head=head,
        outcome=outcome,
        started=started,
        duration=duration,
        late=late,
        rendered=partial(dialect.frames, answer.request, answer.reply),
    )
